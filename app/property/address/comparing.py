"""One spelling of every part, a key for it, and whether two addresses are one: typos pass, other houses never do."""

from __future__ import annotations

import re
from typing import Literal

from rapidfuzz import fuzz

from app.property.address.parts import Address

# fmt: off
_ABBREVIATIONS = {
    "street": "st", "avenue": "ave", "road": "rd", "drive": "dr", "lane": "ln", "court": "ct", "place": "pl",
    "boulevard": "blvd", "circle": "cir", "terrace": "ter", "highway": "hwy", "parkway": "pkwy", "square": "sq",
    "trail": "trl", "cove": "cv", "north": "n", "south": "s", "east": "e", "west": "w", "northeast": "ne",
    "northwest": "nw", "southeast": "se", "southwest": "sw", "apartment": "apt", "strasse": "str", "straße": "str",
    "saint": "st", "crescent": "cres", "av": "ave",
}
# fmt: on


def address_key(address: Address) -> str:
    """One text for one address, the same for all its spellings and stable over versions: `12|n main st|4|00000`.

    By ZIP code, else by town and state. Raises `ValueError` where number, street or place is not known.
    """
    parts = normalise(address)
    place = parts.postal_code or (parts.city and f"{parts.city}/{parts.state or ''}")
    if not (parts.street_number and parts.street_name and place):
        raise ValueError("an address without house number, street or place has no key")
    return "|".join((parts.street_number, parts.street_name, parts.unit or "", place))


def normalise(address: Address) -> Address:
    """One spelling of every part: lower case, no punctuation, postal abbreviations; for comparing, not for showing."""
    fields = ("street", "street_number", "street_name", "unit", "city", "state", "postal_code", "country")
    return Address(**{name: _plain(getattr(address, name), name) for name in fields})


def _plain(value: str | None, name: str) -> str | None:
    if not value:
        return None
    words = re.sub(r"[^\w\s/-]", " ", value.casefold()).split()
    if name in ("street", "street_name"):
        words = [_ABBREVIATIONS.get(w, w) for w in words]
    if name == "postal_code":
        joined = "".join(words)
        return joined[:5] if re.fullmatch(r"\d{5}-\d{4}", joined) else joined
    return " ".join(words) or None


def compare(one: Address, other: Address) -> Literal["same", "different", "unsure"]:
    """`same` where number, street and a place agree; `different` where a part contradicts; else `unsure`."""
    a, b = normalise(one), normalise(other)
    if _differ(a.street_number, b.street_number) or _differ(a.postal_code, b.postal_code) or _differ(a.unit, b.unit):
        return "different"
    streets = fuzz.token_sort_ratio(a.street_name or a.street or "", b.street_name or b.street or "")
    if a.street and b.street and streets < 70:
        return "different"
    placed = bool(a.postal_code and b.postal_code) or bool(a.city and b.city and fuzz.ratio(a.city, b.city) >= 85)
    sure = a.street_number and b.street_number and streets >= 88 and placed and bool(a.unit) == bool(b.unit)
    return "same" if sure else "unsure"


def _differ(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one != other
