"""The 200 properties and their true facts. Many have easily confused addresses."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from simulators.county import facts
from simulators.county.streets import ANYTOWN, ANYTOWN_WEST, FARVIEW, PLACEHOLDER_FALLS, SAMPLETON, STATE, Street, Town

COUNT = 200
#: The number of the property that the how-to shows.
SHOWN = 1


@dataclass(frozen=True)
class Lot:
    """Houses on a street. If they have `units`, these are rented if `one_parcel`, else owned."""

    town: Town
    street: Street
    houses: tuple[str, ...]
    subdivision: str
    units: tuple[str, ...] = ()
    one_parcel: bool = False


def _every_other(first: int, count: int) -> tuple[str, ...]:
    return tuple(str(first + 2 * index) for index in range(count))


LOTS: tuple[Lot, ...] = (
    # similar addresses, which differ in a letter, a digit, the street suffix, the direction, or the town
    Lot(ANYTOWN, Street("Fictional", "Ave"), ("12", "12A", "14", "16", "18", "21", "112", "114", "120", "121", "212"),
        "Fictional Ridge"),
    Lot(ANYTOWN, Street("Fictional", "St"), ("12", "14", "21", "112"), "Old Town Addition"),
    Lot(ANYTOWN, Street("Fictional", "Ct"), ("12", "14"), "Fictional Ridge"),
    Lot(ANYTOWN, Street("Main", "St", "N"), ("88", "90", "188"), "Old Town Addition"),
    Lot(ANYTOWN, Street("Main", "St", "S"), ("88", "90", "188"), "Old Town Addition"),
    Lot(ANYTOWN, Street("4th", "St", "E"), ("215", "217"), "Old Town Addition"),
    Lot(ANYTOWN, Street("4th", "St", "W"), ("215", "217"), "Old Town Addition"),
    Lot(ANYTOWN, Street("4th", "Ave"), ("215",), "Old Town Addition"),
    Lot(ANYTOWN, Street("St Clair", "Ave"), ("31", "33"), "Old Town Addition"),
    # one building with eight owners, then one building with one owner and six tenants
    Lot(ANYTOWN, Street("Example", "Blvd"), ("300",), "Example Heights", tuple("12345678")),
    Lot(ANYTOWN, Street("Sample", "St"), ("510",), "Old Town Addition", ("", *"123456"), one_parcel=True),
    Lot(ANYTOWN_WEST, Street("Placeholder", "Way"), ("77",), "Example Heights", tuple("ABCDEF")),
    Lot(ANYTOWN_WEST, Street("Placeholder", "Way"), _every_other(81, 5), "Example Heights"),
    Lot(ANYTOWN_WEST, Street("Lorem", "Ln"), _every_other(2, 7), "Lorem Estates"),
    Lot(ANYTOWN_WEST, Street("Ipsum", "Dr"), _every_other(101, 12), "Lorem Estates"),
    Lot(SAMPLETON, Street("Fictional", "Ave"), ("12", "14"), "Stencil Park"),
    Lot(SAMPLETON, Street("Dolor", "Rd"), _every_other(1400, 14), "Stencil Park"),
    Lot(SAMPLETON, Street("Specimen", "Ter"), _every_other(31, 12), "Draft Meadows"),
    Lot(SAMPLETON, Street("Mockup", "Cir"), _every_other(5, 10), "Draft Meadows"),
    Lot(PLACEHOLDER_FALLS, Street("Draft", "Rd"), _every_other(2201, 16), "Draft Meadows"),
    Lot(PLACEHOLDER_FALLS, Street("Stencil", "Ln"), _every_other(60, 14), "Outline Commons"),
    Lot(PLACEHOLDER_FALLS, Street("Outline", "Dr"), _every_other(901, 15), "Outline Commons"),
    Lot(PLACEHOLDER_FALLS, Street("Template", "Ave", "N"), _every_other(40, 6), "Template Trails"),
    Lot(PLACEHOLDER_FALLS, Street("Template", "Ave", "S"), _every_other(40, 6), "Template Trails"),
    Lot(FARVIEW, Street("Faraway", "Rd"), _every_other(7, 12), "Farview Acres"),
    Lot(FARVIEW, Street("Distant", "Ln"), _every_other(110, 10), "Farview Acres"),
    Lot(FARVIEW, Street("Yonder", "Ct"), _every_other(1, 8), "Farview Acres"),
)  # fmt: skip


@dataclass(frozen=True)
class Home:
    """A property. `truth` has its true facts in RESO fields; the other members are used to write pages.

    `sales`, `taxes`, and `permits` are rows as in the county's records, newest first. `listing` is what a broker states
    while the home is for sale, else empty. Prices are in US dollars, areas in square feet, lots in acres.
    """

    number: int
    town: Town
    street: Street
    house: str
    unit: str
    lot: Lot
    truth: Mapping[str, Any]
    owner: str
    mailing: str
    sales: Sequence[tuple[date, int]]
    taxes: Sequence[Mapping[str, Any]]
    permits: Sequence[Mapping[str, Any]]
    listing: Mapping[str, Any] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The address as an operator would enter it: `12 Fictional Ave, Anytown, ST 00000`."""
        return f"{self.truth['UnparsedAddress']}, {self.place}"

    @property
    def place(self) -> str:
        return f"{self.town.name}, {STATE} {self.town.postal_code}"

    @property
    def parcel(self) -> str:
        return str(self.truth["ParcelNumber"])

    def line(self, street: str, unit_word: str = "Unit") -> str:
        """Return the street line: house number, `street`, and the unit if there is one."""
        return f"{self.house} {street}" + (f" {unit_word} {self.unit}" if self.unit else "")


