"""What a raw text or JSON value says in the type of its field: money, areas, counts, names, words of vocabularies.

One function a kind of value, each `(reading, locale) -> (field, value, unit)...`. Addresses are `place_values.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app.property.extract.document import Locale
from app.property.normalise import areas, counts, currency, dates, numbers, prices, texts, vocabulary
from app.property.record import Method

if TYPE_CHECKING:
    from app.property.extract.readings import Reading

Value = tuple[str, Any, str | None]  # field, value, unit

_RENT_LABEL = re.compile(
    r"miete|\brent\b|najm|hyra\b|loyer|alquiler|canone|\bhuur|leie\b|leje\b|aluguel|arrendamento|\brenda\b|pigione|affitto|"
    r"vuokra|nájem|nájomn|bérleti|chirie|\bkira\b|ενοίκιο|μίσθωμα|賃料|家賃|월세|租金",
    re.IGNORECASE,
)
_COOLS = re.compile(r"\ba/?c\b|air cond|cool|evaporat", re.IGNORECASE)

# --- one function a kind of value --------------------


def _money(reading: Reading, locale: Locale) -> prices.Price | None:
    if prices.is_per_area(reading.label):
        return None
    if isinstance(reading.raw, int | float) and not isinstance(reading.raw, bool):
        return prices.Price(float(reading.raw)) if 0 < reading.raw < 5e11 else None
    return prices.parse_price(text_of(reading.raw), lang=locale.lang, country=locale.country)


def _list_price(reading: Reading, locale: Locale) -> Iterator[Value]:
    price = _money(reading, locale)
    if price is None:
        qualifier = prices.find_qualifier(text_of(reading.raw))
        if qualifier in ("on application", "auction"):
            yield "X_PriceQualifier", qualifier, None
            yield "StandardStatus", "Active", None
        return
    if price.amount < 20:
        return
    yield "ListPrice", numbers.tidy(price.amount), price.currency
    yield "X_Currency", price.currency or currency.find_currency(reading.label, locale.country), None
    yield "X_PricePeriod", price.period or prices.find_period(reading.label), None
    yield "X_PriceQualifier", price.qualifier, None
    if reading.method is Method.LABEL and _RENT_LABEL.search(reading.label):
        yield "PropertyType", "Residential Lease", None
        yield "StandardStatus", "Active", None
    label = reading.label.casefold()
    basis = (
        "cold"
        if re.search("kalt|netto|kale", label)
        else "warm"
        if re.search("warm|gesamt|brutto", label)
        else price.basis
    )
    yield "X_RentBasis", basis, None


def _warm_rent(reading: Reading, locale: Locale) -> Iterator[Value]:
    for name, value, unit in _list_price(reading, locale):
        if name != "X_RentBasis":
            yield name, value, unit
    yield "X_RentBasis", "warm", None


def _amount(reading: Reading, locale: Locale) -> Iterator[Value]:
    price = _money(reading, locale)
    if price is not None and price.amount > 0 and not re.search(r"\d\s?%", text_of(reading.raw)):
        yield reading.field, numbers.tidy(price.amount), price.currency


def _association_fee(reading: Reading, locale: Locale) -> Iterator[Value]:
    answer = vocabulary.yes_no(text_of(reading.raw))
    if answer is not None and not isinstance(reading.raw, int):
        yield "AssociationYN", answer, None
        return
    for name, value, unit in _amount(reading, locale):
        yield name, value, unit
        yield "AssociationYN", True, None


def _area(reading: Reading, locale: Locale) -> Iterator[Value]:
    units = "LivingAreaUnits" if reading.field == "LivingArea" else "LotSizeUnits"
    area = areas.parse_area(text_of(reading.raw), None if not isinstance(reading.raw, str) else locale.lang)
    if area is None or not 0 < area.value < 1e9:
        return
    unit = area.unit or areas.find_unit(re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", reading.label))
    if unit is None and reading.label.strip(" :").casefold() in ("lot", "plot", "parcel"):
        return  # `Lot: 0190` is the lot's number
    field = reading.field
    if field == "LivingArea" and unit in (areas.ACRES, areas.HECTARES):  # a home is not measured in acres
        field, units = "LotSizeArea", "LotSizeUnits"
    yield field, numbers.tidy(area.value), unit
    yield units, unit, None


def _area_units(reading: Reading, _locale: Locale) -> Iterator[Value]:
    yield reading.field, areas.find_unit(text_of(reading.raw)), None


def _bathrooms(reading: Reading, locale: Locale) -> Iterator[Value]:
    found = counts.bathrooms(text_of(reading.raw), locale.lang)
    if found is not None:
        yield "BathroomsTotalInteger", found.total, None
        yield "BathroomsFull", found.full, None
        yield "BathroomsHalf", found.half, None


def _subtype(reading: Reading, _locale: Locale) -> Iterator[Value]:
    kind = vocabulary.property_kind(text_of(reading.raw)[:120])
    if kind is not None:
        yield "PropertySubType", kind.subtype, None
        yield "PropertyType", kind.type, None


def _status(reading: Reading, _locale: Locale) -> Iterator[Value]:
    text = text_of(reading.raw)
    standard = vocabulary.standard_status(text) if len(text) <= 60 else None
    if standard:
        yield "MlsStatus", text, None
        yield "StandardStatus", standard, None


def _identifier(reading: Reading, _locale: Locale) -> Iterator[Value]:
    whole = int(reading.raw) if isinstance(reading.raw, float) and reading.raw.is_integer() else reading.raw
    text = text_of(whole).strip(" #:")
    if texts.is_identifier(text):
        yield reading.field, text, None


def _parcel(reading: Reading, _locale: Locale) -> Iterator[Value]:
    text = texts.parcel_number(text_of(reading.raw))
    if text:
        yield "ParcelNumber", text, None


def _currency(reading: Reading, locale: Locale) -> Iterator[Value]:
    text = text_of(reading.raw)
    yield (
        "X_Currency",
        currency.valid_code(text) or (currency.find_currency(text, locale.country) if len(text) < 5 else None),
        None,
    )


def _period(reading: Reading, _locale: Locale) -> Iterator[Value]:
    text = text_of(reading.raw)
    yield "X_PricePeriod", prices.find_period(text) or prices.find_period(f"per {text}"), None


def _beds_and_baths(reading: Reading, locale: Locale) -> Iterator[Value]:
    """`4 / 2.0`."""
    beds, mark, baths = text_of(reading.raw).partition("/")
    if mark:
        yield "BedroomsTotal", _integer(replace(reading, field="BedroomsTotal", raw=beds), locale), None
        yield from _bathrooms(replace(reading, raw=baths.strip()), locale)


def _sale_date(reading: Reading, locale: Locale) -> Iterator[Value]:
    """A date, with the price where both stand in one text: `Oct 2005 for $925,000`."""
    text = text_of(reading.raw)
    yield "CloseDate", dates.parse_date(text, lang=locale.lang, country=locale.country), None
    if currency.find_currency(text, locale.country):
        price = prices.parse_price(text, lang=locale.lang, country=locale.country)
        yield "ClosePrice", numbers.tidy(price.amount) if price else None, None


def _age(reading: Reading, locale: Locale) -> Iterator[Value]:
    """An `age` that holds a year: the key says one thing and holds another."""
    year = _integer(replace(reading, field="YearBuilt"), locale)
    if year is not None:
        yield "YearBuilt", year, None


def _features(reading: Reading, _locale: Locale) -> Iterator[Value]:
    found = texts.features(reading.raw)
    cooling = [part for part in found if _COOLS.search(part)]
    if re.search("cool", reading.label, re.IGNORECASE) and reading.field == "Heating" and 0 < len(cooling) < len(found):
        yield "Heating", [part for part in found if part not in cooling], None
        yield "Cooling", cooling, None
        return
    if found:
        yield reading.field, found, None
    if reading.field == "Heating" and re.search(r"\ba/?c\b|air cond", text_of(reading.raw), re.IGNORECASE):
        yield "Cooling", found, None  # one cell covers both


# --- by type, for fields without a function of their own --------------------

_RANGES = {
    "YearBuilt": (1500, 2100),
    "TaxYear": (1950, 2100),
    "BedroomsTotal": (1, 60),
    "RoomsTotal": (0.5, 200),
    "StoriesTotal": (1, 200),
    "ParkingTotal": (1, 500),
    "BathroomsFull": (0, 60),
    "BathroomsHalf": (0, 20),
    "X_RoofYear": (1900, 2100),
}


def _integer(reading: Reading, locale: Locale) -> int | None:
    value = _number(reading, locale)
    return int(value) if value is not None and float(value).is_integer() else None


def _number(reading: Reading, locale: Locale) -> float | None:
    low, high = _RANGES.get(reading.field, (0, 1e12))
    lang = locale.lang if isinstance(reading.raw, str) else None
    value = counts.single(text_of(reading.raw), lang, year="Year" in reading.field)
    return numbers.tidy(value) if value is not None and low <= value <= high else None


def _text_value(reading: Reading, _locale: Locale) -> str | None:
    text = text_of(reading.raw)
    if reading.field == "SubdivisionName" and not re.search(r"[^\W\d]{3}", text):
        return None
    limit = 20_000 if reading.field == "PublicRemarks" else 120
    least = 40 if reading.field == "PublicRemarks" else 1
    return text if least <= len(text) <= limit else None


def _boolean(reading: Reading, _locale: Locale) -> bool | None:
    return reading.raw if isinstance(reading.raw, bool) else vocabulary.yes_no(text_of(reading.raw))


def _date(reading: Reading, locale: Locale) -> str | None:
    return dates.parse_date(text_of(reading.raw), lang=locale.lang, country=locale.country)


def _rows(reading: Reading, _locale: Locale) -> Any:
    return reading.raw if isinstance(reading.raw, list) else None


def text_of(raw: Any) -> str:
    if isinstance(raw, list):
        return ", ".join(str(v) for v in raw)
    return str(raw)


BY_TYPE: dict[str, Callable[[Reading, Locale], Any]] = {
    "text": _text_value,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "texts": lambda reading, _locale: texts.features(reading.raw) or None,
    "rows": _rows,
}
SPECIAL: dict[str, Callable[[Reading, Locale], Iterator[Value]]] = {
    "ListPrice": _list_price,
    "_RentWarm": _warm_rent,
    "AssociationFee": _association_fee,
    **dict.fromkeys(
        (
            "OriginalListPrice",
            "ClosePrice",
            "TaxAnnualAmount",
            "TaxAssessedValue",
            "X_MarketValue",
            "X_EstimatedValueLow",
            "X_EstimatedValueHigh",
        ),
        _amount,
    ),
    "LivingArea": _area,
    "LotSizeArea": _area,
    "LivingAreaUnits": _area_units,
    "LotSizeUnits": _area_units,
    "BathroomsTotalInteger": _bathrooms,
    "PropertySubType": _subtype,
    "MlsStatus": _status,
    "ListingId": _identifier,
    "ListingKey": _identifier,
    "ParcelNumber": _parcel,
    "X_Currency": _currency,
    "X_PricePeriod": _period,
    "_Age": _age,
    "_BedsBaths": _beds_and_baths,
    "CloseDate": _sale_date,
    **dict.fromkeys(("Roof", "ConstructionMaterials", "Heating", "Cooling"), _features),
}
