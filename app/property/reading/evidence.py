"""Point evidence at the exact place of a value: a cell, the key of an object, or the element with the whole text.

The modules that read tables give only the table and row number, and write dates and amounts in normalized form. Users
who check the evidence want the cell and its original text. Only winners (chosen values) are processed.
`model/claim_check.py` checks the quotes of a model.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from lxml import etree

from app.property.fields.table import FIELDS, FOLLOWERS, PROSE, of_kind
from app.property.reading.base import Candidate
from app.property.reading.document import Document
from app.property.reading.pointers import below, pointed
from app.property.reading.ranking import Winner
from app.property.reading.state import blobs
from app.property.reading.trees import spaced_text
from app.property.record import Method
from app.property.values.dates import parse_date
from app.property.values.prices import parse_price
from app.property.values.texts import letters_of

_OF_ROWS = frozenset(
    name for lead in of_kind("date", "year") if (names := FOLLOWERS.get(lead)) for name in (lead, *names)
).union(of_kind("rows"))
_ROW = re.compile(r"^(.*)/(\d+)$")
#: Methods whose evidence is already exact. A derived value has the evidence of its source fields, and
#: `model/claim_check.py` has found a model's quote in the text.
_PROVEN = frozenset({Method.DERIVED, Method.LLM})
_MARKUP_FIRST = re.compile(r"(?:<[^<>]{1,400}>(?:\s|&nbsp;)*)+(?=\S)")
#: The longest text that is quoted completely, and the longest quote, in characters.
_LONG, _LONGEST_QUOTE = 300, 500
_MOST_ROWS, _MOST_CELLS = 80, 40
#: At most this many elements are searched for the whole value: the reader's element and its nearest ancestors.
_MOST_CLIMB = 4


def with_exact_evidence(winners: Mapping[str, Winner], page: Document) -> dict[str, Winner]:
    """Return `winners` with exact evidence. Winners whose evidence is not found are dropped."""
    found = {name: _ground(_quoted(winner.candidate), page) for name, winner in winners.items()}
    return {
        name: replace(winners[name], candidate=candidate) for name, candidate in found.items() if candidate is not None
    }


def _quoted(candidate: Candidate) -> Candidate:
    """If the quote is only the beginning of a long text, quote the part that states the value."""
    value, raw = candidate.value, candidate.raw
    if not isinstance(value, str) or value in candidate.quote:
        return candidate
    if candidate.field in PROSE and (first := _MARKUP_FIRST.match(raw)):
        return replace(candidate, quote=raw[first.end() : first.end() + _LONGEST_QUOTE])
    if len(raw) <= _LONG:
        return candidate
    at = raw.casefold().find(value.casefold())
    return candidate if at < 0 else replace(candidate, quote=raw[max(0, at - 80) : at + len(value) + 80])


def _ground(candidate: Candidate, page: Document) -> Candidate | None:
    if candidate.method in _PROVEN or candidate.locator == "url":
        return candidate
    if page.root is not None and "#" not in candidate.locator:
        return _in_html(candidate, page)
    return _in_json(candidate, page) if candidate.field in _OF_ROWS else candidate


def _in_html(candidate: Candidate, page: Document) -> Candidate | None:
    element = _element(candidate.locator, page)
    if element is None:
        row = _ROW.match(candidate.locator)
        table = _element(row[1], page) if row else None
        return _in_rows(candidate, table, page) if table is not None else None
    if candidate.field in _OF_ROWS and element.tag == "table" and (found := _in_rows(candidate, element, page)):
        return found
    wanted, first = letters_of(candidate.raw), spaced_text(element)
    for climbed in range(_MOST_CLIMB):
        if wanted in letters_of(spaced_text(element)) or any(wanted in letters_of(v) for v in element.attrib.values()):
            return replace(candidate, locator=page.path(element)) if climbed else candidate
        element = element.getparent()
        if element is None or element.tag in ("body", "html"):
            break
    own = letters_of(first)
    if own and (own in letters_of(candidate.quote) or letters_of(candidate.quote) in own):
        return replace(candidate, raw=first[:300])  # the page states the value in words, or on several lines
    return candidate


def _element(path: str, page: Document) -> Any:
    try:
        found = page.root.xpath(path)
    except (etree.XPathError, ValueError):  # ValueError: the path contains control characters
        return None
    return found[0] if isinstance(found, list) and len(found) == 1 else None


def _in_rows(candidate: Candidate, table: Any, page: Document) -> Candidate | None:
    """Point at the value's cell, in the row with the most words of the quote. For a list, point at the table."""
    if isinstance(candidate.value, list):
        text = spaced_text(table)
        return replace(candidate, locator=page.path(table), raw=text, quote=text[:300])
    best: tuple[int, Any, Any] | None = None
    for row in list(table.iter("tr"))[:_MOST_ROWS]:
        cells = list(row.iter("td", "th"))[:_MOST_CELLS]
        cell = next((c for c in cells if _is_stated(candidate, spaced_text(c))), None)
        if cell is None:
            continue
        matches = sum(letters_of(word) in letters_of(spaced_text(row)) for word in candidate.quote.split())
        if best is None or matches > best[0]:
            best = (matches, row, cell)
    if best is None:
        return None
    _, row, cell = best
    words = " ".join(spaced_text(c) for c in row.iter("td", "th"))
    return replace(candidate, locator=page.path(cell), raw=spaced_text(cell)[:300], quote=words[:300])