def homes(seed: int) -> tuple[Home, ...]:
    made = on_lots(seed, LOTS)
    if len(made) != COUNT:
        raise AssertionError(f"the lots make {len(made)} properties, not {COUNT}")
    return made


def on_lots(seed: int, lots: Sequence[Lot]) -> tuple[Home, ...]:
    return tuple(_home(seed, number, place) for number, place in enumerate(_places(lots), start=1))


@dataclass(frozen=True)
class _Place:
    lot: Lot
    house: str
    unit: str
    parcel: str
    block: int
    index: int

    def truth(self) -> dict[str, Any]:
        lot, town = self.lot, self.lot.town
        line = f"{self.house} {lot.street.short}"
        found: dict[str, Any] = {
            "UnparsedAddress": f"{line} Unit {self.unit}" if self.unit else line,
            "StreetNumber": self.house,
            "StreetName": lot.street.short,
            "City": town.name,
            "StateOrProvince": STATE,
            "CountyOrParish": town.county,
            "PostalCode": town.postal_code,
            "Country": "US",
            "SubdivisionName": lot.subdivision,
            "ParcelNumber": self.parcel,
            "Latitude": round(town.latitude + self.block % 9 * 0.0041 + self.index * 0.0002, 5),
            "Longitude": round(town.longitude + self.block % 7 * 0.0053 + self.index * 0.0007, 5),
        }
        return {**found, "UnitNumber": self.unit} if self.unit else found


def _places(lots: Sequence[Lot]) -> Iterator[_Place]:
    for block, lot in enumerate(lots, start=1):
        for index, house in enumerate(lot.houses):
            parcel = f"{lot.town.postal_code[-2:]}-{10 + block}-{200 + block * 7}-{index * 3 + 1:03d}"
            if not lot.units:
                yield _Place(lot, house, "", parcel, block, index)
            for position, unit in enumerate(lot.units):
                own = parcel if lot.one_parcel else f"{parcel}-{position + 1:04d}"
                yield _Place(lot, house, unit, own, block, index)


def _home(seed: int, number: int, at: _Place) -> Home:
    # the units of a building share its facts; the units of one parcel also share owner, sales, taxes, and permits
    lot = at.lot
    chance = random.Random(f"{seed}/{number}")
    shared = random.Random(f"{seed}/{lot.street.short}/{at.house}") if lot.units else chance
    books = shared if lot.one_parcel else chance
    place = at.truth()
    is_shown = number == SHOWN
    building = facts.building(shared, is_shared=bool(lot.units), subdivision=lot.subdivision)
    building |= facts.shown_building() if is_shown else {}
    inside = facts.inside(chance, is_unit=bool(at.unit), is_house=not lot.units)
    if lot.one_parcel and not at.unit:
        inside = facts.whole_building(len(lot.units) - 1)
    area = 850 * (len(lot.units) - 1) if lot.one_parcel else inside["LivingArea"]
    sales, taxes, money = facts.money(books, area, building["YearBuilt"])
    permits, implied = facts.shown_permits() if is_shown else facts.permits(books, building["YearBuilt"])
    owner, mailing = facts.owner(books, place["UnparsedAddress"], lot.town.name, lot.town.postal_code)
    listing = facts.listing(chance, inside["LivingArea"], is_let=lot.one_parcel)
    if lot.one_parcel and at.unit:
        # a rented apartment has neither its own sales nor its own value
        sales, money = (), {}
    truth = {**place, **building, **inside, **money, **implied, **listing, "X_Currency": "USD"}
    return Home(
        number=number, town=lot.town, street=lot.street, house=at.house, unit=at.unit, lot=lot, truth=truth,
        owner=owner, mailing=mailing, sales=sales, taxes=taxes, permits=permits, listing=listing,
    )  # fmt: skip
