"""Believes a model only what the page says: each value needs a quote that stands in the text that was sent and says it.

What fails is dropped and counted by what was wrong with it. What passes becomes a candidate like any other extractor's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.property.extract.base import Candidate
from app.property.extract.claims import Claim, Flaw, Supported
from app.property.extract.cues import LANGUAGES
from app.property.extract.label_words import Named, labels_in
from app.property.extract.prompt import Prompt
from app.property.extract.quotes import Span, find_quote
from app.property.extract.support import supported
from app.property.normalise import areas, numbers, prices
from app.property.record import UNIT_OF, Method, fits

#: the quote names its field; its line does; nothing near does
_SURE, _LIKELY, _BARE = 0.75, 0.65, 0.5
_LONGEST_QUOTE, _MOST_LINES = 400, 3
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
#: labels under which a field stands as well
_ALSO: Mapping[str, frozenset[str]] = {
    "ClosePrice": frozenset({"CloseDate"}),
    "CloseDate": frozenset({"ClosePrice"}),
    "TaxYear": frozenset({"TaxAnnualAmount", "TaxAssessedValue", "X_MarketValue"}),
    "X_RoofYear": frozenset({"Roof"}),
    "AssociationFee": frozenset({"AssociationYN"}),
    "BathroomsTotalInteger": frozenset({"BathroomsFull"}),
}
_BACKWARD = 1_000
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
    if span is None:
        return "not_in_text"
    said = prompt.text[span.start : span.end]
    if said.count("\n") >= _MOST_LINES:
        return "not_in_text"
    line, above = _lines_of(span, prompt.text)
    claim = Claim(field, value, said, line, prompt.lang, prompt.country)
    confidence = _confidence(claim, above)
    if confidence is None:
        return "other_label"
    found = supported(claim)
    if found is None:
        return "not_said"
    return [
        Candidate(
            field=name,
            value=own.value,
            raw=said,
            method=Method.LLM,
            locator=f"chars:{span.start}-{span.end}",
            quote=said,
            confidence=confidence,
            unit=own.unit,
        )
        for name, own in [(field, found), *_companions(claim, found)]
    ]


def _lines_of(span: Span, text: str) -> tuple[str, str]:
    """The line, or lines, that the span stands in, and the line above."""
    start = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", span.end)
    above = text[: max(0, start - 1)].rpartition("\n")[2]
    return text[start : end if end >= 0 else len(text)], above


def _confidence(claim: Claim, above: str) -> float | None:
    """How sure the words around the value are of its field; None where they name another one, or none.

    Of the labels of fields that hold the like the one nearest to the value counts, in the quote, else in its line, else
    in the line above one that is a value alone.
    """
    for text, sure in ((claim.quote, _SURE), (claim.line, _LIKELY), (above if _is_bare(claim.line) else "", _LIKELY)):
        named = _nearest(claim, text)
        if named is not None:
            return sure if named == claim.field else None
    return None if claim.field in _LABELLED and (claim.lang is None or claim.lang in LANGUAGES) else _BARE


def _nearest(claim: Claim, text: str) -> str | None:
    """Which of the field and its rivals `text` names nearest to the value; None if it names none of them."""
    rivals = _rivals(claim.field)
    named = [one for one in labels_in(text, claim.lang) if _field_of(one, claim.field) in rivals | {claim.field}]
    if not named:
        return None
    named = [one for one in named if areas.find_unit(text[one.start : one.end]) is None] or named
    places = list(_places(claim.value, text))
    if not places:
        fields = {_field_of(one, claim.field) for one in named}
        return claim.field if claim.field in fields else next(iter(fields))
    leads = re.search(r"\d", text[: named[0].start]) is None  # `Beds 3, baths 2`, or `3 beds, 2 baths`

    def gap(one: Named) -> int:
        return min(
            (start - one.end if one.end <= start else _BACKWARD + one.start - end)
            if leads
            else (one.start - end if one.start >= end else _BACKWARD + start - one.end)
            for start, end in places
        )

    return min((gap(one), (field := _field_of(one, claim.field)) != claim.field, field) for one in named)[2]


def _field_of(label: Named, field: str) -> str:
    """The field that a label is taken for where `field` may stand under it."""
    return field if label.field in _ALSO.get(field, ()) else label.field


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


def _is_bare(line: str) -> bool:
    """Whether a line has next to no words beside a value."""
    return len(re.findall(r"[^\W\d_]{3,}", line)) <= 1


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
