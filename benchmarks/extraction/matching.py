"""Compare emitted values with hand labels: one function for each kind of label. All tolerances are defined here."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from app.property import address as addresses
from app.property.reading.model.label_words import names
from app.property.values.areas import IN_SQUARE_METERS
from app.property.values.places import US_STATES

Record = Mapping[str, Any]
Row = Mapping[str, Any]

#: The RESO subtypes and types that count as equal to each word of a label.
PROPERTY_TYPES: dict[str, frozenset[str]] = {
    "flat": frozenset({"Apartment", "Condominium", "Stock Cooperative"}),
    "apartment": frozenset({"Apartment", "Condominium", "Stock Cooperative"}),
    "studio": frozenset({"Apartment", "Studio"}),
    "condo": frozenset({"Condominium", "Apartment"}),
    "house": frozenset({"Single Family Residence", "Villa", "Townhouse", "Semi Detached"}),
    "detached": frozenset({"Single Family Residence"}),
    "single_family": frozenset({"Single Family Residence"}),
    "semi_detached": frozenset({"Semi Detached"}),
    "terraced": frozenset({"Townhouse"}),
    "townhouse": frozenset({"Townhouse"}),
    "duplex": frozenset({"Duplex", "Multi Family"}),
    "multi_family": frozenset({"Multi Family", "Duplex"}),
    "land": frozenset({"Unimproved Land", "Land"}),
    "manufactured": frozenset({"Manufactured Home", "Mobile Home"}),
    "coop": frozenset({"Stock Cooperative", "Apartment"}),
    "commercial": frozenset({"Warehouse", "Industrial", "Office", "Retail", "Commercial Sale"}),
}
#: The values of StandardStatus that match each word of a label. PropertyType tells whether a home is for rent.
STATUSES: dict[str, frozenset[str]] = {
    "for_sale": frozenset({"Active", "Coming Soon"}),
    "for_rent": frozenset({"Active", "Coming Soon"}),
    "under_offer": frozenset({"Pending", "Active Under Contract"}),
    "sale_agreed": frozenset({"Pending", "Active Under Contract"}),
    "sold": frozenset({"Closed"}),
}
UNITS = {"m2": "Square Meters", "sqft": "Square Feet", "acre": "Acres", "ha": "Hectares"}
#: The tolerated relative difference of areas, because pages round after conversion: 10,000 sq ft become 0.23 acres.
AREA_TOLERANCE = 0.005
COORDINATE_TOLERANCE = 0.0005


def _plain(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return re.sub(r"[\W_]+", "", text.casefold())


def number(label: Any, value: Any, _row: Row, _record: Record) -> bool:
    return isinstance(value, int | float) and abs(float(value) - float(label)) < 0.005


def text(label: Any, value: Any, _row: Row, _record: Record) -> bool:
    """Compare letters and digits only, without case, spaces, punctuation, and list separators."""
    return _plain(label) == _plain(value)


def exact(label: Any, value: Any, _row: Row, _record: Record) -> bool:
    return bool(label == value)


def street(label: Any, value: Any, row: Row, _record: Record) -> bool:
    """Compare normalized streets (`Street` equals `St`), with or without the unit, which has its own label."""
    one, other = (_plain(addresses.normalize(addresses.Address(street=str(v))).street) for v in (label, value))
    unit = _plain(row.get("unit") or "")
    return other == one or (unit != "" and other in {f"{one}{word}{unit}" for word in ("", "unit", "apt", "ste")})


def region(label: Any, value: Any, _row: Row, _record: Record) -> bool:
    """Treat `County Kildare`, `Co. Kildare`, and `Kildare` as equal.

    Also treat a US state's code and its name as equal.
    """
    one, other = (re.sub(r"^(?:county|co\.?)\s+", "", str(v).casefold()) for v in (label, value))
    one, other = (US_STATES.get(v, v).casefold() for v in (one, other))
    return _plain(one) == _plain(other)


def postal_code(label: Any, value: Any, _row: Row, _record: Record) -> bool:
    """Compare without spaces. A ZIP code matches with and without its +4 part."""
    one, other = (re.sub(r"^(\d{5})-\d{4}$", r"\1", str(v).strip()) for v in (label, value))
    return _plain(one) == _plain(other)


def bathrooms(label: Any, value: Any, _row: Row, record: Record) -> bool:
    """Match the label 6.5 with 7 bathrooms of which one is half, and 6.75 with 7 of which none is half.

    A record without a number of half baths matches both labels.
    """
    if float(label).is_integer():
        return number(label, value, _row, record)
    half = record.get("BathroomsHalf")
    return value == int(label) + 1 and half in (None, 0 if float(label) % 1 == 0.75 else 1)


def area(unit_label: str, unit_field: str) -> Callable[[Any, Any, Row, Record], bool]:

    def matches(label: Any, value: Any, row: Row, record: Record) -> bool:
        unit = record.get(unit_field)
        if unit not in IN_SQUARE_METERS or not isinstance(value, int | float):
            return False
        asked = float(label) * IN_SQUARE_METERS[UNITS[row[unit_label]]]
        return abs(value * IN_SQUARE_METERS[unit] - asked) <= AREA_TOLERANCE * asked

    return matches


def coordinate(label: Any, value: Any, _row: Row, _record: Record) -> bool:
    return isinstance(value, int | float) and abs(value - float(label)) <= COORDINATE_TOLERANCE


def date(label: Any, value: Any, _row: Row, _record: Record) -> bool:
    """A label without a day matches all dates that begin with it."""
    return str(value) == label or (len(str(label)) < 10 and str(value).startswith(str(label)))


def property_type(label: Any, value: Any, _row: Row, _record: Record) -> bool:
    return value in PROPERTY_TYPES[label]


def status(label: Any, value: Any, _row: Row, record: Record) -> bool:
    leased = "Lease" in str(record.get("PropertyType", "")) or "X_PricePeriod" in record
    return value in STATUSES[label] and leased == (label == "for_rent")


def identifier(label: Any, value: Any, row: Row, _record: Record) -> bool:
    """Accept the label, or an id in the page's URL."""
    return _plain(value) == _plain(label) or in_address(value, row)


def in_address(value: Any, row: Row) -> bool:
    """Return True if `value` is a word of the page's URL, or a word's part before a hyphen (`105001-7436-Main-St`)."""
    words = [word for word in re.split(r"[^\w-]+|_", row.get("url") or "") if word]
    return any(_plain(value) in (_plain(word), _plain(word.partition("-")[0])) for word in words)


def unit_number(label: Any, value: Any, _row: Row, _record: Record) -> bool:
    one, other = (
        re.sub(r"^(?:apt|apartment|unit|suite|ste|no)\b\.?\s*|#", "", str(v).casefold()) for v in (label, value)
    )
    return _plain(one) == _plain(other)


def solar(label: Any, value: Any, _row: Row, _record: Record) -> bool:
    """Match the label True with a list that names solar power, and False with a list that contains `no` or `none`."""
    found = re.search(r"solar|photovoltaic|\bpv\b", str(value), re.IGNORECASE) is not None
    none = re.search(r"\b(?:no|none)\b", str(value), re.IGNORECASE) is not None
    return (found and not none) if label else none


def gated(label: Any, value: Any, _row: Row, _record: Record) -> bool:
    """Match only the label True, with a note that mentions a gate."""
    return bool(label) and (re.search(r"\bgate", str(value), re.IGNORECASE) or names("X_AccessNotes", str(value), None))
