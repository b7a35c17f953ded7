"""Who offers the property, where no label says so: a person above a role, an agency by its legal form.

`Solange Bissonnette` above `Courtier immobilier résidentiel`; `Kowhai Homes Limited` in a line of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.property.reading.base import Candidate
from app.property.reading.document import Document, Segment
from app.property.record import Method
from app.property.values import names, texts

_LONGEST = 90
_PIECES = re.compile(r"\s+[-–—|·•]\s+|,\s+|\s*[|·•]\s*")
_NOT_THE_AGENT = re.compile(
    r"©|copyright|rights|\bMLS\b|trademark|powered|developer|bauträger|vendor|owner|seller|solicitor|notar|cookie|\bbank\b|website|"
    r"software|provided by|source:|energy|strom|insurance|versicherung|management company",
    re.IGNORECASE,
)
_FIRST_SEGMENTS = 1200
_MOST_ABOVE = 8


class Signatures:
    """ListAgentFullName and ListOfficeName of lines that sign the offer."""

    name = "signatures"

    def candidates(self, page: Document) -> Iterator[Candidate]:
        if page.root is None or page.locale.country in (None, "US"):
            return  # brokers in the US are labelled, and owners of records are companies too
        offices: dict[str, tuple[Segment, float]] = {}
        for segment in page.segments[:_FIRST_SEGMENTS]:
            if len(segment.text) > _LONGEST or _NOT_THE_AGENT.search(segment.text):
                continue
            yield from _person(segment, page)
            for office in _offices(names.without_licence(segment.text)):
                offices.setdefault(office, (segment, 0.45))
        branches = {branch.text: branch for s in page.segments[:_FIRST_SEGMENTS] if (branch := _branch(s, page))}
        if len(branches) == 1:
            (office, segment), *_ = branches.items()
            yield _made("ListOfficeName", office, segment, page, 0.55)
        if len(offices) == 1:
            (office, (segment, confidence)), *_ = offices.items()
            yield _made("ListOfficeName", office, segment, page, confidence)


def _person(segment: Segment, page: Document) -> Iterator[Candidate]:
    """A full name with a title, or with a role behind it or in the next line."""
    behind = page.segments[segment.index + 1].text if segment.index + 1 < len(page.segments) else ""
    pieces = [p.strip(" ,.") for p in _PIECES.split(segment.text) if p.strip(" ,.")]
    if len(pieces) == 1 and names.is_full_name(names.without_title(pieces[0])):
        role = names.ROLE.search(behind[:60]) if len(behind) <= 60 and ":" not in behind else None
        signs = names.is_titled(pieces[0]) or (role and role.start() <= 12) or _beside_company(segment, page)
        if signs:
            yield _made("ListAgentFullName", names.without_title(pieces[0]), segment, page, 0.5)
        return
    for one, other in zip(pieces, [*pieces[1:], ""], strict=False):
        person = names.without_title(one)
        if names.is_full_name(person) and (names.is_titled(one) or names.ROLE.match(other)):
            yield _made("ListAgentFullName", person, segment, page, 0.5)
            return


def _branch(segment: Segment, page: Document) -> Segment | None:
    """The branch above whoever answers for the offer, often with its hours between: Japanese pages sign so."""
    known = page.meaning(segment.text) if page.locale.lang == "ja" and len(segment.text) <= 12 else None
    if known is None or known.field != "ListAgentFullName":
        return None
    above = page.segments[max(0, segment.index - _MOST_ABOVE) : segment.index]
    return next((s for s in reversed(above) if names.is_branch(s.text)), None)


def _beside_company(segment: Segment, page: Document) -> bool:
    """True for a line right above or below a company's name in the same paragraph."""
    for index in (segment.index - 1, segment.index + 1):
        if 0 <= index < len(page.segments):
            other = page.segments[index]
            if other.owner is segment.owner and texts.has_legal_form(other.text) and len(other.text) <= _LONGEST:
                return True
    return False


def _offices(text: str) -> Iterator[str]:
    if texts.has_legal_form(text) and _is_name(text) and " - " not in text:
        yield text.strip(" ,")
        return
    pieces = _PIECES.split(text)
    signed = [p for p in pieces if texts.has_legal_form(p) and _is_name(p)]
    if len(signed) == 1 and not any(names.is_agency(p) for p in pieces if p != signed[0]):
        yield signed[0].strip(" ,")  # a brand beside its franchisee would be two


def _is_name(text: str) -> bool:
    words = text.split()
    return (
        texts.is_office(text)
        and 1 <= len(words) <= 8
        and ":" not in text
        and text[:1].isalnum()
        and not text[:1].islower()
    )


def _made(field: str, value: str, segment: Segment, page: Document, confidence: float) -> Candidate:
    where = page.path(segment.owner)
    return Candidate(field, value, value, Method.LABEL, where, segment.text[:300], confidence)
