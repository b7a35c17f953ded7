"""The table of countries, `countries.toml`: their names, currencies, host names, languages, boxes, and regions."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

#: south, west, north, east in degrees
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Country:
    """One country. `names` are in small letters, the English one first; `regions` are casefolded.

    `postal_code` is a regular expression. In an address in one line it stands `before` or `behind` the town.
    """

    names: tuple[str, ...]
    currency: str
    postal_code: str | None
    postal_code_stands: Literal["before", "behind"] | None
    hosts: tuple[str, ...]
    languages: tuple[str, ...]
    boxes: tuple[Box, ...]
    regions: frozenset[str]


_TABLE = tomllib.loads(Path(__file__).with_name("countries.toml").read_text("utf-8"))
#: by ISO 3166-1 alpha-2
COUNTRIES: Mapping[str, Country] = MappingProxyType(
    {
        code: Country(
            names=tuple(row["names"]),
            currency=row["currency"],
            postal_code=row.get("postal_code"),
            postal_code_stands=row.get("postal_code_stands"),
            hosts=tuple(row.get("hosts", ())),
            languages=tuple(row.get("languages", ())),
            boxes=tuple((south, west, north, east) for south, west, north, east in row.get("boxes", ())),
            regions=frozenset(region.casefold() for region in row.get("regions", ())),
        )
        for code, row in _TABLE.items()
    }
)
#: two-letter codes by names in small letters
US_STATES: Mapping[str, str] = MappingProxyType(_TABLE["US"]["states"])
