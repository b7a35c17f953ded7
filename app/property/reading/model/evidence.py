"""Believes a model only what the page says: each value needs a quote that stands in the text that was sent and says it.

What fails is dropped and counted by what was wrong with it. What passes becomes a candidate like any other extractor's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.property.fields.languages import language
from app.property.reading.base import Candidate
from app.property.reading.model import figures
from app.property.reading.model.claims import Claim, Flaw, Supported
from app.property.reading.model.label_words import Named, labels_in, names
from app.property.reading.model.prompt import Prompt
from app.property.reading.model.quotes import Span, find_quote
from app.property.reading.model.support import supported
from app.property.record import FIELDS, UNIT_OF, Method, fits
from app.property.values import areas, numbers, prices

#: the quote names its field; its line does; nothing near does
_SURE, _LIKELY, _BARE = 0.75, 0.65, 0.5
#: what is left of a value that only data says, or what stands beside the property
_UNSHOWN = 0.4
_LONGEST_QUOTE, _MOST_LINES = 400, 3
#: fields as our schema writes them, which no page does for people: `ListPrice`
_OUR_NAMES = re.compile(
    rf"(?<![A-Za-z])(?:{'|'.join(name for name in FIELDS if re.search('[a-z][A-Z]', name))})(?![a-z])"
)
#: fields whose values look the same
_ALIKE = (
    frozenset({"RoomsTotal", "BedroomsTotal", "BathroomsTotalInteger", "StoriesTotal", "ParkingTotal"}),
    frozenset({"YearBuilt", "TaxYear", "X_RoofYear", "CloseDate"}),
    frozenset({"LivingArea", "LotSizeArea"}),
    frozenset(
        {"ListPrice", "ClosePrice", "OriginalListPrice", "AssociationFee", "TaxAnnualAmount", "TaxAssessedValue"}
        | {"X_MarketValue"}
    ),
    frozenset({"ListAgentFullName", "ListOfficeName"}),
)
_BATHS = ("BathroomsHalf", "BathroomsTotalInteger")
#: what stands between a label and its value: so much more than a blank does a mark separate them, and from here on
#: they have nothing to do with each other
_SEPARATED, _FAR = 20, 80
_CELL_ENDS = re.compile(r": | \| ")
_SEPARATOR = re.compile(r"[,;|•·\n]|\.\s|\s[-–—]\s")
#: fields whose value says nothing without a label
_LABELLED = frozenset().union(*_ALIKE[:2]) | {
    *("ClosePrice", "AssociationFee", "TaxAnnualAmount", "TaxAssessedValue", "X_MarketValue", "ParcelNumber"),
    *("SubdivisionName", "CloseDate", "LotSizeArea"),
}


@dataclass(frozen=True, slots=True)
class Dropped:
    """A value of the model that is not believed."""

    field: str
    value: Any
    quote: str
    flaw: Flaw


def verify(values: Mapping[str, tuple[Any, str]], prompt: Prompt) -> tuple[list[Candidate], tuple[Dropped, ...]]:
    """Of a model's `values` with their quotes what `prompt.text` bears out, in the order asked, and what it does not.

    An area also yields its unit, a price its period and rent basis where its quote tells them. A locator is
    `chars:START-END` in `prompt.text`.
    """
    kept: list[Candidate] = []
    dropped: list[Dropped] = []
    for field in prompt.fields:
        if field not in values:
            continue
        value, quote = values[field]
        found = _checked(field, value, quote, prompt)
        if isinstance(found, str):
            dropped.append(Dropped(field, value, quote, found))
        else:
            kept.extend(found)
    return kept, tuple(dropped)


def _checked(field: str, value: Any, quote: str, prompt: Prompt) -> list[Candidate] | Flaw:
    """What the text says of the field, or what is wrong with the claim."""
    if not fits(field, value):
        return "not_read"
    if not quote.strip():
        return "no_quote"
    span = find_quote(quote, prompt.text) if len(quote) <= _LONGEST_QUOTE else None
    if span is None or prompt.text.count("\n", span.start, span.end) >= _MOST_LINES:
        return "not_in_text"
    said, line = prompt.text[span.start : span.end], _line_of(span, prompt.text)
    claim = Claim(field, value, _with_whole_label(said, line, prompt.lang), line, prompt.lang, prompt.country)
    if _OUR_NAMES.search(claim.line):
        return "order"
    confidence = None if _is_of_a_part(claim, prompt) else _confidence(claim)
    found = supported(claim) if confidence is not None else None
    if confidence is None or found is None:
        return "other_label" if confidence is None else "not_said"
    unshown = prompt.shown is not None and span.start >= prompt.shown
    return [
        Candidate(
            field=name,
            value=own.value,
            raw=said,
            method=Method.LLM,
            locator=f"chars:{span.start}-{span.end}",
            quote=said,
            confidence=confidence * (_UNSHOWN if unshown else 1.0),
            unit=own.unit,
            unshown=unshown,
        )
        for name, own in [(field, found), *_companions(claim, found)]
    ]


def _with_whole_label(said: str, line: str, lang: str | None) -> str:
    """A quote that begins inside a label of its line, as `baths: 1` of `full baths: 1`, from where that begins."""
    at = line.find(said)
    begun = next((one.start for one in labels_in(line, lang) if one.start < at < one.end), at)
    return line[begun : at + len(said)] if at >= 0 else said


def _is_of_a_part(claim: Claim, prompt: Prompt) -> bool:
    """True for full baths as the number of all, where the text tells of half baths too."""
    if claim.field != "BathroomsTotalInteger":
        return False
    named = {one.field for one in labels_in(claim.quote, claim.lang)} & {"BathroomsFull", *_BATHS}
    return named == {"BathroomsFull"} and names("BathroomsHalf", prompt.text, claim.lang)


def _line_of(span: Span, text: str) -> str:
    """The line, or lines, that the span stands in; with the one above where they have next to no words."""
    start = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", span.end)
    line = text[start : end if end >= 0 else len(text)]
    is_bare = start and len(re.findall(r"[^\W\d_]{3,}", line)) <= 1
    return text[text.rfind("\n", 0, start - 1) + 1 : start] + line if is_bare else line


def _confidence(claim: Claim) -> float | None:
    """How sure the words around the value are of its field; None where they name another one, or none.

    Of the labels of fields that hold the like the one nearest to the value counts, in the quote, else in its line.
    """
    if claim.field == "LotSizeArea" and figures.is_of_land(claim.quote):
        return _SURE
    for text, sure in ((claim.quote, _SURE), (claim.line, _LIKELY)):
        named = _nearest(claim, text)
        if named is not None:
            return sure if named == claim.field else None
    return None if claim.field in _LABELLED and (claim.lang is None or language(claim.lang)) else _BARE


def _nearest(claim: Claim, text: str) -> str | None:
    """Which of the field and its rivals `text` names nearest to the value; None if it names none of them."""
    field, alike = claim.field, {claim.field, *_rivals(claim.field)}
    text = _column_of(claim.value, text)
    named = [one for one in labels_in(text, claim.lang) if any(map(one.serves, alike))]
    # a unit is no label where there is one
    named = [one for one in named if areas.find_unit(text[one.start : one.end].strip(".")) is None] or named
    if not named:
        return None
    places = list(_places(claim.value, text))
    if not places:
        return field if any(one.serves(field) for one in named) else named[0].field
    before = text[: named[0].start]
    leads = re.search(r"\d", before) is None and not any(figures.said_in_words(before))  # `Beds 3`, or `3 beds`

    def gap(one: Named) -> int:
        return min(_gap(text, one, start, end) + (leads is (one.start >= end)) for start, end in places)

    nearest = min(named, key=lambda one: (gap(one), not one.serves(field)))
    return None if gap(nearest) > _FAR else field if nearest.serves(field) else nearest.field


def _column_of(value: object, text: str) -> str:
    """Of the head and a row of a table, the value's cell behind what stands above it; of any other text all."""
    head, _, row = text.partition("\n")
    heads, cells = _CELL_ENDS.split(head), _CELL_ENDS.split(row)
    if not 1 < len(cells) <= len(heads) or any(any(char.isdigit() for char in cell) for cell in heads):
        return text
    columns = zip(heads[-len(cells) :], cells, strict=True)
    return next((f"{name}: {cell}" for name, cell in columns if any(_places(value, cell))), text)


