"""A simulated perfect model: it answers with every labeled value that the prompt's text contains.

It quotes the one to three lines that state the value, preferring short lines that name the field. Its score is
an upper bound for any model, and shows whether the check of a model's claims (`claim_check.py`) accepts correct values.
`planted` yields wrong claims: each correct value and its quote for a similar field. The check must reject all of them.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.property.reading.model.claim_check import LONGEST_QUOTE, MOST_LINES
from app.property.reading.model.label_words import labels_in
from app.property.reading.model.prompt import ENUMS, Prompt
from app.property.record import FIELDS
from app.property.values import vocabulary
from app.property.values.areas import IN_SQUARE_METERS, find_unit
from app.property.values.counts import ORDINAL
from app.property.values.texts import words_of
from benchmarks.extraction import matching
from benchmarks.extraction.presence import ASKED, Said
from benchmarks.extraction.scorer import LABELS

Row = Mapping[str, Any]
#: Groups of labels whose values look alike.
_ALIKE = (
    ("rooms", "bedrooms", "bathrooms", "stories", "parking"),
    ("year_built", "tax_year", "roof_year"),
    ("price", "hoa_fee", "tax_annual", "assessed_value", "market_value", "last_sale_price"),
    ("living_area", "lot_size"),
    ("agent", "office"),
)
_AREAS = {"living_area": "living_area_unit", "lot_size": "lot_unit"}
_COUNTS = ("rooms", "bedrooms", "bathrooms", "half_baths", "stories", "parking")
_YEARS = ("year_built", "tax_year", "roof_year")
#: These labels match whole words only, so that `Stockholm` is not found in `Stockholms kommun`.
_WORDS = ("city", "county", "subdivision", "agent", "office")
#: Matches ordinals and quarters, whose digits do not count rooms: `2nd bedroom`, `3/4 bath`.
_NOT_COUNTED = re.compile(rf"{ORDINAL.pattern}|(?<!\d)[13]/4(?!\d)", re.IGNORECASE)
_WRITTEN = re.compile(r"[\d.,]*\d|\w*")
_WORD = re.compile(r"[^\W\d_]{4,}")
_IN_DATE = re.compile(r"\d{4}-\d\d")
#: Matches letters of scripts that put no spaces between words.
_UNPARTED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
#: The cost of a quote that matches by chance: it names only another field, or it has an area without a unit.
_OF_ANOTHER = 2
_HALVES = ("half", "1/2", "partial", "powder", "medio", "demi")
_STATUSES = {"for_sale": "Active", "for_rent": "Active", "sold": "Closed"}


@dataclass(frozen=True, slots=True)
class Claimed:
    label: str
    field: str
    value: Any
    quote: str


def answers(prompt: Prompt, row: Row) -> Iterator[Claimed]:
    """Yield the labeled values of requested fields that the text of `prompt` states."""
    lines = prompt.text.split("\n")
    for label in ASKED:
        field = LABELS[label][0][0]
        if row.get(label) is None or field not in prompt.fields:
            continue
        quotes = list(_quotes(label, row, lines, prompt))
        quote = min(quotes, key=lambda text: _cost(text, label, prompt), default=None)
        if quote is None or _cost(quote, label, prompt)[0] == _OF_ANOTHER:
            continue
        value = _value(label, row, quote, prompt.country)
        if value is not None:
            yield Claimed(label, field, value, quote)


def planted(claims: list[Claimed], prompt: Prompt, row: Row) -> Iterator[Claimed]:
    """Yield wrong claims: each value of `claims`, with its quote, as the value of a similar field."""
    for one in claims:
        for other in next((kind for kind in _ALIKE if one.label in kind), ()):
            field = LABELS[other][0][0]
            is_wrong = other != one.label and _as_model_states(other, row) not in (row[one.label], one.value)
            if is_wrong and field in prompt.fields and FIELDS[field].ask_model:
                yield Claimed(other, field, one.value, one.quote)


def _as_model_states(label: str, row: Row) -> Any:
    value = row.get(label)
    return math.ceil(value) if label == "bathrooms" and value is not None else value


def _quotes(label: str, row: Row, lines: list[str], prompt: Prompt) -> Iterator[str]:
    for many in range(1, MOST_LINES + 1):
        for at in range(len(lines) - many + 1):
            text = "\n".join(lines[at : at + many])
            is_short = len(text) <= LONGEST_QUOTE
            if is_short and Said(text, prompt.country).says(label, row) and _is_stated(text, label, row, prompt.lang):
                yield text


def _is_stated(quote: str, label: str, row: Row, lang: str | None) -> bool:
    """Return False if the quote has the value only by chance: in a longer word, a date, an ordinal, or another
    count."""
    if label in _WORDS:
        return f" {words_of(row[label])} " in f" {words_of(quote)} " or _UNPARTED.search(quote) is not None
    if label in _YEARS:
        return str(row[label]) in _IN_DATE.sub(" ", quote)
    if label not in (*_COUNTS, "price"):
        return True
    labeled = float(row[label])
    if _is_counted(quote, label, {labeled, float(math.ceil(labeled))}, lang):
        return True
    return _is_counted(quote, label, {float(int(labeled))}, lang) and _states_half(quote, int(labeled))


def _is_counted(quote: str, label: str, wanted: set[float], lang: str | None) -> bool:
    """Return whether the quote has a `wanted` number whose nearest label, if its line has labels, is the field's."""
    field = LABELS[label][0][0]
    for line in _NOT_COUNTED.sub(lambda odd: " " * len(odd[0]), quote).split("\n"):
        named = [one for one in labels_in(line, lang) if label in _COUNTS or one.field in (field, "_Ignore")]
        for number, start in Said(line, None).numbers:
            written = _WRITTEN.match(line, start)
            end = written.end() if written else start
            gaps = {one: max(one.start - end, start - one.end) for one in named}
            near = [one for one, gap in gaps.items() if gap == min(gaps.values()) and one.serves(field)]
            is_own = any(one.field != "BathroomsHalf" or one.field == field for one in near)
            if number in wanted and (is_own or not (named or (label in _COUNTS and _WORD.search(line)))):
                return True
    return False


