"""Parse raw texts and JSON values into typed values: areas, counts, dates, layouts, and others."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from app.property.fields.languages import language
from app.property.fields.table import COUNTED, FIELDS, FOLLOWERS, UNIT_OF
from app.property.reading.base import Reading, Value, text_of
from app.property.reading.document import Locale
from app.property.reading.feature_values import features, roof_year
from app.property.reading.money_values import FIRST_WORD, MONEY
from app.property.reading.sentences import SENTENCE, facts_in
from app.property.reading.terms import meaning
from app.property.values import areas, counts, currency, dates, numbers, prices, texts, vocabulary
from app.property.values.layouts import parse_layout, total_floors

_NUMBER_WORDS = {"single": 1, **{words[0]: n for n, words in enumerate(language("en")["numbers"]["counts"], 1)}}
#: Matches the code and name of a listing service's map area, as in `Area: 346 - University City`.
_CODE_AND_NAME = re.compile(r"\d{1,4}[A-Z]? [-–—] ([A-Z][a-z]+.*)")


def _area(reading: Reading, locale: Locale) -> Iterator[Value]:
    if (code := _CODE_AND_NAME.match(text_of(reading.raw))) and areas.find_unit(code[1]) is None:
        return
    if reading.field == "LivingArea" and isinstance(reading.raw, str) and areas.is_range(reading.raw, locale.lang):
        return
    if isinstance(reading.raw, str) and (
        _FRACTION.search(reading.raw) or currency.find_currency(reading.raw, locale.country)
    ):
        return  # `under 1/2 acre` would become two acres, and `Land: $41,200` is not an area
    area = areas.parse_area(text_of(reading.raw), None if not isinstance(reading.raw, str) else locale.lang)
    if area is None or not 0 < area.value < 1e9:
        return
    if "units" in reading.label.casefold() and area.unit is None:
        return  # the number in `Land units: 1.00` may be a number of lots
    unit = area.unit or areas.find_unit(re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", reading.label))
    if unit is None and reading.label.strip(" :").casefold() in ("lot", "plot", "parcel"):
        return  # `Lot: 0190` is the lot's number
    field = reading.field
    if field == "LivingArea" and unit in (areas.ACRES, areas.HECTARES):  # a home is not measured in acres
        field = "LotSizeArea"
    yield field, numbers.tidy(area.value), unit
    yield UNIT_OF[field], unit, None


def _area_units(reading: Reading, _locale: Locale) -> Iterator[Value]:
    yield reading.field, areas.find_unit(text_of(reading.raw)), None


def _bathrooms(reading: Reading, locale: Locale) -> Iterator[Value]:
    found = counts.bathrooms(text_of(reading.raw), locale.lang)
    if found is not None:
        yield reading.field, found.total, None
        parts = COUNTED[reading.field]
        yield from ((name, count, None) for name, count in zip(parts, (found.full, found.half), strict=True))


#: Matches the start of an occupancy status, which does not name the building's kind.
_OCCUPIED = re.compile(r"\W*(?:vacant|owner|tenant|occupied|unoccupied)\b", re.IGNORECASE)
_FRACTION = re.compile(r"(?<![\d/])\d/\d{1,2}\s?-?(?:of an )?(?:acre|ac\b|mile)", re.IGNORECASE)
_OWN_POOL = re.compile(r"\b(?:in|above)[- ]?ground|\b(?:private|play pool|gunite|fiberglass|lap pool)\b", re.IGNORECASE)
_SHARED_POOL = re.compile(r"\b(?:community|association|shared|common|no|none|not)\b", re.IGNORECASE)
_OF_MANY = re.compile(r"\d{1,3}\w{0,2} (?:of|out of|/) \d{1,3}")


def _subtype(reading: Reading, locale: Locale) -> Iterator[Value]:
    text = text_of(reading.raw)
    if reading.label.casefold().startswith("occupancy") and _OCCUPIED.match(text):
        return
    kind = vocabulary.property_kind(text[:120], locale.country)
    if kind is not None:
        yield reading.field, kind.subtype, None
        yield "PropertyType", kind.type, None


def _status(reading: Reading, _locale: Locale) -> Iterator[Value]:
    text = text_of(reading.raw)
    standard = vocabulary.standard_status(text) if len(text) <= 60 else None
    if standard:
        yield reading.field, text, None
        yield str(FIELDS[reading.field].part_of), standard, None


def _identifier(reading: Reading, _locale: Locale) -> Iterator[Value]:
    text = text_of(reading.raw).strip(" #:–—").removeprefix("- ")
    if texts.is_identifier(text):
        yield reading.field, text, None


#: Matches the label of another number in front of a number: `MLS IL-778812`, `Permit 2019-118`.
_OTHER_NUMBER = re.compile(r"((?:[A-Za-z]{2,}[ .#]+){1,3})(?=\S*\d)")


def _parcel(reading: Reading, locale: Locale) -> Iterator[Value]:
    text = texts.parcel_number(text_of(reading.raw))
    label = _OTHER_NUMBER.match(text or "")
    named = label and (meaning(f"{label[1].strip()} #", locale.lang) or meaning(label[1], locale.lang))
    if text and (named is None or named.field == reading.field):
        yield reading.field, text, None


def _beds_and_baths(reading: Reading, locale: Locale) -> Iterator[Value]:
    beds, mark, baths = text_of(reading.raw).partition("/")
    if mark:
        yield "BedroomsTotal", _integer(replace(reading, field="BedroomsTotal", raw=beds), locale), None
        yield from _bathrooms(replace(reading, field="BathroomsTotalInteger", raw=baths.strip()), locale)


def _sale_date(reading: Reading, locale: Locale) -> Iterator[Value]:
    text = text_of(reading.raw)
    yield reading.field, dates.parse_date(text, lang=locale.lang, country=locale.country), None
    if currency.find_currency(text, locale.country):
        price = prices.parse_price(text, lang=locale.lang, country=locale.country)
        yield FOLLOWERS[reading.field][0], numbers.tidy(price.amount) if price else None, None


def _age(reading: Reading, locale: Locale) -> Iterator[Value]:
    """Yield the year of construction, which some sites label `age`. Yield nothing for a true age."""
    year = _integer(replace(reading, field="YearBuilt"), locale)
    if year is not None:
        yield "YearBuilt", year, None


def _stories(reading: Reading, locale: Locale) -> Iterator[Value]:
    """Parse a number of stories in digits or words: `One and One Half`, `Two Story`, `1 1/2`."""
    text = text_of(reading.raw).casefold()
    if _OF_MANY.match(text):  # `Floor: 18 of 26` gives a flat's floor
        return
    if match := re.match(r"(\d)[ -](?:1/2|½)", text):
        yield reading.field, int(match[1]) + 0.5, None
        return
    value = _number(reading, locale)
    if value is None and (word := next((w for w in _NUMBER_WORDS if re.match(rf"{w}\b", text)), None)):
        half = 0.5 if re.search(r"\bhalf\b|1/2|½|\.5", text) else 0
        value = numbers.tidy(_NUMBER_WORDS[word] + half)
    yield reading.field, value, None


def _access(reading: Reading, _locale: Locale) -> Iterator[Value]:
    """Parse notes on a gate or guard. Yield nothing if the text says that there is no gate."""
    text = text_of(reading.raw)
    stated = vocabulary.yes_no(FIRST_WORD.split(text, maxsplit=1)[0])
    if stated is False or re.search(r"\b(?:no|non|not|un)[- ]?gate", text, re.IGNORECASE):
        return
    named = re.search(r"\bgate", reading.label, re.IGNORECASE)
    if re.search(r"\bgate|\bguard", text, re.IGNORECASE):
        yield reading.field, text[:120], None
    elif named and stated:
        yield reading.field, "Gated" if reading.raw is True else f"{reading.label.strip(' :')}: {text}"[:120], None


def _parking(reading: Reading, locale: Locale) -> Iterator[Value]:
    yield reading.field, counts.of_kinds(text_of(reading.raw)) or _integer(reading, locale), None


def _pool(reading: Reading, locale: Locale) -> Iterator[Value]:
    """Parse whether the home has its own pool: a yes or no, or a kind of private pool. A shared pool does not count."""
    stated = _boolean(reading, locale)
    text = "" if isinstance(reading.raw, bool) else text_of(reading.raw)
    if stated is None and _OWN_POOL.search(text) and not _SHARED_POOL.search(text):
        stated = True
    yield reading.field, stated, None


def _remarks(reading: Reading, locale: Locale) -> Iterator[Value]:
    """If the description is not visible text, also parse the roof's year and the gate notes in it."""
    text = text_of(reading.raw)
    yield reading.field, _text_value(reading, locale), None
    if reading.method == "label":
        return  # `remarks.py` reads the sentences of the visible page
    for sentence in SENTENCE.split(text[:4000]):
        for field, raw, _ in facts_in(sentence, locale.lang or "en"):
            if FIELDS[field].parser == "roof_year":
                yield from roof_year(replace(reading, field=field, raw=raw), locale)
            elif FIELDS[field].parser == "gate":
                yield field, raw, None


