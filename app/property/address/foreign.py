"""Parse requested addresses outside the US. The country must be last, but may be missing after a Canadian province and
postal code.
"""

import re
from dataclasses import replace

from app.property.address import reading
from app.property.address.parts import Address
from app.property.values.places import country_code, country_name, us_state

_CANADA = re.compile(r"\b(?:AB|BC|MB|NB|NL|NS|NT|NU|ON|PE|QC|SK|YT),? [A-Z]\d[A-Z] ?\d[A-Z]\d$")
#: Patterns for spellings of the German word "Straße", each with its replacement.
_WORDS = ((re.compile(r"STRA(?:SS|ß)E\b|\bSTRA(?:SS|ß)E\b"), "STR"), (re.compile(r"(?<=\w)STR\.|\bSTR\."), "STR"))


def country_of(text: str) -> tuple[str, str] | None:
    """Return the country's ISO 3166-1 code and the rest of the address, or None if the address is not recognized as
    foreign.
    """
    text = " ".join(re.sub(r"[\r\n;]+", ", ", text).split()).strip(" ,")
    head, _, last = text.rpartition(",")
    code = country_code(last) if head else None
    if code and code != "US" and not us_state(last):
        return code, head.strip(" ,")
    return ("CA", text) if _CANADA.search(text.upper()) else None


def read(text: str, country: str) -> Address:
    """Return the address in `text`, in capitals. Raises `ValueError`, whose message lists the missing parts."""
    line = _plain(text)
    found = reading.parse(line, country)
    street = found.street
    unique = country == "IE" and len((found.postal_code or "").replace(" ", "")) == 7  # an Eircode identifies one house
    lacks = []
    if not unique and not (street and re.search(r"\d", street)):
        lacks.append("a house number" if street else "a house number and a street")
    if not (found.city or found.postal_code):
        lacks.append("a town or postal code")
    if lacks:
        raise ValueError(f"lacks {' and '.join(lacks)}")
    return replace(found, country=country)


def spelled(text: str, country: str) -> str:
    return f"{_plain(text)}, {country_name(country).upper()}"


def _plain(text: str) -> str:
    text = text.upper()
    for pattern, word in _WORDS:
        text = pattern.sub(word, text)
    return ", ".join(part for part in (" ".join(part.split()) for part in text.split(",")) if part)
