"""Read who offers a property, from sentences (`Listing courtesy of ...`) and from a company's name below an agent's."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from app.property.reading.base import Reading
from app.property.reading.blocks import Block, blocks
from app.property.reading.document import Document
from app.property.reading.name_values import OFFICE_WORDS
from app.property.reading.remarks import lets
from app.property.reading.trees import is_within
from app.property.record import Method
from app.property.values import texts

_NAME = r"[A-Z][\w'’.-]*(?: (?:[A-Z][\w'’.-]*|de|van|von|la|del)){1,3}"
_OFFER = re.compile(
    r"\b(?:listing )?(?:courtesy(?: of)?|(?:listed|presented|marketed|offered|brokered|represented|managed|shown)"
    r"(?: for (?:sale|rent|lease))?(?: exclusively)? by|provided by|\blisting by)\b:?\s+"
    r"(?P<who>(?-i:[A-Z0-9])[^\n]{2,120}(?:\n[^\n]{2,60})?)",
    re.IGNORECASE,
)
_AGENT_AND_OFFICE = re.compile(
    rf"^(?P<agent>{_NAME})(?:\s*[,\n(•·|–—]|\s+(?:of|with|at|[-/])\s)\s*(?P<office>[A-Z0-9][^\n]*)"
)
_END = re.compile(
    r"(?<!\bCo)(?<!\bInc)(?<!\bLtd)(?<!\bCorp)(?<!\bSt)(?<!\bMt)\.(?:\s|$)|[;|•·—–\n]|\s-\s|"
    r",?\s*(?:\(?\d{3}\)?[-. ]\d{3}|"
    r"\b(?:MLS|DRE|License|Lic|Phone|Ph|Tel|Buyer|Agent|Listing|ID|Office hours)\b)|,(?!\s*(?:LLC|Inc|"
    r"Ltd|LP|PC|Realtors?)\b)\s*"
)
_NOT_OURS = re.compile(
    r"\b(?:data|information|photos?|images?|maps?|report|powered|website|estimate)\b[^.]{0,30}$", re.IGNORECASE
)
_PROPERTY = re.compile(r"\bproperty $", re.IGNORECASE)
_TELEPHONE = re.compile(r"^\+?[\d() .-]{7,18}$")
_MOST_BLOCKS = 1500
_AGENT_TITLE = re.compile(
    r"\b(?:licensed|associate|listing agent|"
    r"real estate (?:broker|salesperson|agent|advis[eo]r|consultant|specialist)|realtor|broker associate)\b",
    re.IGNORECASE,
)
_AGENT_BLOCK = re.compile(r"(?:^|[\s_-])(?:listing-?)?(?:agent|realtor|broker|lister)(?=$|[\s_-])", re.IGNORECASE)
_AGENT_HEADING = re.compile(r"^(?:listing (?:agent|broker)|(?:listed|presented|offered) by)\W*$", re.IGNORECASE)

_SITES_OWN = re.compile(r"\b(?:your|our|featured|contact (?:an?|our)|find an?|ask an?)\b", re.IGNORECASE)


def read(page: Document) -> Iterator[Reading]:
    if page.locale.lang not in (None, "en"):
        return
    for block in page.once(blocks)[:_MOST_BLOCKS]:
        for match in _OFFER.finditer(block.text[:1500]):
            # if the page does not offer a rental, `managed by` usually names the manager of an association
            manages = match.group()[:7].lower() == "managed" and not page.once(lets)
            manages = manages and not _PROPERTY.search(block.text[: match.start()])
            if not manages and not _NOT_OURS.search(block.text[: match.start()]):
                yield from _named(match["who"], match.group()[:200], block, page)
    yield from _agent_blocks(page)


def _named(who: str, quote: str, block: Block, page: Document) -> Iterator[Reading]:
    both = _AGENT_AND_OFFICE.match(who)
    if both and not OFFICE_WORDS.search(both["agent"]) and _is_agent(both["agent"]):
        office = _END.split(both["office"])[0].strip(" ,()")
        yield _made(("ListAgentFullName", both["agent"]), quote, block.element, page, 0.74)
        if not office.replace(" ", "").isdigit():
            yield _made(("ListOfficeName", office), quote, block.element, page, 0.74)
        return
    name = _END.split(who)[0].strip(" ,()")
    if OFFICE_WORDS.search(name):
        yield _made(("ListOfficeName", name), quote, block.element, page, 0.62)


def _is_agent(name: str) -> bool:
    return 2 <= len(name.split()) <= 4 and texts.is_person(name)


def _made(named: tuple[str, str], quote: str, element: Any, page: Document, confidence: float) -> Reading:
    field, value = named
    return Reading(field, value, Method.LABEL, page.path(element), quote, confidence, "listed by")


def _agent_blocks(page: Document) -> Iterator[Reading]:
    """Read a person's name and the company below it, under a heading for agents or in an element for agents."""
    for heading, person in pairwise(page.segments):
        following = page.segments[person.index + 1 : person.index + 3]
        after = next((s for s in following if not _TELEPHONE.match(s.text)), None)
        if after is None or not _is_agent(person.text) or OFFICE_WORDS.search(person.text) or len(after.text) > 60:
            continue
        if _SITES_OWN.search(heading.text[:60]):
            continue
        if not OFFICE_WORDS.search(after.text) or _AGENT_TITLE.search(after.text) or not texts.is_office(after.text):
            continue
        if _AGENT_HEADING.match(heading.text):  # `labels.py` reads the agent's name
            yield _made(("ListOfficeName", after.text), after.text, after.owner, page, 0.55)
        elif any(
            is_within(after.owner, above) and _is_agents(above)
            for above in (person.owner, *person.owner.iterancestors())
        ):
            yield _made(("ListAgentFullName", person.text), person.text, person.owner, page, 0.5)
            yield _made(("ListOfficeName", after.text), after.text, after.owner, page, 0.5)


def _is_agents(element: Any) -> bool:
    names = f"{element.get('class') or ''} {element.get('id') or ''}"
    return element.tag not in ("body", "html", "form") and _AGENT_BLOCK.search(names) is not None
