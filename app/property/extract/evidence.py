"""Believes a model only what the page says: each value needs a quote that stands in the text that was sent and says it.

What fails is dropped and counted by what was wrong with it. What passes becomes a candidate like any other extractor's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.property.extract.base import Candidate
from app.property.extract.claims import Claim, Flaw, Supported
from app.property.extract.cues import CUES
from app.property.extract.lines import ORDERS
from app.property.extract.prompt import Prompt
from app.property.extract.quotes import Span, find_quote
from app.property.extract.support import supported
from app.property.normalise import prices
from app.property.record import UNIT_OF, Method, fits

#: the quote names its field; its line does; nothing near does
_SURE, _LIKELY, _BARE = 0.75, 0.65, 0.5
_LONGEST_QUOTE = 400


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
    line = _line_of(span, prompt.text)
    said = prompt.text[span.start : span.end]
    if ORDERS.search(line) or ORDERS.search(said):
        return "order"
    claim = Claim(field, value, said, line, prompt.lang, prompt.country)
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
            confidence=_confidence(claim),
            unit=own.unit,
        )
        for name, own in [(field, found), *_companions(claim, found)]
    ]


def _line_of(span: Span, text: str) -> str:
    """The line, or lines, that the span stands in."""
    start = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", span.end)
    return text[start : end if end >= 0 else len(text)]


def _confidence(claim: Claim) -> float:
    cue = CUES.get(claim.field)
    if cue is None or cue.words.search(claim.quote):
        return _SURE
    return _LIKELY if cue.words.search(claim.line) else _BARE


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
