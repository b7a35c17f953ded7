"""Load the tables of countries and currencies, `countries.toml` and `currencies.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

#: A bounding box as its southern, western, northern, and eastern limits in degrees.
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Country:
    """The data about a country. `names` are in lower case; the English name is first. `regions` are casefolded.

    `postal_code`, `currency_sign`, and `signs` are regular expressions. `signs` matches texts that are typical of pages
    from this country. `postal_code_stands` is the position of the postal code in a one-line address, relative to the
    town.
    """

    names: tuple[str, ...]
    currency: str
    currency_sign: str | None
    postal_code: str | None
    postal_code_stands: Literal["before", "behind"] | None
    hosts: tuple[str, ...]
    languages: tuple[str, ...]
    boxes: tuple[Box, ...]
    regions: frozenset[str]
    signs: str | None


_HERE = Path(__file__)
_TABLE = tomllib.loads(_HERE.with_name("countries.toml").read_text("utf-8"))
#: Countries by ISO 3166-1 alpha-2 code.
COUNTRIES: Mapping[str, Country] = MappingProxyType(
    {
        code: Country(
            **{name: row.get(name) for name in ("currency_sign", "postal_code", "postal_code_stands", "signs")},
            names=tuple(row["names"]),
            hosts=tuple(row.get("hosts", ())),
            languages=tuple(row.get("languages", ())),
            currency=row["currency"],
            boxes=tuple((south, west, north, east) for south, west, north, east in row.get("boxes", ())),
            regions=frozenset(region.casefold() for region in row.get("regions", ())),
        )
        for code, row in _TABLE.items()
    }
)
#: Maps the lower-case names of US states to two-letter codes.
US_STATES: Mapping[str, str] = MappingProxyType(_TABLE["US"]["states"])

_CURRENCIES = tomllib.loads(_HERE.with_name("currencies.toml").read_text("utf-8"))
#: The ISO 4217 codes in both tables.
CURRENCIES = frozenset(_CURRENCIES["signs"]) | {country.currency for country in COUNTRIES.values()}
#: Maps signs and words of a single currency to its code.
CURRENCY_SIGNS: Mapping[str, str] = {sign: code for code, signs in _CURRENCIES["signs"].items() for sign in signs}
#: Maps signs that several currencies share to the currencies' codes. The first code is the default.
SHARED_SIGNS: Mapping[str, tuple[str, ...]] = {sign: tuple(codes) for sign, codes in _CURRENCIES["shared"].items()}
