"""A model that is right wherever it can be: it answers from the labels what the text that it was sent says.

It quotes the one to three lines that say the value, the shortest that name its field first. So it measures what a
perfect model could do with our text, and whether the check believes it; `planted` are answers as a careless model gives
them, another field's value with its own quote, none of which the check may believe.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.property.reading.model.label_words import labels_in
from app.property.reading.model.prompt import ENUMS, Prompt
from app.property.record import FIELDS
from app.property.values import vocabulary
from benchmarks.extraction import matching
from benchmarks.extraction.presence import ASKED, Said
from benchmarks.extraction.scorer import LABELS

Row = Mapping[str, Any]
_LONGEST_QUOTE, _MOST_LINES = 400, 3
#: labels whose values look the same
_ALIKE = (
    ("rooms", "bedrooms", "bathrooms", "stories", "parking"),
    ("year_built", "tax_year", "roof_year"),
    ("price", "hoa_fee", "tax_annual", "assessed_value", "market_value", "last_sale_price"),
    ("living_area", "lot_size"),
    ("agent", "office"),
)
_STATUSES = {"for_sale": "Active", "for_rent": "Active", "sold": "Closed"}


@dataclass(frozen=True, slots=True)
class Claimed:
    """One value of an answer, and the label that it is of."""

    label: str
    field: str
    value: Any
    quote: str


def answers(prompt: Prompt, row: Row) -> Iterator[Claimed]:
    """What the text of `prompt` says of the labels of `row`, where its field is asked for."""
    lines = prompt.text.split("\n")
    for label in ASKED:
        field = LABELS[label][0][0]
        if row.get(label) is None or field not in prompt.fields:
            continue
        quotes = list(_quotes(label, row, lines, prompt))
        quote = min(quotes, key=lambda text: _cost(text, field, prompt.lang), default=None)
        value = _value(label, row, quote or "", prompt.country)
        if quote is not None and value is not None:
            yield Claimed(label, field, value, quote)


def planted(told: list[Claimed], prompt: Prompt, row: Row) -> Iterator[Claimed]:
    """Each value of `told` as that of another field which holds the like, with its true quote."""
    for one in told:
        for other in next((kind for kind in _ALIKE if one.label in kind), ()):
            field = LABELS[other][0][0]
            is_wrong = other != one.label and row.get(other) != row[one.label]
            if is_wrong and field in prompt.fields and FIELDS[field].ask_model:
                yield Claimed(other, field, one.value, one.quote)


def _quotes(label: str, row: Row, lines: list[str], prompt: Prompt) -> Iterator[str]:
    for many in range(1, _MOST_LINES + 1):
        for at in range(len(lines) - many + 1):
            text = "\n".join(lines[at : at + many])
            if len(text) <= _LONGEST_QUOTE and Said(text, prompt.country).says(label, row):
                yield text


def _cost(quote: str, field: str, lang: str | None) -> tuple[bool, int, int]:
    return field not in {one.field for one in labels_in(quote, lang)}, quote.count("\n"), len(quote)


def _value(label: str, row: Row, quote: str, country: str | None) -> Any:
    """The value as a model would say it."""
    told = row[label]
    if label == "property_type":
        kind = vocabulary.property_kind(quote, country)
        named = [kind.subtype] if kind is not None else []
        return next(
            (one for one in (*named, *sorted(matching.PROPERTY_TYPES[told])) if one in ENUMS["PropertySubType"]), None
        )
    if label == "status":
        return _STATUSES.get(told, "Pending")
    if label == "region":  # as the page writes it
        return told if told.casefold() in quote.casefold() else re.sub(r"(?i)^(?:county|co\.?)\s+", "", told)
    if label == "bathrooms":
        return math.ceil(told)
    if FIELDS[LABELS[label][0][0]].type == "texts":
        return told if isinstance(told, list) else [told]
    return told
