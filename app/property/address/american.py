"""Parse a US address that a user requests. Missing parts are errors, except that a ZIP code may determine the state."""

import re
from collections.abc import Sequence
from dataclasses import replace

from app.property.address import streets, towns, units
from app.property.address.parts import Address
from app.property.address.words import plain
from app.property.values.us_zip import states_of_zip

_COUNTRY = re.compile(r"(?<![, ])[, ]++(?:USA|UNITED STATES(?: OF AMERICA)?|U S A|(?<=\d )US|(?<=, )US)$")
_ZIP = re.compile(r"(?:^|,? )(\d{5})(?:[- ]?\d{4})?$")
_BAD_ZIP = re.compile(r"[A-Z],? (\d{1,4}|\d{6,8}|\d{10,}|\d{5}-\d{1,3}|\d{5}-\d{5,})$")
_MILITARY = re.compile(r"\b(?:APO|FPO|DPO)\b(?:,? A[AEP])?$|^(?:PSC|CMR) \d")
_PO_BOX = re.compile(
    r"(?:^| )(?:P ?O ?(?:BOX|DRAWER)|POB|POST OFFICE (?:BOX|DRAWER)|(?:^|(?<=, ))(?:LOCK ?BOX|CALLER|DRAWER|BOX))"
    r"(?: ?# ?| )[A-Z]{0,2}-?\d*[A-Z]?(?=$|,)"
)
_RURAL = re.compile(
    r"(?:RR|RURAL (?:ROUTE|RTE|RT)|RFD(?: ROUTE)?|RD|RT|RTE|ROUTE|(HC|HIGHWAY CONTRACT|STAR ROUTE))(?: #)? (\w+),?"
    r" (?:BOX|BX)(?: #)? (\w+)"
)
_SEVERAL = re.compile(r"\d++\w?+(?: (?:&|AND) \d++\w?+)++ [A-Z]")
_NUMBERS_ONLY = re.compile(r"\d+\w?(?:-\d+\w?)?")


def read(text: str) -> Address:
    """Return the address in `text`, with every part spelled as in USPS Publication 28.

    `street` is the delivery line (`123 N MAIN ST UNIT 4`), and `street_name` is the street without number and unit.
    `unit` includes its designator, as in `STE 4`, unless the designator is `APT`, `UNIT`, or `#`. `postal_code` has
    five digits. Raises `ValueError`, whose message states the problem or all missing parts.
    """
    words = _COUNTRY.sub("", plain(text))
    if bad := _BAD_ZIP.search(words):
        raise ValueError(f"has the ZIP code {bad[1]!r}; write five digits, or nine as in 62701-1234")
    found = _ZIP.search(words)
    postal_code = found[1] if found else None
    words = words[: found.start()].rstrip(" ,") if found else words
    words = _without_mail(words)
    state, words = towns.state(words, postal_code)
    line, unit_parts, others = _arranged(words.split(", ") if words else [])
    if _SEVERAL.match(line):
        raise ValueError("names more than one house number; ask for each by itself")
    city = towns.of_parts(others)
    if city is None:
        line, city = towns.cut_off(line, state, postal_code)
    if state is None and postal_code:
        states = states_of_zip(postal_code)
        state = next(iter(states)) if len(states) == 1 else None
    placed = Address(city=city, state=state, postal_code=postal_code, country="US")
    address = _with_line(placed, line, unit_parts)
    _refuse_incomplete(address, line)
    return address


def spelled(address: Address) -> str:
    """Format an address that `read` returned as one line: `123 N MAIN ST UNIT 4, ANYTOWN, ST 00000`."""
    region = " ".join(part for part in (address.state, address.postal_code) if part)
    return ", ".join(part for part in (address.street, address.city, region) if part)


def _without_mail(words: str) -> str:
    """Remove the PO box from an address that also has a street. Raises `ValueError` if the address is only for mail."""
    if _MILITARY.search(words):
        raise ValueError("is a military mail address, which is no property; give the address of the building")
    if re.search(r"\bGENERAL DELIVERY\b", words):
        raise ValueError("is general delivery at a post office, which is no property; give the street and house number")
    if re.search(r"\bPMB\b", words):
        raise ValueError("is a private mailbox (PMB), which is no property; give the address of the building itself")
    if not _PO_BOX.search(words) or _rural_in(words):
        return words
    rest = ", ".join(part.strip() for part in _PO_BOX.sub("", words).split(",") if part.strip())
    if not any(streets.starts_with_number(part) for part in rest.split(", ")):
        raise ValueError("is a post office box, which is no property; give the street and house number of the building")
    return rest


def _rural_in(words: str) -> re.Match[str] | None:
    return re.search(rf"(?:^|, ){_RURAL.pattern}(?=$|,| )", words)


def _arranged(parts: Sequence[str]) -> tuple[str, list[str], list[str]]:
    """Return the delivery line, the units that are parts of their own, and the parts after them. Drop other text before
    the delivery line.
    """
    parts = _joined_numbers(parts)
    at = next((i for i, part in enumerate(parts) if streets.starts_with_number(part) or _RURAL.match(part)), None)
    if at is None:
        return (parts[0] if parts else ""), [], list(parts[1:])
    found = [unit for part in parts[:at] if (unit := units.read(part.split()))]
    after = list(parts[at + 1 :])
    while after and (unit := units.read(after[0].split()) or units.bare(after[0])):
        found.append(unit)
        after.pop(0)
    return parts[at], found, after


def _joined_numbers(parts: Sequence[str]) -> list[str]:
    """Join a lone number with the street after it (`123, MAIN ST`), but not with a town (`123, SALEM`)."""
    if len(parts) > 1 and _NUMBERS_ONLY.fullmatch(parts[0]) and not parts[1][0].isdigit():
        line = f"{parts[0]} {parts[1]}"
        return [line, *parts[2:]] if len(parts) > 2 or streets.read_line(line).suffix else list(parts)
    return list(parts)


def _with_line(address: Address, line: str, unit_parts: Sequence[str]) -> Address:
    if rural := _RURAL.fullmatch(line):
        route = f"{'HC' if rural[1] else 'RR'} {rural[2].lstrip('0') or '0'}"
        return replace(address, street=f"{route} BOX {rural[3]}", street_number=rural[3], street_name=route)
    street = streets.read_line(line)
    unit = " ".join((street.unit, *unit_parts)).strip()
    street = replace(street, unit=unit)
    # if the parser would split the line differently, write the unit after a comma
    written = street.line if streets.read_line(street.line) == street else f"{replace(street, unit='').line}, {unit}"
    return replace(
        address,
        street=written.strip(" ,") or None,
        street_number=None if street.number == "0" else street.number or None,  # lots without a number may have 0
        street_name=street.street_name or None,
        unit=units.identifier(unit) or None,
    )


def _refuse_incomplete(address: Address, line: str) -> None:
    lacks = []
    if not address.street_number:
        lacks.append("a house number" if re.search(r"[A-Z]", line) else "a house number and a street")
    elif not re.search(r"\w", address.street_name or ""):
        lacks.append("a street")
    if not (address.city or address.postal_code):
        lacks.append("a town or ZIP code")
    if not address.state:
        lacks.append("a state")
    if lacks:
        listed = lacks[0] if len(lacks) == 1 else f"{', '.join(lacks[:-1])} and {lacks[-1]}"
        raise ValueError(f"lacks {listed}")
