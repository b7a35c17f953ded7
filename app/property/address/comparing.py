"""Normalize and compare addresses, and derive their keys. Names count as equal if they differ only by typing errors.
Numbers must be equal.
"""

import re
from dataclasses import replace
from functools import lru_cache
from typing import Literal

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from app.property.address import streets, units
from app.property.address.parts import Address
from app.property.address.streets import Street
from app.property.address.tables import DIRECTIONALS
from app.property.address.towns import spelled as spelled_town
from app.property.address.words import plain
from app.property.values.places import country_code, us_state

Verdict = Literal["same", "different", "unsure"]
#: A state road, whose spelling differs between sources. In keys and comparisons, it is written `SR`.
_STATE_ROAD = re.compile(r"^(OLD )?(?:STATE (?:HIGHWAY|ROAD|ROUTE)|(?!US )[A-Z]{2} HIGHWAY|HIGHWAY|ROUTE) (?!OF )")
_ROAD = re.compile(r"^(?:OLD )?(?:SR|US HIGHWAY|INTERSTATE|COUNTY (?:HIGHWAY|ROAD|ROUTE)|FM|RM|RANCH ROAD) ")
_STRASSE = re.compile(r"STRASSE\b")
#: Designators that sources may interchange: `STE 4` and `RM 4` may be the same unit, but `STE 4` and `RM 5` never are.
_SINGLE_UNITS = ("UNIT", "STE", "RM", "LOT", "SPC", "TRLR", "OFC", "PH")
#: Words and letters that distinguish streets. A difference in them is not a typing error: `AVENUE A`, `HIGHWAY EE`,
#: `NORTHRIDGE`.
_MARKS = re.compile(r"NORTH|SOUTH|EAST|WEST|\b([A-Z])\1?\b")
#: Pairs of a name's minimum length and the number of typing errors allowed in it.
_TYPOS = ((10, 2), (6, 1))


def address_key(address: Address) -> str:
    """Return a key such as `12|n main st|4|00000`.

    Spellings that `normalize` makes equal have the same key. Later versions of this code must not change keys. The last
    part of the key is the ZIP or postal code or, if unknown, town and state. Raises `ValueError` if number, street, or
    place is unknown.
    """
    parts = normalize(address)
    place = parts.postal_code or (parts.city and f"{parts.city}/{parts.state or ''}")
    if not (parts.street_number and parts.street_name and place):
        raise ValueError("an address without house number, street or place has no key")
    return "|".join((parts.street_number, parts.street_name, parts.unit or "", place))


def normalize(address: Address) -> Address:
    """Return the address with every part normalized for comparison, not for display.

    Normalized parts have lower case, no punctuation, and postal abbreviations. A missing street number or name is taken
    from `street`.
    """
    street = _street(address)
    return Address(
        street=_lower(street.line),
        street_number=_lower(street.number),
        street_name=_lower(street.street_name),
        unit=_lower(units.identifier(street.unit)),
        city=_lower(_town(address.city)),
        state=_lower(us_state(address.state) or plain(address.state)) if address.state else None,
        postal_code=_postal_code(address.postal_code),
        country=_lower(country_code(address.country) or plain(address.country)) if address.country else None,
    )


def compare(one: Address, other: Address) -> Verdict:
    """Return `different` if a part other than the town clearly differs.

    Return `same` if number, street, and unit agree, and also the postal code or the town. Return `unsure` otherwise.
    Long names of streets and towns may differ by one or two typing errors. Names with digits must be equal.
    """
    a, b = normalize(one), normalize(other)
    for name in ("postal_code", "state", "country"):
        if differ(getattr(a, name), getattr(b, name)):
            return "different"
    left, right = _street(one), _street(other)
    verdicts = (_numbers(left.number, right.number), _units(left.unit, right.unit), _names(left, right))
    if "different" in verdicts:
        return "different"
    same_town = bool(a.city and b.city and (a.city == b.city or _is_typo(a.city, b.city)))
    placed = bool(a.postal_code and b.postal_code) or same_town
    return "same" if placed and set(verdicts) == {"same"} else "unsure"


