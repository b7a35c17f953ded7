"""Parse addresses, their parts, and coordinates from raw texts and JSON values."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from app.property import address as addresses
from app.property.address.tables import suffixes
from app.property.fields.table import AXES
from app.property.reading.base import Candidate, Reading, Value, of_text, text_of
from app.property.reading.document import Locale
from app.property.record import Method
from app.property.values import address_lines, areas, numbers, places, regions, texts

#: Countries that write the house number after the street.
_NUMBER_BEHIND = frozenset(
    {"AR", "AT", "BE", "BG", "BR", "CH", "CL", "CO", "CZ", "DE", "DK", "EE", "ES", "FI", "GR", "HR", "HU", "IT", "LT"}
    | {"LV", "MX", "NL", "NO", "PL", "PT", "RO", "RS", "RU", "SE", "SI", "SK", "TR"}
)
#: Countries where a line without a number may be `town, district` instead of `street, town`.
_STREETS_HAVE_NUMBERS = _NUMBER_BEHIND | {"FR", "LU", "JP", "AE"}
_COUNTY = re.compile(r"^([A-Z].*) (?:County|Parish)$")
#: Matches taxing units that table headings list beside the county.
_NO_COUNTY = re.compile(
    r"^(?:schools?|school (?:board|district)|non-?school|city|municipal\w*|state|town|all|water|library|fire|total)$",
    re.IGNORECASE,
)
#: Matches a PO box, which is not the address of a house.
_BOX = re.compile(r"\bP\.? ?O\.? box\b", re.IGNORECASE)
#: Countries where the word for a state also means a condition: `Estado: Usado`.
_STATE_IS_CONDITION = frozenset({"PT", "BR", "ES", "MX", "AR", "IT"})
_REGION = re.compile(r"\bregion\b", re.IGNORECASE)


def _place_number(reading: Reading, _locale: Locale) -> Iterator[Value]:
    value = numbers.parse_number(text_of(reading.raw), None)
    limit = 90 if reading.field == AXES[0] else 180
    if value is not None and value != 0 and abs(value) <= limit and value != int(value):
        yield reading.field, value, None


def _coordinates(reading: Reading, _locale: Locale) -> Iterator[Value]:
    if isinstance(reading.raw, list) and len(reading.raw) == 2:
        found = [numbers.parse_number(str(v)) for v in reading.raw]
    else:
        found = [
            n.value for n in numbers.find_numbers(text_of(reading.raw).replace(",", " , "), None, multipliers=False)
        ]
    if len(found) == 2 and all(v is not None and v != int(v) for v in found) and abs(found[0] or 0) <= 90:
        yield from ((axis, degrees, None) for axis, degrees in zip(AXES, found, strict=True))


def _address(reading: Reading, locale: Locale) -> Iterator[Value]:
    text = texts.before_map(text_of(reading.raw))
    number, unit = (["", "", *text.split()])[-2:]
    if _BOX.search(text) or (number[-1:].isdigit() and areas.is_unit(unit)):
        return  # a PO box, or an area such as `Site: 0.6 acre`
    placed = address_lines.read(text, locale.country) is not None
    if not placed and (not texts.looks_like_address(text) or _names_places_only(text, locale)):
        return
    yield from address_values(addresses.parse(text, locale.country))


def _names_places_only(text: str, locale: Locale) -> bool:
    """Return whether the line has no street, like `Warszawa, Ursynów`, in a country where streets have numbers."""
    return (
        locale.country in _STREETS_HAVE_NUMBERS
        and not any(c.isdigit() for c in text)
        and not texts.has_street_word(text)
    )


def address_values(parts: addresses.Address) -> Iterator[Value]:
    """Yield the parts of an address as values of their fields. If the town of a US address is a county's name, yield it
    as the county.
    """
    county = _COUNTY.match(parts.city or "") if places.us_state(parts.state or "") else None
    if county:
        yield "CountyOrParish", county[1], None
        parts = replace(parts, city=None)
    yield from ((name, value, None) for name, value in replace(parts, country=None).as_values().items())


def placed(parts: addresses.Address, text: str, where: str, confidence: float) -> Iterator[Candidate]:
    """Return a candidate for each part of an address that the page gives as `text` at `where`."""
    return (of_text(field, value, text, where, confidence) for field, value, _ in address_values(parts) if value)


def _street(reading: Reading, locale: Locale) -> Iterator[Value]:
    text = texts.before_map(text_of(reading.raw))
    if not texts.looks_like_street(text) or ("," in text and _names_places_only(text, locale)):
        return
    whole = addresses.parse(text, locale.country)
    if whole.city and whole.postal_code and whole.street:
        yield from address_values(whole)
        return
    # the text has no street, as in `07690 Sa Rapita, Illes Balears`
    if whole.city and whole.postal_code and text.startswith(whole.postal_code):
        yield from (v for v in address_values(whole) if v[1])
        return
    parts = addresses.with_street(addresses.Address(), text)
    yield from (v for v in address_values(parts) if v[1])


def _region(reading: Reading, locale: Locale) -> Iterator[Value]:
    text = text_of(reading.raw)
    doubtful = locale.country in _STATE_IS_CONDITION and not regions.is_region(text, locale.country)
    if reading.method is Method.LABEL and locale.country == "US" and _REGION.search(reading.label):
        doubtful = places.us_state(text) is None  # `Region: Gilbert` is a listing service's region, not a state
    if texts.is_place_name(text) and not doubtful:
        yield reading.field, text, None


def _city(reading: Reading, _locale: Locale) -> Iterator[Value]:
    text = texts.town(texts.before_map(text_of(reading.raw)))
    if texts.is_place_name(text):
        yield reading.field, texts.capitalized(text), None


def _county(reading: Reading, _locale: Locale) -> Iterator[Value]:
    """`Maricopa County` becomes `Maricopa`, the form that RESO uses."""
    text = text_of(reading.raw)
    name = _COUNTY.match(text)
    if len(text) <= 120 and re.search(r"[^\W\d]{3}", text) and not _NO_COUNTY.match(text.strip()):
        yield reading.field, name[1] if name else text, None


def _country(reading: Reading, _locale: Locale) -> Iterator[Value]:
    yield reading.field, places.country_code(text_of(reading.raw)), None


def _postal_code(reading: Reading, locale: Locale) -> Iterator[Value]:
    text = text_of(reading.raw)
    if isinstance(reading.raw, int):
        text = f"{reading.raw:05d}"
    if re.fullmatch(r"\d{9}", text.strip()) and locale.country in (None, "US"):
        text = f"{text.strip()[:5]}-{text.strip()[5:]}"
    if texts.is_postal_code(text):
        yield reading.field, text.strip(), None


def ends_a_street(end: str, rest: str, city: str | None) -> bool:
    """Return whether the two-letter code `end` after `rest` is a street's suffix, not a state: `Ct` in `14 Elm Ct`."""
    placed = "," in end or (city is not None and rest.casefold().endswith(city.casefold()))
    last = rest.rpartition(" ")[2].strip(".,").upper()
    return re.fullmatch(r"\W+[A-Za-z]{2}", end) is not None and not placed and last not in suffixes()


def numbered(street: str, number: str, country: str | None) -> str:
    """Return a street with its house number in the order of `country`."""
    return f"{street} {number}" if country in _NUMBER_BEHIND else f"{number} {street}"


_CITY_STATE_ZIP = re.compile(r"^([A-Za-z][A-Za-z.' -]+?),?\s+(?:([A-Z]{2}),?\s+)?(\d{5}(?:-\d{4})?)$")


def _city_state_zip(reading: Reading, _locale: Locale) -> Iterator[Value]:
    """Parse a town and ZIP code with or without a state: `PALM BRANCH FL 33852`."""
    match = _CITY_STATE_ZIP.match(text_of(reading.raw).strip())
    if match and texts.is_place_name(match[1]):
        state = match[2] if match[2] and places.us_state(match[2]) else None
        yield from address_values(addresses.Address(city=match[1], state=state, postal_code=match[3]))


PLACES: dict[str, Callable[[Reading, Locale], Iterator[Value]]] = {
    **{"coordinate": _place_number, "_Coordinates": _coordinates, "_Address": _address, "street": _street},
    **{"region": _region, "city": _city, "_CityStateZip": _city_state_zip, "county": _county, "country": _country},
    "postal_code": _postal_code,
}
