"""Split an address that a page gives as one text into parts, without normalizing them. Unknown parts are None.

US addresses are split at commas. If no comma precedes the town, the library `usaddress` finds it. Other addresses are
split by their country's conventions or, if these are unknown, at commas. `wanted.py` parses the addresses that users
request.
"""

import re
from dataclasses import replace

import usaddress

from app.property.address.parts import Address
from app.property.values import address_lines
from app.property.values.places import country_code, us_state

_UNIT = re.compile(r"(?:,?(?<!\s)\s++|^)(?:(?:unit|apt\.?|apartment|suite|ste\.?|flat|#)\s*+#?\s*+)([\w-]+)$", re.I)
_US_TAIL = re.compile(
    r"(?<![,\s])[,\s]++([A-Za-z]{2}|[A-Z][a-z]+(?: [A-Z][a-z]+)?)\.?[,\s]++(\d{5}(?:-\d{4})?)\s*+(?:,?\s*+(?:USA?|"
    r"United States)\.?)?$"
)
_US_STATE_TAIL = re.compile(r",\s*+([A-Za-z]{2})\s*+(?:,?\s*+(?:USA?|United States)\.?)?$")
#: An address without a town, as in some county records: `14206 SE FERNWOOD LN 98388`.
_STREET_AND_ZIP = re.compile(
    r"^(\d+\s[^,]+?\b(?:ST|AVE?|RD|DR|LN|CT|PL|BLVD|CIR|TER|WAY|LOOP|TRL|HWY|PKWY|PIKE|"
    r"RUN)\b\.?(?:\s(?:[NSEW]|NE|NW|SE|SW))?)"
    r"\s+(\d{5})(?:-\d{4})?$",
    re.IGNORECASE,
)
#: An address without a state, as in some county records: `12 ELM ST # 4, ANYTOWN 34108`.
_TOWN_AND_ZIP = re.compile(r"^(\d[^,]*(?:,[^,]*)?),\s*([A-Za-z][A-Za-z.' -]+?),?(?<!\s)\s++(\d{5}(?:-\d{4})?)$")
#: A house number before the street: `12`, `12A`, `12-B`, `12-14`, `12 1/2`, and Wisconsin's `W140 N8917` and `N7420`.
_NUMBER_FIRST = re.compile(
    r"^(\d+(?:[ -]\d/\d| ?[½¼¾]|[A-Za-z]?(?: ?[/-] ?\d+[A-Za-z]?|-[A-Za-z])?)|[NSEW]\d+(?: ?[NSEW]\d+|\d\d))\s+(.+)$"
)
#: A house number alone after a comma, as in `Calle Mayor, 13` and `Via Roma, 4 bis`.
_NUMBER_ALONE = re.compile(r"\d{1,4}\s?(?:[A-Za-z]|bis|ter)?|s/n", re.IGNORECASE)
_NUMBER_LAST = re.compile(r"^(.*?\D)(?<!\s)\s++(\d+\s?[A-Za-z]?(?:\s?[/-]\s?\d+\s?[A-Za-z]?)?)$")


def parse(text: str, country: str | None = None) -> Address:
    """Split an address into parts. Never raises. If `text` is not an address, it may become the `street`."""
    text = re.sub(r"\s+", " ", text.replace("\n", ", ")).strip(" ,;")[:300]
    text = re.sub(r"(?:,\s*)+,", ",", text)
    if not text:
        return Address()
    if country in (None, "US") and (ending := _STREET_AND_ZIP.match(text)):
        return with_street(Address(postal_code=ending[2], country="US"), ending[1])
    head, _, last = text.rpartition(",")
    if head and (named := country_code(last)) and not us_state(last):
        country, text = named, head.strip(" ,")
    tail = _US_TAIL.search(text)
    if tail and (state := _state_before_zip(tail.group(1))) and country in (None, "US"):
        return _us(text[: tail.start()], state, tail.group(2))
    state_tail = _US_STATE_TAIL.search(text)
    if state_tail and us_state(state_tail.group(1)) and country in (None, "US"):
        return _us(text[: state_tail.start()], us_state(state_tail.group(1)), None)
    town = _TOWN_AND_ZIP.match(text) if country in (None, "US") else None
    if town or country == "US":
        found = Address(city=town[2], postal_code=town[3], country="US") if town else Address(country="US")
        return with_street(found, town[1] if town else text)
    return _elsewhere(text, country)


def _state_before_zip(text: str) -> str | None:
    """Return the code of the state before a ZIP code, or None if `text` is not a state.

    Two capital letters that are no country code also count as a state.
    """
    return us_state(text) or (text if re.fullmatch("[A-Z]{2}", text) and country_code(text) is None else None)


def _us(head: str, state: str | None, postal_code: str | None) -> Address:
    base = Address(state=state, postal_code=postal_code, country="US")
    street, _, city = head.rpartition(",")
    if street:
        return with_street(replace(base, city=city.strip() or None), street)
    try:
        tagged, kind = usaddress.tag(head)
    except (usaddress.RepeatedLabelError, ValueError):
        return with_street(base, head)
    city = tagged.get("PlaceName", "").strip(" ,")
    if kind != "Street Address" or not city:
        return replace(base, city=head.strip()) if not re.search(r"\d", head) else with_street(base, head)
    return with_street(replace(base, city=city), head[: len(head) - len(city)].strip(" ,"))


def _elsewhere(text: str, country: str | None) -> Address:
    if country == "IE":
        text = re.sub(r"(?<![,\s])\s+(?=Co\.? [A-Z]|County [A-Z])", ", ", text)
    base = Address(country=country)
    line = address_lines.read(text, country)
    if line is not None:
        placed = replace(base, city=line.city, state=line.region, postal_code=line.postal_code)
        return with_street(placed, line.street or "")
    parts = [p.strip() for p in text.split(",") if p.strip()]
    unknown = not address_lines.has_code(country)
    if unknown and len(parts) > 1 and re.fullmatch(r"(?=.*\d)[A-Z0-9][A-Z0-9 -]{3,8}", parts[-1]):
        base = replace(base, postal_code=parts.pop())
    if len(parts) <= 1 or (len(parts) == 2 and _NUMBER_ALONE.fullmatch(parts[1])):
        return with_street(base, ", ".join(parts))
    return with_street(replace(base, city=parts[-1]), ", ".join(parts[:-1]))


def with_street(address: Address, street: str) -> Address:
    """Return `address` with this street and the number, name, and unit that it contains."""
    street = re.sub(r"\s+", " ", street).strip(" ,;")
    if not street:
        return address
    unit = _UNIT.search(street)
    core = street[: unit.start()].strip(" ,") if unit else street
    first = _NUMBER_FIRST.match(core)
    last = None if first else _NUMBER_LAST.match(core)
    number = first.group(1) if first else last.group(2) if last else None
    name = first.group(2) if first else last.group(1) if last else None
    return replace(
        address,
        street=street,
        unit=unit.group(1) if unit else None,
        street_number=number,
        street_name=name and name.strip(" ,"),
    )