def _integer(reading: Reading, locale: Locale) -> int | None:
    value = _number(reading, locale)
    return int(value) if value is not None and float(value).is_integer() else None


def _number(reading: Reading, locale: Locale) -> float | None:
    spec = FIELDS.get(reading.field)
    low, high = spec.range if spec is not None and spec.range is not None else (0, 1e12)
    lang = locale.lang if isinstance(reading.raw, str) else None
    value = counts.single(text_of(reading.raw), lang, year="Year" in reading.field)
    return numbers.tidy(value) if value is not None and low <= value <= high else None


def _text_value(reading: Reading, _locale: Locale) -> str | None:
    text = text_of(reading.raw)
    if reading.field == "SubdivisionName" and not re.search(r"[^\W\d]{3}", text):
        return None
    least, limit = FIELDS[reading.field].length or (1, 120)
    return text if least <= len(text) <= limit else None


def _boolean(reading: Reading, _locale: Locale) -> bool | None:
    return reading.raw if isinstance(reading.raw, bool) else vocabulary.yes_no(text_of(reading.raw))


def _date(reading: Reading, locale: Locale) -> str | None:
    return dates.parse_date(text_of(reading.raw), lang=locale.lang, country=locale.country)


def _layout(reading: Reading, locale: Locale) -> Iterator[Value]:
    found = parse_layout(text_of(reading.raw), locale.lang)
    if found is not None:
        yield "RoomsTotal", None if found.rooms is None else numbers.tidy(found.rooms), None
        yield "BedroomsTotal", found.bedrooms, None
        yield "BathroomsTotalInteger", found.bathrooms, None


