"""Check a claim against the cell that holds its value: the cell's label, its answer, and the kind of number.

A line of the prompt's text consists of cells, `label: value | label: value` (`reading/sheet.py`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.property.fields.table import FIELDS, of_kind
from app.property.reading.model.claims import Claim
from app.property.reading.model.label_words import labels_in
from app.property.reading.sheet import is_label_like
from app.property.reading.terms import meaning
from app.property.values.texts import has_street_word

#: The fields that are answered with yes or no.
ANSWERS = frozenset(of_kind("answer"))
_FEATURES = frozenset(of_kind("features"))
_COUNTS, _AREAS, _YEARS = (frozenset(of_kind(kind)) for kind in ("count", "area", "year"))
_NO_AMOUNTS = _COUNTS | _AREAS | _YEARS
_CURRENCY = r"[$€£¥₹₽]|\b(?:USD|EUR|GBP|CHF|CAD|AUD|NZD|PLN|SEK|NOK|DKK)\b"
_MONEY_BEFORE = re.compile(rf"(?:{_CURRENCY})\s?$")
_MONEY_BEHIND = re.compile(rf"(?:[.,]\d\d)?\s?(?:{_CURRENCY}|(?:zł|kr|Kč|Ft|lei)\b|/\s?(?:mo|month|yr|year|week|wk)\b)")
#: Matches the letters of an identifier before its digits: `IL-778812`.
_OF_IDENTIFIER = re.compile(r"(?<![^\W\d_])[A-Z]{1,4}-$")
_SEPARATORS = re.compile(r" \| |\n")
#: Matches what may stand between a label and its value.
_MARKS = re.compile(r"[^\w\n]{0,8}")
#: Matches the answer behind a label: `: No`.
_ANSWER = re.compile(r"\s?:\s?[^|\n]{1,80}")
_MAX_ADDRESS = 60


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a text: its label ("" if it has none), and where its value begins and ends in the text."""

    label: str
    text: str
    start: int
    end: int

    def is_first(self, place: int) -> bool:
        """Return whether nothing but marks stands between the label and `place`."""
        return _MARKS.fullmatch(self.text, self.start, place) is not None


def cell_at(text: str, place: int) -> Cell:
    """Return the cell of `text` around `place`."""
    begins = max((mark.end() for mark in _SEPARATORS.finditer(text, max(0, place - 400), place)), default=0)
    begins = max(begins, text.rfind("\n", 0, place) + 1)
    ends = _SEPARATORS.search(text, place)
    end = ends.start() if ends else len(text)
    colon = text.rfind(": ", begins, place)
    label = text[begins:colon].strip() if colon >= 0 else ""
    return Cell(label, text, colon + 2, end) if is_label_like(label) else Cell("", text, begins, end)


def is_under_unknown_label(claim: Claim, places: Sequence[tuple[int, int]]) -> bool:
    """Return whether the value is the first word of a cell whose label no list knows: `Vintage: 1987`."""
    cells = [(cell_at(claim.line, start), start) for start, _ in places]
    return any(cell.label and cell.is_first(at) and not labels_in(cell.label, claim.lang) for cell, at in cells)


def is_of_other_features(claim: Claim) -> bool:
    """Return whether the label of the quoted words is that of other features."""
    if claim.field not in _FEATURES:
        return False
    at = claim.line.find(claim.quote)
    cell = cell_at(claim.line, at + len(claim.quote)) if at >= 0 else None
    known = meaning(cell.label, claim.lang) if cell is not None and cell.label else None
    return known is not None and known.field in _FEATURES and known.field != claim.field


def with_answer(quote: str, line: str) -> str:
    """Return a quote that ends with a label together with the answer behind the label, as in `HOA` of `HOA: No`."""
    at = line.find(quote)
    behind = _ANSWER.match(line, at + len(quote)) if at >= 0 and ":" not in quote else None
    return quote + behind[0] if behind is not None else quote


def misfits(claim: Claim, places: Sequence[tuple[int, int]]) -> bool:
    """Return whether the value is another kind of number wherever the quote has it: money, an area, or an address."""
    if not isinstance(claim.value, int | float) or isinstance(claim.value, bool):
        return False
    return bool(places) and all(_is_other_kind(claim.field, claim.line, *place) for place in places)


def _is_other_kind(field: str, text: str, start: int, end: int) -> bool:
    before, behind = text[max(0, start - 8) : start], text[end : end + _MAX_ADDRESS]
    if _OF_IDENTIFIER.search(before):
        return True
    if field not in _NO_AMOUNTS:
        return False
    if _MONEY_BEFORE.search(before) or _MONEY_BEHIND.match(behind):
        return FIELDS[field].kind != "year" or _MONEY_BEFORE.search(before) is not None
    if field in _YEARS:
        return not text[start:end].isdigit()
    return field in _COUNTS and _begins_address(behind)


def _begins_address(behind: str) -> bool:
    """Return whether a street follows the number: ` Elm Street, Springfield`."""
    street = re.split(r"[,|\n]", behind, maxsplit=1)[0]
    return re.match(r"\s[A-Z0-9]", street) is not None and has_street_word(street)