def _is_stated(candidate: Candidate, text: str) -> bool:
    if not text or len(text) > 200:
        return False
    value = candidate.value
    kind = FIELDS[candidate.field].kind
    if kind == "date":
        if len(text) > 40 or str(value)[2:4] not in text:  # skip texts that cannot be the date, since parsing is slow
            return False
        return bool(parse_date(text) == value)
    if kind == "year":
        return str(value) in re.findall(r"(?:19|20)\d\d", text)
    if str(int(value)) not in re.sub(r"\D", "", text) and not re.search(r"\d\s?[kKmM万億]", text):
        return False
    price = parse_price(text)
    return price is not None and abs(price.amount - float(value)) < 0.005


def _in_json(candidate: Candidate, page: Document) -> Candidate | None:
    head, mark, pointer = candidate.locator.rpartition("#")
    body = page.json if page.json is not None else next((v for where, v in blobs(page) if where == head), None)
    if body is None:
        return None
    rows = pointed(body, pointer)
    if isinstance(rows, str | int | float):
        return candidate  # the locator already points at a single value
    if rows is None and (row := _ROW.match(pointer)):
        # the rows were read from numbered keys (`saleDate1`) of one object, so search the whole object
        rows, pointer = pointed(body, row[1]), row[1]
    if isinstance(candidate.value, list):
        first = next((f'"{key}": {value}' for _, _, key, value in _leaves(rows, "") if str(value).strip()), "")
        return replace(candidate, locator=f"{head}{mark}{pointer}", raw=first[:300], quote=first[:300])
    for inner, owner, key, value in _leaves(rows, ""):
        if _is_stated(candidate, f"{value:.2f}" if isinstance(value, float) else str(value)):
            where = f"{head}{mark}{pointer}{inner}"
            return replace(candidate, locator=where, raw=str(value), quote=_shown(owner, key))
    return None


def _leaves(value: Any, pointer: str, depth: int = 3) -> Iterator[tuple[str, Any, str, Any]]:
    if depth < 0:
        return
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        where = below(pointer, key)
        if isinstance(inner, dict | list):
            yield from _leaves(inner, where, depth - 1)
        elif inner is not None and not isinstance(inner, bool):
            yield where, value, str(key), inner


def _shown(owner: Any, key: str) -> str:
    if not isinstance(owner, dict):
        return str(owner)[:300]
    return f'"{key}": {owner[key]}'[:300]