def _states_half(quote: str, full: int) -> bool:
    """Return whether a quote with the `full` baths of a home also states the half baths."""
    return re.search(rf"(?<![\d.]){full}\s?(?:½|1/2|/\s?\d|and a half)", quote) is not None or (
        len(re.findall(r"(?<![\d.,/])\d(?![\d.,/])", quote)) > 1 and any(half in quote.casefold() for half in _HALVES)
    )


def _cost(quote: str, label: str, prompt: Prompt) -> tuple[int, bool, int, int]:
    """Return a sort key, lowest for the best quote: named field, hidden text, number of lines, length."""
    field, named = LABELS[label][0][0], labels_in(quote, prompt.lang)
    alike = {LABELS[other][0][0] for kind in _ALIKE if label in kind for other in kind} - {field}
    names_field = any(one.serves(field) for one in named)
    names_other = any(one.field in alike for one in named)
    is_chance = names_other or (label in _AREAS and find_unit(quote) is None)
    is_unshown = quote not in prompt.text[: prompt.shown]
    return 0 if names_field else _OF_ANOTHER if is_chance else 1, is_unshown, quote.count("\n"), len(quote)


def _value(label: str, row: Row, quote: str, country: str | None) -> Any:
    write = _WRITERS.get(label)
    if write is not None:
        return write(row, quote, country)
    labeled = row[label]
    if FIELDS[LABELS[label][0][0]].type == "texts":
        return labeled if isinstance(labeled, list) else [labeled]
    return labeled


def _area_of(label: str) -> Callable[[Row, str, str | None], Any]:

    def write(row: Row, quote: str, country: str | None) -> Any:
        labeled, square_meters = row[label], row[label] * IN_SQUARE_METERS[matching.UNITS[row[_AREAS[label]]]]
        stated = [number for number, _ in Said(quote, country).numbers]
        near = (
            number
            for number in stated
            for size in IN_SQUARE_METERS.values()
            if abs(number * size - square_meters) <= matching.AREA_TOLERANCE * square_meters
        )
        return labeled if labeled in stated else next(near, labeled)

    return write


def _property_type(row: Row, quote: str, country: str | None) -> Any:
    kinds = (vocabulary.property_kind(line, country) for line in quote.split("\n"))
    named = [kind.subtype for kind in kinds if kind is not None]
    possible = (*named, *sorted(matching.PROPERTY_TYPES[row["property_type"]]))
    return next((one for one in possible if one in ENUMS["PropertySubType"]), None)


def _status(row: Row, quote: str, _country: str | None) -> Any:
    shown, labeled = vocabulary.standard_status(quote), row["status"]
    return shown if shown in matching.STATUSES[labeled] else _STATUSES.get(labeled, "Pending")


def _region(row: Row, quote: str, _country: str | None) -> Any:
    labeled = row["region"]
    return labeled if labeled.casefold() in quote.casefold() else re.sub(r"(?i)^(?:county|co\.?)\s+", "", labeled)


def _words_of(label: str) -> Callable[[Row, str, str | None], Any]:
    field = LABELS[label][0][0]

    def write(row: Row, quote: str, _country: str | None) -> Any:
        words = next((quote[one.start : one.end] for one in labels_in(quote, None) if one.serves(field)), None)
        return None if not row[label] or words is None else [words] if label == "solar" else words

    return write


_WRITERS: Mapping[str, Callable[[Row, str, str | None], Any]] = {
    "property_type": _property_type,
    "status": _status,
    "region": _region,
    **{label: _area_of(label) for label in _AREAS},
    "bathrooms": lambda row, _quote, _country: math.ceil(row["bathrooms"]),
    "solar": _words_of("solar"),
    "gated": _words_of("gated"),
}