def _gap(text: str, label: Named, start: int, end: int) -> int:
    """How far a label is from the value that stands from `start` to `end`."""
    between = text[label.end : start] if label.end <= start else text[end : label.start]
    return len(between) + _SEPARATED * len(_SEPARATOR.findall(between))


def _places(value: object, text: str) -> Iterator[tuple[int, int]]:
    """Where `text` holds `value`."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        for lang in ("en", "de"):
            for found in numbers.find_numbers(text, lang):
                if abs(found.value - value) < 0.005:
                    yield found.start, found.end
    elif isinstance(value, str):
        at = text.casefold().find(value.casefold())
        if at >= 0:
            yield at, at + len(value)


def _rivals(field: str) -> frozenset[str]:
    """The fields whose values look the same."""
    return next((kind - {field} for kind in _ALIKE if field in kind), frozenset())


def _companions(claim: Claim, found: Supported) -> Iterator[tuple[str, Supported]]:
    """What the same quote says of fields that nobody asks a model for."""
    if claim.field in UNIT_OF and found.unit:
        yield UNIT_OF[claim.field], Supported(found.unit)
    if claim.field == "ListPrice":
        period = prices.find_period(claim.quote)
        told = prices.parse_price(claim.quote, lang=claim.lang, country=claim.country)
        if period:
            yield "X_PricePeriod", Supported(period)
        if told and told.basis:
            yield "X_RentBasis", Supported(told.basis)
