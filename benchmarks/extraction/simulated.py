"""A model that is right wherever it can be: it answers from the labels what the text that it was sent says.

It quotes the one to three lines that say the value, the shortest that name its field first. So it measures what a
perfect model could do with our text, and whether the check believes it; `planted` are answers as a careless model gives
them, another field's value with its own quote, none of which the check may believe.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.property.reading.model.evidence import LONGEST_QUOTE, MOST_LINES
from app.property.reading.model.label_words import labels_in
from app.property.reading.model.prompt import ENUMS, Prompt
from app.property.record import FIELDS
from app.property.values import vocabulary
from app.property.values.areas import find_unit
from benchmarks.extraction import matching
from benchmarks.extraction.presence import ASKED, Said
from benchmarks.extraction.scorer import LABELS

Row = Mapping[str, Any]
#: labels whose values look the same
_ALIKE = (
    ("rooms", "bedrooms", "bathrooms", "stories", "parking"),
    ("year_built", "tax_year", "roof_year"),
    ("price", "hoa_fee", "tax_annual", "assessed_value", "market_value", "last_sale_price"),
    ("living_area", "lot_size"),
    ("agent", "office"),
)
_AREAS = ("living_area", "lot_size")
#: a quote that names no field but another one, or an area without a unit: the value stands there by chance
_OF_ANOTHER = 2
_HALVES = ("half", "1/2", "partial", "powder", "medio", "demi")
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
        quote = min(quotes, key=lambda text: _cost(text, label, prompt.lang), default=None)
        if quote is None or _cost(quote, label, prompt.lang)[0] == _OF_ANOTHER:
            continue
        value = _value(label, row, quote, prompt.country)
        if value is not None:
            yield Claimed(label, field, value, quote)


def planted(told: list[Claimed], prompt: Prompt, row: Row) -> Iterator[Claimed]:
    """Each value of `told` as that of another field which holds the like, with its true quote."""
    for one in told:
        for other in next((kind for kind in _ALIKE if one.label in kind), ()):
            field = LABELS[other][0][0]
            is_wrong = other != one.label and _said_of(other, row) not in (row[one.label], one.value)
            if is_wrong and field in prompt.fields and FIELDS[field].ask_model:
                yield Claimed(other, field, one.value, one.quote)


def _said_of(label: str, row: Row) -> Any:
    """The labelled value as a model would say it: bathrooms are counted whole."""
    value = row.get(label)
    return math.ceil(value) if label == "bathrooms" and value is not None else value


def _quotes(label: str, row: Row, lines: list[str], prompt: Prompt) -> Iterator[str]:
    for many in range(1, MOST_LINES + 1):
        for at in range(len(lines) - many + 1):
            text = "\n".join(lines[at : at + many])
            is_short = len(text) <= LONGEST_QUOTE
            if is_short and Said(text, prompt.country).says(label, row) and _is_whole(text, label, row):
                yield text


def _is_whole(quote: str, label: str, row: Row) -> bool:
    """False for a quote that tells the full baths of a home that has half ones too, and not those."""
    if label != "bathrooms" or float(row[label]).is_integer():
        return True
    full = math.floor(row[label])
    return re.search(rf"(?<![\d.]){full}\s?(?:[.,](?:5|75)\b|½|1/2|/\s?\d|and a half)", quote) is not None or (
        re.search(rf"(?<![\d.,]){full}(?![\d.,])", quote) is not None
        and len(re.findall(r"(?<![\d.,/])\d(?![\d.,/])", quote)) > 1
        and any(half in quote.casefold() for half in _HALVES)
    )


def _cost(quote: str, label: str, lang: str | None) -> tuple[int, int, int]:
    """How bad a quote is: first whether it names the field, or nothing, or only a field whose values look the same."""
    field, named = LABELS[label][0][0], labels_in(quote, lang)
    alike = {LABELS[other][0][0] for kind in _ALIKE if label in kind for other in kind} - {field}
    names_field = any(one.serves(field) for one in named)
    names_other = any(one.field in alike for one in named)
    is_chance = names_other or (label in _AREAS and find_unit(quote) is None)
    return 0 if names_field else _OF_ANOTHER if is_chance else 1, quote.count("\n"), len(quote)


def _value(label: str, row: Row, quote: str, country: str | None) -> Any:
    """The value as a model would say it; None where it would say nothing."""
    say = _SAY.get(label)
    if say is not None:
        return say(row, quote, country)
    told = row[label]
    if FIELDS[LABELS[label][0][0]].type == "texts":
        return told if isinstance(told, list) else [told]
    return told


def _property_type(row: Row, quote: str, country: str | None) -> Any:
    kind = vocabulary.property_kind(quote, country)
    named = [kind.subtype] if kind is not None else []
    possible = (*named, *sorted(matching.PROPERTY_TYPES[row["property_type"]]))
    return next((one for one in possible if one in ENUMS["PropertySubType"]), None)


def _status(row: Row, quote: str, _country: str | None) -> Any:
    shown, told = vocabulary.standard_status(quote), row["status"]
    return shown if shown in matching.STATUSES[told] else _STATUSES.get(told, "Pending")


def _region(row: Row, quote: str, _country: str | None) -> Any:
    """As the page writes it."""
    told = row["region"]
    return told if told.casefold() in quote.casefold() else re.sub(r"(?i)^(?:county|co\.?)\s+", "", told)


def _words_of(label: str) -> Callable[[Row, str, str | None], Any]:
    """The words that say yes: of solar power a list, of a gate a text."""
    field = LABELS[label][0][0]

    def say(row: Row, quote: str, _country: str | None) -> Any:
        words = next((quote[one.start : one.end] for one in labels_in(quote, None) if one.serves(field)), None)
        return None if not row[label] or words is None else [words] if label == "solar" else words

    return say


_SAY: Mapping[str, Callable[[Row, str, str | None], Any]] = {
    "property_type": _property_type,
    "status": _status,
    "region": _region,
    "bathrooms": lambda row, _quote, _country: math.ceil(row["bathrooms"]),
    "solar": _words_of("solar"),
    "gated": _words_of("gated"),
}
