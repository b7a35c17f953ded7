"""Check whether a text still contains a labeled value, by the same rule for every tool.

Fields that no model is asked for, such as coordinates, are not checked, because they are seldom in the text. Numbers
match in any notation; a small number must be near a word of its field.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from app.property.reading.model.label_words import names
from app.property.record import FIELDS
from app.property.values import prices, vocabulary
from app.property.values.areas import IN_SQUARE_METERS
from app.property.values.currency import find_currency
from app.property.values.places import US_STATES
from benchmarks.extraction import matching
from benchmarks.extraction.scorer import LABELS

Row = Mapping[str, Any]

ASKED = tuple(label for label, (fields, _) in LABELS.items() if any(FIELDS[f].ask_model for f in fields))
_NUMBER = re.compile(r"(?<![\d.,])\d[\d.,'’\u00a0\u202f ]*\d|\d")
_TIMES = re.compile(r"\s?(k\b|K\b|M\b|Mio|mln|million|万)")
_FACTORS = {"k": 1e3, "K": 1e3, "M": 1e6, "Mio": 1e6, "mln": 1e6, "million": 1e6, "万": 1e4}
_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "single": 1}
_SMALL, _NEAR = 100, 60
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
STREET_WORDS = {
    **{"street": "st", "avenue": "ave", "road": "rd", "drive": "dr", "lane": "ln", "court": "ct", "place": "pl"},
    **{"boulevard": "blvd", "circle": "cir", "terrace": "ter", "terr": "ter", "trail": "trl", "unit": "", "apt": ""},
    **{"north": "n", "south": "s", "east": "e", "west": "w"},
}
_ASSOCIATION = re.compile(r"\bhoa\b|association|strata", re.IGNORECASE)


class Said:
    """A text, parsed once for all checks. `country` determines the meaning of `$`."""

    def __init__(self, text: str, country: str | None) -> None:
        self.text = text
        self.lines = [line for line in text.split("\n") if line.strip()]
        self.plain = _plain(text)
        self.address = _plain_address(text)
        self.country = country
        self.numbers = list(_numbers(text))

    def says(self, label: str, row: Row) -> bool:
        return _RULES.get(label, _text)(self, label, row)


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


def _plain_address(text: str) -> str:
    return "".join(STREET_WORDS.get(word, word) for word in re.findall(r"\w+", text.casefold()))


def _numbers(text: str) -> Iterator[tuple[float, int]]:
    for match in _NUMBER.finditer(text):
        times = _TIMES.match(text, match.end())
        factor = _FACTORS[times[1]] if times else 1.0
        for value in senses(match[0]):
            yield value, match.start()
            if times:
                yield value * factor, match.start()
    for match in re.finditer(r"(?i)\b(?:" + "|".join(_WORDS) + r")\b", text):
        yield float(_WORDS[match[0].lower()]), match.start()


@lru_cache(maxsize=50_000)
def senses(written: str) -> tuple[float, ...]:
    """Return all values that a written number may mean. `1 250` may be one number or two."""
    parts = [written, *re.split(r"[\u00a0\u202f ]", written)]
    found: set[float] = set()
    for part in parts:
        bare = re.sub(r"['’\u00a0\u202f ]", "", part).strip(".,")
        for sense in (bare.replace(",", ""), bare.replace(".", "").replace(",", ".")):
            try:
                found.add(float(sense))
            except ValueError:
                continue
    return tuple(found)


def _number(parsed: Said, label: str, row: Row) -> bool:
    return _any_number(parsed, label, [float(row[label])], 0.005)


def _any_number(parsed: Said, label: str, wanted: Iterable[float], tolerance: float) -> bool:
    values = list(wanted)
    return any(
        abs(number - value) <= tolerance and (value >= _SMALL or _near(parsed, label, place))
        for number, place in parsed.numbers
        for value in values
    )


def _near(parsed: Said, label: str, place: int) -> bool:
    around = parsed.text[max(0, place - _NEAR) : place + _NEAR]
    return any(names(field, around, None) for field in LABELS[label][0])


def _bathrooms(parsed: Said, label: str, row: Row) -> bool:
    """Accept 6.5, 7, or 6 for six and a half baths, because some pages write 6 full and 1 half."""
    value = float(row[label])
    return _any_number(parsed, label, {value, float(int(value)), float(int(value + 0.5))}, 0.005)


def _area(unit_label: str) -> Callable[[Said, str, Row], bool]:
    def says(parsed: Said, label: str, row: Row) -> bool:
        square_meters = float(row[label]) * IN_SQUARE_METERS[matching.UNITS[row[unit_label]]]
        return any(
            abs(number * size - square_meters) <= matching.AREA_TOLERANCE * square_meters
            for number, _ in parsed.numbers
            for size in IN_SQUARE_METERS.values()
        )

    return says


def _text(parsed: Said, label: str, row: Row) -> bool:
    values = row[label] if isinstance(row[label], list) else [row[label]]
    return all(_plain(str(value)) in parsed.plain for value in values)


def _street(parsed: Said, label: str, row: Row) -> bool:
    return _plain_address(str(row[label])) in parsed.address


def _region(parsed: Said, label: str, row: Row) -> bool:
    value = re.sub(r"^(?:county|co\.?)\s+", "", str(row[label]), flags=re.IGNORECASE)
    if value in US_STATES.values():
        names = [name for name, code in US_STATES.items() if code == value]
        return re.search(rf"\b{value}\b", parsed.text) is not None or any(
            _plain(name) in parsed.plain for name in names
        )
    return _plain(value) in parsed.plain


def _postal_code(parsed: Said, label: str, row: Row) -> bool:
    return _plain(re.sub(r"^(\d{5})-\d{4}$", r"\1", str(row[label]))) in parsed.plain


def _date(parsed: Said, label: str, row: Row) -> bool:
    parts = [int(part) for part in str(row[label]).split("-")]
    year, month, day = (*parts, *[None] * (3 - len(parts)))
    for match in re.finditer(rf"\b{year}\b", parsed.text):
        around = parsed.text[max(0, match.start() - 16) : match.end() + 8].casefold()
        numbers = {int(n) for n in re.findall(r"(?<!\d)\d{1,2}(?!\d)", around)}
        months = month is None or month in numbers or _MONTHS[month - 1] in around
        if months and (day is None or day in numbers):
            return True
    return False


def _property_type(parsed: Said, label: str, row: Row) -> bool:
    wanted = matching.PROPERTY_TYPES[row[label]]
    kinds = (vocabulary.property_kind(line) for line in parsed.lines)
    return any(kind is not None and {kind.subtype, kind.type} & wanted for kind in kinds)


def _status(parsed: Said, label: str, row: Row) -> bool:
    wanted = matching.STATUSES[row[label]]
    return any(
        wanted & {vocabulary.standard_status(line), vocabulary.standard_status(line.rpartition(":")[2])}
        or (row[label] in ("for_sale", "for_rent") and vocabulary.offer(line) is not None)
        or (row[label] == "for_rent" and prices.find_period(line) is not None)
        for line in parsed.lines
    )


def _currency(parsed: Said, label: str, row: Row) -> bool:
    return any(find_currency(line, parsed.country) == row[label] for line in parsed.lines)


def _association(parsed: Said, _label: str, _row: Row) -> bool:
    return _ASSOCIATION.search(parsed.text) is not None


def _named(parsed: Said, label: str, _row: Row) -> bool:
    return any(names(field, parsed.text, None) for field in LABELS[label][0])


_NUMBERS = ("price", "rooms", "bedrooms", "year_built", "stories", "assessed_value", "market_value", "tax_annual",
            "tax_year", "last_sale_price", "hoa_fee", "parking", "roof_year", "half_baths", "estimate_low",
            "estimate_high")  # fmt: skip
_RULES: Mapping[str, Callable[[Said, str, Row], bool]] = {
    **dict.fromkeys(_NUMBERS, _number),
    **dict.fromkeys(("pool", "solar", "gated"), _named),
    "bathrooms": _bathrooms,
    "living_area": _area("living_area_unit"),
    "lot_size": _area("lot_unit"),
    "street": _street,
    "region": _region,
    "postal_code": _postal_code,
    "last_sale_date": _date,
    "property_type": _property_type,
    "status": _status,
    "currency": _currency,
    "hoa": _association,
}
