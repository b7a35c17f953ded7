"""Plant a fixed number of errors on the county's pages, and record the errors with the correct values."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from simulators.county import names
from simulators.county.sites import ASSESSOR, GIS, HEARTH, MOSAIC, TAX_ROLL, Page, Site

Changes = dict[str, Any]


@dataclass(frozen=True)
class Planted:
    """A planted error: `site` states the value `wrong` for `field`. `says_right` are sites that state the true value.

    `kind`: `conflict` (another plausible value), `decimal` (a moved decimal point), `unit` (the number of one unit with
    the name of another), `outdated` (a former value).
    """

    home: int
    kind: str
    site: str
    field: str
    right: Any
    wrong: Any
    says_right: tuple[str, ...]


@dataclass(frozen=True)
class Flaw:
    """Errors of one kind on `count` pages of `site`. `spoil` returns None for an unsuitable page."""

    kind: str
    site: Site
    field: str
    count: int
    spoil: Callable[[Page, random.Random], Changes | None]


def _other(field: str, values: Sequence[str]) -> Callable[[Page, random.Random], Changes]:
    return lambda page, chance: {field: [chance.choice([v for v in values if [v] != page.says[field]])]}


def _scaled(field: str, factor: float, digits: int) -> Callable[[Page, random.Random], Changes]:
    return lambda page, _: {
        field: round(page.says[field] * factor, digits) if digits else round(page.says[field] * factor)
    }


def _year(page: Page, chance: random.Random) -> Changes:
    return {"YearBuilt": page.says["YearBuilt"] - chance.randint(3, 9)}


def _bath(page: Page, _: random.Random) -> Changes:
    return {
        "BathroomsFull": page.says["BathroomsFull"] + 1,
        "BathroomsTotalInteger": page.says["BathroomsTotalInteger"] + 1,
    }


def _with_garage(page: Page, chance: random.Random) -> Changes:
    return {"LivingArea": page.says["LivingArea"] + chance.randint(380, 480)}


def _stories(page: Page, _: random.Random) -> Changes:
    return {"StoriesTotal": 1 if page.says["StoriesTotal"] == 2 else page.says["StoriesTotal"] + 1}


def _pin(page: Page, chance: random.Random) -> Changes:
    return {
        "Latitude": round(page.says["Latitude"] + chance.choice((-1, 1)) * chance.uniform(0.02, 0.04), 5),
        "Longitude": round(page.says["Longitude"] + chance.choice((-1, 1)) * chance.uniform(0.02, 0.04), 5),
    }


def _swapped_digits(page: Page, _: random.Random) -> Changes | None:
    number = str(page.says["ParcelNumber"])
    if number[6] == number[7]:
        return None
    return {"ParcelNumber": f"{number[:6]}{number[7]}{number[6]}{number[8:]}"}


def _metres_as_feet(page: Page, _: random.Random) -> Changes:
    return {"LivingArea": round(page.says["LivingArea"] * 0.09290304)}


def _acres_as_feet(_: Page, __: random.Random) -> Changes:
    return {"LotSizeUnits": "Square Feet"}


def _older_sale(page: Page, _: random.Random) -> Changes | None:
    if len(page.home.sales) < 2:
        return None
    day, price = page.home.sales[1]
    return {"CloseDate": day.isoformat(), "ClosePrice": price}


def _older_roll(page: Page, _: random.Random) -> Changes:
    year = page.home.taxes[1]
    return {"TaxYear": year["year"], "TaxAssessedValue": year["assessed"]}


FLAWS: tuple[Flaw, ...] = (
    Flaw("conflict", ASSESSOR, "YearBuilt", 3, _year),
    Flaw("conflict", MOSAIC, "ParcelNumber", 3, _swapped_digits),
    Flaw("conflict", MOSAIC, "AssociationFee", 6, lambda page, _: {"AssociationFee": page.says["AssociationFee"] - 15}),
    Flaw("conflict", HEARTH, "Latitude", 4, _pin),
    Flaw("conflict", MOSAIC, "Roof", 5, _other("Roof", names.ROOFS)),
    Flaw("conflict", MOSAIC, "StoriesTotal", 5, _stories),
    Flaw("conflict", MOSAIC, "BathroomsTotalInteger", 6, _bath),
    Flaw("conflict", MOSAIC, "YearBuilt", 12, _year),
    Flaw("conflict", HEARTH, "BedroomsTotal", 10, lambda page, _: {"BedroomsTotal": page.says["BedroomsTotal"] + 1}),
    Flaw("conflict", HEARTH, "LivingArea", 10, _with_garage),
    Flaw("decimal", MOSAIC, "LivingArea", 3, _scaled("LivingArea", 0.1, 1)),
    Flaw("decimal", HEARTH, "LotSizeArea", 3, _scaled("LotSizeArea", 10, 1)),
    Flaw("decimal", TAX_ROLL, "TaxAnnualAmount", 3, _scaled("TaxAnnualAmount", 10, 2)),
    Flaw("decimal", HEARTH, "ListPrice", 3, _scaled("ListPrice", 0.1, 0)),
    Flaw("unit", MOSAIC, "LivingArea", 4, _metres_as_feet),
    Flaw("unit", HEARTH, "LotSizeArea", 4, _acres_as_feet),
    Flaw("outdated", MOSAIC, "CloseDate", 10, _older_sale),
    Flaw("outdated", GIS, "TaxYear", 6, _older_roll),
)


def plant(pages: Mapping[int, Sequence[Page]], seed: int) -> tuple[dict[int, list[Page]], list[Planted]]:
    """Return the pages by home, with errors, and the list of errors.

    A home has at most two errors, and at most one per field. At least one other page of the home states the true value.
    """
    chance = random.Random(f"{seed}/flaws")
    spoilt = {number: list(of_home) for number, of_home in pages.items()}
    planted: list[Planted] = []
    load = dict.fromkeys(spoilt, 0)
    for flaw in FLAWS:
        order = sorted(spoilt)
        chance.shuffle(order)
        left = flaw.count
        for number in order:
            if left and load[number] < 2 and (found := _spoil(spoilt[number], flaw, chance, planted)):
                planted.append(found)
                load[number] += 1
                left -= 1
        if left:
            raise AssertionError(f"{flaw.site.key} has too few pages for {flaw.count} of {flaw.kind} in {flaw.field}")
    return spoilt, planted


def _spoil(of_home: list[Page], flaw: Flaw, chance: random.Random, planted: Sequence[Planted]) -> Planted | None:
    index = next((i for i, page in enumerate(of_home) if page.site is flaw.site and not page.variant), None)
    if index is None or flaw.field not in of_home[index].says or not of_home[index].is_open:
        return None
    page = of_home[index]
    number, field = page.home.number, flaw.field
    if any(one.home == number and one.field == field for one in planted):
        return None
    others = tuple(p.site.key for p in of_home if field in p.says and p is not page and p.is_open and not p.variant)
    changes = flaw.spoil(page, chance) if others else None
    if changes is None:
        return None
    wrong = page.saying(changes)
    if flaw.kind == "outdated" and field == "CloseDate":
        wrong = replace(wrong, sold=page.home.sales[1])
    of_home[index] = wrong
    return Planted(number, flaw.kind, flaw.site.key, field, page.home.truth[field], wrong.says[field], others)
