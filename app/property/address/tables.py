"""Words and abbreviations of USPS Publication 28 (Postal Addressing Standards), in capitals."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

DIRECTIONALS: Mapping[str, str] = MappingProxyType(
    {
        **{word: word for word in ("N", "S", "E", "W", "NE", "NW", "SE", "SW")},
        **{"NORTH": "N", "SOUTH": "S", "EAST": "E", "WEST": "W", "NO": "N", "SO": "S"},
        **{"NORTHEAST": "NE", "NORTHWEST": "NW", "SOUTHEAST": "SE", "SOUTHWEST": "SW"},
    }
)
_ONES = ["FIRST", "SECOND", "THIRD", "FOURTH", "FIFTH", "SIXTH", "SEVENTH", "EIGHTH", "NINTH"]
_TEENS = [
    "TENTH", "ELEVENTH", "TWELFTH", "THIRTEENTH", "FOURTEENTH", "FIFTEENTH", "SIXTEENTH", "SEVENTEENTH", "EIGHTEENTH",
    "NINETEENTH",
]  # fmt: skip
_TENS = ["TWENTY", "THIRTY", "FORTY", "FIFTY", "SIXTY", "SEVENTY", "EIGHTY", "NINETY"]
_CARDINALS = [
    "ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE", "TEN", "ELEVEN", "TWELVE", "THIRTEEN",
    "FOURTEEN", "FIFTEEN", "SIXTEEN", "SEVENTEEN", "EIGHTEEN", "NINETEEN", "TWENTY",
]  # fmt: skip
#: House numbers in words, as in `ONE MICROSOFT WAY`.
HOUSE_NUMBER_WORDS: Mapping[str, str] = MappingProxyType({word: str(n) for n, word in enumerate(_CARDINALS, start=1)})

#: Patterns for the first words of a highway, each with the standard spelling (appendix F). A highway's number or letter
#: must follow, as in Missouri's `HIGHWAY EE`.
_HIGHWAY_WORDS: tuple[tuple[str, str], ...] = (
    (r"(?:U S|US|UNITED STATES)(?: (?:HIGHWAY|HWY|HIWAY|ROUTE|RTE|RT))?", "US HIGHWAY"),
    (r"(?:INTERSTATE|I|IH)(?: (?:HIGHWAY|HWY))?", "INTERSTATE"),
    (r"(?:COUNTY|CNTY|CO) (?:HIGHWAY|HWY|HIWAY)|CH", "COUNTY HIGHWAY"),
    (r"(?:COUNTY|CNTY|CO) (?:ROAD|RD)|CR", "COUNTY ROAD"),
    (r"(?:COUNTY|CNTY|CO) (?:ROUTE|RTE|RT)", "COUNTY ROUTE"),
    (r"(?:STATE|ST) (?:HIGHWAY|HWY|HIWAY)|SH", "STATE HIGHWAY"),
    (r"(?:STATE|ST) (?:ROAD|RD)|SR", "STATE ROAD"),
    (r"(?:STATE|ST) (?:ROUTE|RTE|RT)", "STATE ROUTE"),
    (r"(?:HIGHWAY FM|HWY FM|FARM TO MARKET|FARM TO MKT|FARM TO MARKET ROAD|FM)(?: (?:ROAD|RD))?", "FM"),
    (r"(?:RANCH TO MARKET|RM)(?: (?:ROAD|RD))?", "RM"),
    (r"(?:RANCH (?:ROAD|RD))|RR", "RANCH ROAD"),
    (r"(?:TOWNSHIP|TWP|TOWN) (?:ROAD|RD)|TSR", "TOWNSHIP ROAD"),
    (r"(?:TOWNSHIP|TWP) (?:HIGHWAY|HWY)", "TOWNSHIP HIGHWAY"),
    (r"(?:FOREST (?:SERVICE )?(?:ROAD|RD)|FSR)", "FOREST ROAD"),
    (r"HIGHWAY|HWY|HIWAY|HIGHWY|HWAY", "HIGHWAY"),
    (r"ROUTE|RTE|RT", "ROUTE"),
    (r"(?:AVENUE|AVE|AV|AVEN|AVENU)", "AVENUE"),
    (r"(?:ROAD|RD)", "ROAD"),
    (r"(?:LOOP)", "LOOP"),
    (r"(?:SPUR)", "SPUR"),
    (r"(?:EXPRESSWAY|EXPY)", "EXPRESSWAY"),
)
_HIGHWAYS = tuple((re.compile(rf"^(?:{words}) (?=\d|([A-Z])\1?(?: |$))"), written) for words, written in _HIGHWAY_WORDS)
_STATE_HIGHWAY = re.compile(r"^([A-Z]{2}) (?:HIGHWAY|HWY|ROUTE|RTE|RT) (?=\d)")


def highway(words: str) -> tuple[str, str] | None:
    """Split a highway into its standard first words and the rest, such as `US HIGHWAY` and `50 W`, or return None."""
    for pattern, written in _HIGHWAYS:
        if found := pattern.match(words):
            return written, words[found.end() :]
    if (found := _STATE_HIGHWAY.match(words)) and found[1] not in DIRECTIONALS:
        return f"{found[1]} HIGHWAY", words[found.end() :]
    return None


@cache
def suffixes() -> Mapping[str, str]:
    """Map every spelling of a street suffix to its standard abbreviation, such as `AVENUE` to `AVE`."""
    return MappingProxyType({word: words[1] for words in _rows("suffixes.txt") for word in words})


@cache
def suffix_names() -> Mapping[str, str]:
    """Map the standard abbreviation of each suffix to its name, such as `AVE` to `AVENUE`."""
    return MappingProxyType({words[1]: words[0] for words in _rows("suffixes.txt")})


@cache
def unit_designators() -> Mapping[str, str]:
    """Map every spelling of a unit designator to its standard abbreviation, such as `APARTMENT` to `APT`."""
    return MappingProxyType(
        {word: words[1] for words in _rows("units.txt") for word in words if word not in ("-", "alone")}
    )


@cache
def lone_units() -> frozenset[str]:
    """Return the abbreviations of designators that need no identifier, such as `REAR`."""
    return frozenset(words[1] for words in _rows("units.txt") if words[2] == "alone")


@cache
def ordinal_words() -> Mapping[str, int]:
    """Map ordinals in words to the numbers from 1 to 199, such as `TWENTY FIRST` to 21."""
    found = {word: n for n, word in enumerate([*_ONES, *_TEENS], start=1)}
    for tens, word in enumerate(_TENS, start=2):
        found[f"{word[:-1]}IETH"] = tens * 10
        found.update({f"{word} {one}": tens * 10 + n for n, one in enumerate(_ONES, start=1)})
    below = dict(found)
    for start in ("ONE HUNDRED", "ONE HUNDRED AND"):
        found.update({f"{start} {word}": 100 + n for word, n in below.items()})
    found.update({"HUNDREDTH": 100, "ONE HUNDREDTH": 100})
    return MappingProxyType(found)


def ordinal(number: int) -> str:
    ending = "TH" if 10 <= number % 100 <= 20 else {1: "ST", 2: "ND", 3: "RD"}.get(number % 10, "TH")
    return f"{number}{ending}"


def _rows(name: str) -> Iterator[list[str]]:
    text = files(__package__).joinpath(name).read_text("utf-8")
    yield from (line.split() for line in text.splitlines() if line and not line.startswith("#"))