def _floors(reading: Reading, locale: Locale) -> Iterator[Value]:
    """Parse the building's number of stories, even if the text also gives the flat's floor (`4 of 8`).

    A lone number counts as the flat's floor if the label means the floor, not the number of stories. In the US, such a
    label yields nothing.
    """
    of_flat = reading.field != "_Stories"
    total = total_floors(text_of(reading.raw), alone=not of_flat) if not of_flat or locale.country != "US" else None
    if total is not None and 1 <= total <= 200:
        yield "StoriesTotal", total, None


BY_TYPE: dict[str, Callable[[Reading, Locale], Any]] = {
    **{"text": _text_value, "integer": _integer, "number": _number, "boolean": _boolean, "date": _date},
    "texts": lambda reading, _locale: texts.features(reading.raw) or None,
    "rows": lambda reading, _locale: reading.raw if isinstance(reading.raw, list) else None,
}
SPECIAL: dict[str, Callable[[Reading, Locale], Iterator[Value]]] = {
    **MONEY,
    **{"area": _area, "unit": _area_units, "identifier": _identifier, "features": features, "bathrooms": _bathrooms},
    **{"home": _subtype, "status": _status, "parcel": _parcel, "sale": _sale_date, "remarks": _remarks},
    **{"parking": _parking, "pool": _pool, "stories": _stories, "gate": _access, "_Age": _age, "roof_year": roof_year},
    **{"_BedsBaths": _beds_and_baths, "_Layout": _layout, "_Typology": _layout},
    **dict.fromkeys(("_Stories", "_Floor", "_Structure"), _floors),
}
