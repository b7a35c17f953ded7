"""Who offers a property, in sentences: `Listing courtesy of Dana Holloway, Piedmont Crest Realty`, `Presented by ... of
...`, and a name above its company in a block for the agent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from app.property.reading.base import Candidate, Reading
from app.property.reading.blocks import Block, blocks
from app.property.reading.document import Document, Segment
from app.property.reading.name_values import OFFICE_WORDS
from app.property.reading.readings import candidates_of
from app.property.reading.remarks import lets
from app.property.record import Method
from app.property.values import texts
from app.property.values.texts import letters_of

_NAME = r"[A-Z][\w'’.-]*(?: (?:[A-Z][\w'’.-]*|de|van|von|la|del)){1,3}"
_OFFER = re.compile(
    r"\b(?:listing )?(?:courtesy(?: of)?|(?:listed|presented|marketed|offered|brokered|represented|managed|shown)"
    r"(?: for (?:sale|rent|lease))?(?: exclusively)? by|provided by|\blisting by)\b:?\s+"
    r"(?P<who>[A-Z0-9][^\n]{2,120}(?:\n[^\n]{2,60})?)",
    re.IGNORECASE,
)
_AGENT_AND_OFFICE = re.compile(
    rf"^(?P<agent>{_NAME})\s*(?:,|\n|\bof\b|\bwith\b|\bat\b|[-–—•·|/]|\()\s*(?P<office>[A-Z0-9][^\n]*)"
)
#: where the company's name ends: a sentence, a separator, a telephone number
_END = re.compile(
    r"(?<!\bCo)(?<!\bInc)(?<!\bLtd)(?<!\bCorp)(?<!\bSt)(?<!\bMt)\.(?:\s|$)|[;|•·—–\n]|\s-\s|"
    r",?\s*(?:\(?\d{3}\)?[-. ]\d{3}|"
    r"\b(?:MLS|DRE|License|Lic|Phone|Ph|Tel|Buyer|Agent|Listing|ID|Office hours)\b)|,\s*(?!(?:LLC|Inc|"
    r"Ltd|LP|PC|Realtors?)\b)",
)
#: `Granite Dells Realty 928-555-0161, Sonja Whitlock 928-555-0133`
_BEHIND_PHONE = re.compile(rf"\d{{3}}[-. ]\d{{4}},\s*(?P<agent>{_NAME})(?=\s*(?:,|$|\(?\d{{3}}))")
_NOT_OURS = re.compile(
    r"\b(?:data|information|photos?|images?|maps?|report|powered|website|estimate)\b[^.]{0,30}$", re.IGNORECASE
)
_AGENT_BLOCK = re.compile(r"(?:^|[\s_-])(?:listing-?)?(?:agent|realtor|broker|lister)(?=$|[\s_-])", re.IGNORECASE)
_CONTACT_BLOCK = re.compile(r"(?:^|[\s_-])(?:contact|agent|realtor|broker|lister)s?(?=$|[\s_-])", re.IGNORECASE)
#: an agent's own site says with whom its owner is licensed
_LICENSED = re.compile(
    rf"^(?P<agent>{_NAME}) is an? (?:[a-z]+ ){{0,3}}(?:broker|agent|realtor|salesperson|associate)\b"
    rf"(?: [a-z]+)? (?:with|at|of) (?P<office>[A-Z0-9][^\n]{{2,120}})",
)
#: what names who offers, alone in a text of its own
_LABEL = re.compile(r"^(?:listing |listed )?(?:courtesy(?: of)?|provided by|by):?$", re.IGNORECASE)
_PROPERTY = re.compile(r"\bproperty $", re.IGNORECASE)
_TELEPHONE = re.compile(r"^\+?[\d() .-]{7,18}$")
_MOST_BLOCKS = 1500
_TITLE = re.compile(r"^[A-Z][A-Za-z®™,/ .-]{4,60}$")
_AGENT_TITLE = re.compile(
    r"\b(?:licensed|associate|listing agent|"
    r"real estate (?:broker|salesperson|agent|advis[eo]r|consultant|specialist)|realtor|broker associate)\b",
    re.IGNORECASE,
)
_AGENT_HEADING = re.compile(r"^(?:listing (?:agent|broker)|(?:listed|presented|offered) by)\W*$", re.IGNORECASE)
_MANAGES = re.compile(r"\b(?:property|rental) management\b", re.IGNORECASE)
_SITES_OWN = re.compile(r"\b(?:your|our|featured|contact (?:an?|our)|find an?|ask an?)\b", re.IGNORECASE)


class Courtesy:
    """ListAgentFullName and ListOfficeName."""

    name = "courtesy"

    def candidates(self, page: Document) -> Iterator[Candidate]:
        if page.root is None or page.locale.lang not in (None, "en"):
            return
        for block in page.once(blocks)[:_MOST_BLOCKS]:
            if (licensed := _LICENSED.match(block.text)) and letters_of(licensed["agent"]) in _site_of(page):
                office = _END.split(licensed["office"])[0].strip(" ,()")
                for named in (("ListAgentFullName", licensed["agent"]), ("ListOfficeName", office)):
                    yield from _made(named, licensed.group()[:200], block.element, page, 0.48)
            for match in _OFFER.finditer(block.text[:1500]):
                manages = match.group()[:7].lower() == "managed" and not page.once(lets)  # an association's manager
                manages = manages and not _PROPERTY.search(block.text[: match.start()])
                if not manages and not _NOT_OURS.search(block.text[: match.start()]):
                    yield from _named(match["who"], match.group()[:200], block, page)
        yield from _behind_label(page)
        yield from _agent_blocks(page)
        yield from _manager(page)


def _site_of(page: Document) -> str:
    """The letters of what the site calls itself: the end of the title, and what it tells to others."""
    told = page.root.xpath("//meta[@property='og:site_name']/@content")
    return letters_of(" ".join((re.split(r"\s[|—–-]\s", page.title)[-1], *map(str, told[:1]))))


def _behind_label(page: Document) -> Iterator[Candidate]:
    """The agent that stands behind the office, both in elements of their own: `<span>Listing courtesy of:</span>
    <span>Bannock Trail Real Estate</span> <span>Lorena Whitcomb</span>`.
    """
    for label, office, agent in zip(page.segments, page.segments[1:], page.segments[2:], strict=False):
        if _LABEL.match(label.text) is None or not OFFICE_WORDS.search(office.text):
            continue
        owners = (label.owner, office.owner, agent.owner)
        if len(set(owners)) < len(owners) or len({owner.getparent() for owner in owners}) > 1:
            continue
        if _is_agent(agent.text) and not OFFICE_WORDS.search(agent.text):
            quote = f"{label.text} {office.text} {agent.text}"
            yield from _made(("ListAgentFullName", agent.text), quote, agent.owner, page, 0.62)


def _named(who: str, quote: str, block: Block, page: Document) -> Iterator[Candidate]:
    both = _AGENT_AND_OFFICE.match(who)
    if both and not OFFICE_WORDS.search(both["agent"]) and _is_agent(both["agent"]):
        office = _END.split(both["office"])[0].strip(" ,()")
        yield from _made(("ListAgentFullName", both["agent"]), quote, block.element, page, 0.74)
        if not office.replace(" ", "").isdigit():
            yield from _made(("ListOfficeName", office), quote, block.element, page, 0.74)
        return
    name = _END.split(who)[0].strip(" ,()")
    if OFFICE_WORDS.search(name):
        yield from _made(("ListOfficeName", name), quote, block.element, page, 0.62)
        if behind := _BEHIND_PHONE.search(who):
            yield from _made(("ListAgentFullName", behind["agent"]), quote, block.element, page, 0.6)
    elif _is_agent(name):
        yield from _made(("ListAgentFullName", name), quote, block.element, page, 0.5)


def _is_agent(name: str) -> bool:
    return 2 <= len(name.split()) <= 4 and texts.is_person(name)


def _made(named: tuple[str, str], quote: str, element: Any, page: Document, confidence: float) -> Iterator[Candidate]:
    field, value = named
    reading = Reading(field, value, Method.LABEL, page.path(element), quote, confidence, "listed by")
    return candidates_of(reading, page.locale)


def _agent_blocks(page: Document) -> Iterator[Candidate]:
    """A person's name with a company's below it, in an element that is named for the agent."""
    for before, segment in zip([None, *page.segments], page.segments, strict=False):
        after = _behind_person(segment, page)
        if after is None or not _is_agent(segment.text) or OFFICE_WORDS.search(segment.text):
            continue
        titled = _TITLE.match(after.text) is not None and _AGENT_TITLE.search(after.text) is not None
        titled = titled or (texts.is_title(after.text) and not after.text.endswith("s"))  # `Agents` is a heading
        if titled:
            if any(_is_agent_block(a, _CONTACT_BLOCK) for a in (segment.owner, *segment.owner.iterancestors())):
                yield from _titled(segment, page)
            continue
        if not OFFICE_WORDS.search(after.text) or len(after.text) > 60 or not texts.is_office(after.text):
            continue
        if before is not None and _SITES_OWN.search(before.text[:60]):
            continue
        if before is not None and _AGENT_HEADING.match(before.text):  # the label's reader knows the name
            yield from _made(("ListOfficeName", after.text), after.text, after.owner, page, 0.55)
            continue
        around = {after.owner, *after.owner.iterancestors()}
        if any(a in around and _is_agent_block(a) for a in (segment.owner, *segment.owner.iterancestors())):
            yield from _made(("ListAgentFullName", segment.text), segment.text, segment.owner, page, 0.5)
            yield from _made(("ListOfficeName", after.text), after.text, after.owner, page, 0.5)


def _manager(page: Document) -> Iterator[Candidate]:
    """The manager of homes to let on its own site: its name is in the title and in a block of contacts."""
    if not _MANAGES.search(page.title):
        return
    for segment in page.segments:
        if len(segment.text) <= 60 and _MANAGES.search(segment.text) and segment.text in page.title:
            above = (segment.owner, *segment.owner.iterancestors())
            if any(_is_agent_block(a, _CONTACT_BLOCK) for a in above):
                yield from _made(("ListOfficeName", segment.text), segment.text, segment.owner, page, 0.55)
                return


def _behind_person(segment: Segment, page: Document) -> Segment | None:
    """The text behind a person's name, and behind the person's number."""
    following = page.segments[segment.index + 1 : segment.index + 3]
    return next((s for s in following if not _TELEPHONE.match(s.text)), None)


def _titled(segment: Segment, page: Document) -> Iterator[Candidate]:
    """A name above its title: `Margaux Vandermeer`, `Licensed Associate Real Estate Broker`, and the company below."""
    yield from _made(("ListAgentFullName", segment.text), segment.text, segment.owner, page, 0.48)
    below = page.segments[segment.index + 2] if segment.index + 2 < len(page.segments) else None
    if (
        below is not None
        and below.text[:1].isupper()
        and len(below.text) <= 60
        and not re.search(r"[\d@:]", below.text)
    ):
        yield from _made(("ListOfficeName", below.text), below.text, below.owner, page, 0.45)


def _is_agent_block(element: Any, words: re.Pattern[str] = _AGENT_BLOCK) -> bool:
    names = f"{element.get('class') or ''} {element.get('id') or ''}"
    return element.tag not in ("body", "html", "form") and words.search(names) is not None