@lru_cache(maxsize=20_000)
def _street(address: Address) -> Street:
    """Return the parts of the street in capitals. The fields for number, name, and unit take precedence over the street
    line.
    """
    american = (country_code(address.country or "") or "US") == "US"
    text, number, name, unit = (
        plain(part or "").replace(",", "")
        for part in (address.street, address.street_number, address.street_name, address.unit)
    )
    number, unit = streets.spelled_number(number), units.of_words(unit) or ""
    if american:
        parts = written = streets.read_line(text)
        number = number or written.number
        if name:  # the name field may contain the end of the number, as in `1/2 MAIN ST`, or the unit
            whole = streets.read_line(f"{number} {name}") if number else Street()
            parts = whole if whole.number else streets.read_name(name.split())
            number = whole.number or number
        unit = units.joined(parts.unit or written.unit, unit)
    else:
        parts = Street(name=_STRASSE.sub("STR", name or text))
    name = _STATE_ROAD.sub(r"\1SR ", parts.name) if re.search(r"\d", parts.name) else parts.name
    return replace(parts, number=number if number.strip("0") else "", name=name, unit=unit)


def _town(city: str | None) -> str | None:
    if not city:
        return None
    try:
        return spelled_town(plain(city).replace(",", ""))
    except ValueError:
        return plain(city)


def _postal_code(code: str | None) -> str | None:
    joined = plain(code or "").replace(" ", "").casefold()
    found = re.fullmatch(r"(\d{5})-?\d{4}", joined)
    return found[1] if found else joined or None


def _lower(value: str | None) -> str | None:
    return value.casefold() or None if value else None


def _numbers(one: str, other: str) -> Verdict:
    """Return `unsure` if a number is missing, if only a hyphen differs, or if one number is a range that contains the
    other.
    """
    if not (one and other):
        return "unsure"
    if one == other:
        return "same"
    if one.replace("-", "") == other.replace("-", "") or _is_within(one, other) or _is_within(other, one):
        return "unsure"
    return "different"


def _is_within(number: str, span: str) -> bool:
    found = re.fullmatch(r"(\d+)-(\d+)", span)
    if not (found and number.isdigit()):
        return False
    first, last = int(found[1]), int(found[2])
    return first <= int(number) <= last and (int(number) - first) % 2 == 0


def _units(one: str, other: str) -> Verdict:
    """Return `unsure` if a unit is missing, or if only the designators differ, as in `STE 4` and `RM 4`."""
    if one == other:
        return "same"
    a, b = units.split_up(one), units.split_up(other)
    if any(a[kind] != b[kind] for kind in a.keys() & b.keys()):
        return "different"
    identifiers = [next((parts[kind] for kind in _SINGLE_UNITS if parts.get(kind)), None) for parts in (a, b)]
    return "different" if differ(identifiers[0], identifiers[1]) else "unsure"


def _names(one: Street, other: Street) -> Verdict:
    if not (one.name and other.name):
        return "unsure"
    marks = [{DIRECTIONALS.get(m[0], m[0]) for m in _MARKS.finditer(street.name)} for street in (one, other)]
    is_marked_apart = all(marks) and marks[0].isdisjoint(marks[1])
    if is_marked_apart or re.findall(r"\d+", one.name) != re.findall(r"\d+", other.name):
        return "different"
    if differ(one.suffix or None, other.suffix or None):
        return "different"
    ways = [(s.predirectional or None, s.postdirectional or None) for s in (one, other)]
    if differ(ways[0][0], ways[1][0]) or differ(ways[0][1], ways[1][1]):
        return "different"
    if one.name.replace(" ", "") != other.name.replace(" ", "") and not _is_typo(one.name, other.name):
        alike = fuzz.ratio(one.name, other.name) >= 70 or (_ROAD.match(one.name) and _ROAD.match(other.name))
        return "unsure" if alike else "different"
    return "same" if ways[0] == ways[1] and one.suffix == other.suffix else "unsure"


def _is_typo(one: str, other: str) -> bool:
    """Return whether the names differ only by typing errors. Short names and names with digits must be equal."""
    shorter = min(len(one), len(other))
    allowed = next((errors for length, errors in _TYPOS if shorter >= length), 0)
    return not re.search(r"\d", one + other) and OSA.distance(one, other) <= allowed


def differ(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one != other
