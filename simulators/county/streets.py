"""Streets and towns of the county, and the spellings of a street."""

from dataclasses import dataclass

STATE = "ST"

_SUFFIXES = {
    "Ave": "Avenue", "St": "Street", "Blvd": "Boulevard", "Ln": "Lane", "Ct": "Court", "Way": "Way", "Dr": "Drive",
    "Rd": "Road", "Ter": "Terrace", "Cir": "Circle", "Pl": "Place",
}  # fmt: skip
_DIRECTIONS = {"N": "North", "S": "South", "E": "East", "W": "West"}
_ORDINALS = {"4th": "Fourth"}


@dataclass(frozen=True)
class Town:
    """A town with its county, one ZIP code, and coordinates in degrees."""

    name: str
    postal_code: str
    county: str
    latitude: float
    longitude: float


ANYTOWN = Town("Anytown", "00000", "Example", 39.1204, -98.4102)
ANYTOWN_WEST = Town("Anytown", "00001", "Example", 39.1188, -98.4711)
SAMPLETON = Town("Sampleton", "00002", "Example", 39.2093, -98.3315)
PLACEHOLDER_FALLS = Town("Placeholder Falls", "00003", "Example", 39.0411, -98.2840)
#: A town in another county, which has no sources, so only web searches find its pages.
FARVIEW = Town("Farview", "00009", "Faraway", 39.4120, -98.0233)


@dataclass(frozen=True)
class Street:
    """The parts of a street's name, in USPS abbreviations (Publication 28, appendices B and C1)."""

    name: str
    suffix: str
    direction: str = ""

    @property
    def short(self) -> str:
        return " ".join(part for part in (self.direction, self.name, self.suffix) if part)

    @property
    def long(self) -> str:
        words = (_DIRECTIONS.get(self.direction, ""), _ORDINALS.get(self.name, self.name), _SUFFIXES[self.suffix])
        return " ".join(word for word in words if word)

    @property
    def mistyped(self) -> str:
        """The street with two letters of its name exchanged: `Ficitonal Ave`."""
        middle = len(self.name) // 2
        swapped = self.name[: middle - 1] + self.name[middle] + self.name[middle - 1] + self.name[middle + 1 :]
        return " ".join(part for part in (self.direction, swapped, self.suffix) if part)
