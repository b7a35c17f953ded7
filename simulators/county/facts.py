"""Draw the facts of a property, except its location, from a `random.Random`, in RESO fields."""

import random
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from simulators.county import names

TAX_YEAR = 2025
_LAST_SALE = date(2025, 6, 30)


def building(chance: random.Random, *, is_shared: bool, subdivision: str) -> dict[str, Any]:
    year = chance.randint(1952, 2019)
    found: dict[str, Any] = {
        "PropertyType": "Residential", "YearBuilt": year, "StoriesTotal": 3 if is_shared else chance.choice((1, 1, 2)),
        "Roof": [chance.choice(names.ROOFS)], "ConstructionMaterials": [chance.choice(names.WALLS)],
        "Heating": [chance.choice(names.HEATING)], "Cooling": [chance.choice(names.COOLING)],
        "AssociationYN": subdivision in names.ASSOCIATIONS,
        "LotSizeArea": round(chance.uniform(0.14, 0.92), 2), "LotSizeUnits": "Acres",
    }  # fmt: skip
    if found["AssociationYN"]:
        found["AssociationFee"] = 40 + 15 * (sum(map(ord, subdivision)) % 9)
    if subdivision in names.GATED:
        found["X_AccessNotes"] = "Gated community"
    return found


def inside(chance: random.Random, *, is_unit: bool, is_house: bool) -> dict[str, Any]:
    bedrooms = chance.randint(1, 3) if is_unit else chance.randint(2, 5)
    full, half = chance.randint(1, max(1, bedrooms - 1)), chance.choice((0, 0, 1))
    area = 420 + bedrooms * chance.randint(240, 380) + 10 * full
    return {
        "PropertySubType": "Single Family Residence" if is_house else "Condominium",
        "BedroomsTotal": bedrooms, "BathroomsFull": full, "BathroomsHalf": half,
        "BathroomsTotalInteger": full + half, "LivingArea": area, "LivingAreaUnits": "Square Feet",
        "ParkingTotal": 1 if is_unit else chance.randint(1, 3), "PoolPrivateYN": not is_unit and chance.random() < 0.12,
    }  # fmt: skip


def whole_building(units: int) -> dict[str, Any]:
    """Return the facts of an apartment building with one owner, without a number of bedrooms."""
    return {
        "PropertySubType": "Multi Family", "LivingArea": units * 850, "LivingAreaUnits": "Square Feet",
        "ParkingTotal": units, "PoolPrivateYN": False,
    }  # fmt: skip


def money(
    chance: random.Random, area: int, built: int
) -> tuple[Sequence[tuple[date, int]], Sequence[Mapping[str, Any]], dict[str, Any]]:
    """Return sales and tax years, newest first, and the current values that follow from them."""
    price = area * chance.randint(150, 310)
    first = date(max(built, 1988) + 1, 1, 1)
    days = (_LAST_SALE - first).days
    newest = _LAST_SALE - timedelta(days=chance.randint(30, min(days, 4200)))
    sales: list[tuple[date, float]] = [(newest, round(price, -3) + 500)]
    if chance.random() < 0.7 and (newest - first).days > 2200:
        older = newest - timedelta(days=chance.randint(1500, (newest - first).days))
        sales.append((older, round(price * chance.uniform(0.35, 0.7), -3)))
    market = round(price * chance.uniform(1.04, 1.22), -2)
    rate = chance.uniform(0.0105, 0.0142)
    taxes = []
    for back in range(3):
        value = round(market * 0.96**back, -1)
        assessed = round(value * 0.87)
        taxes.append(
            {"year": TAX_YEAR - back, "market": int(value), "assessed": assessed, "tax": round(assessed * rate, 2)}
        )
    low = round(market * chance.uniform(0.93, 0.98), -3)
    found = {
        "CloseDate": sales[0][0].isoformat(), "ClosePrice": int(sales[0][1]),
        "TaxYear": TAX_YEAR, "X_MarketValue": taxes[0]["market"], "TaxAssessedValue": taxes[0]["assessed"],
        "TaxAnnualAmount": taxes[0]["tax"],
        "X_EstimatedValueLow": int(low), "X_EstimatedValueHigh": int(round(market * chance.uniform(1.03, 1.1), -3)),
    }  # fmt: skip
    return [(day, int(paid)) for day, paid in sales], taxes, found


def shown_building() -> dict[str, Any]:
    return {
        "YearBuilt": 1987, "StoriesTotal": 2, "Roof": ["Architectural shingle"], "ConstructionMaterials": ["Brick"],
        "Heating": ["Forced air"], "Cooling": ["Central air"],
    }  # fmt: skip


def shown_permits() -> tuple[Sequence[Mapping[str, Any]], dict[str, Any]]:
    """Return the permits of the how-to's property, and the facts that follow from them."""
    rows = [
        _row(date(2022, 4, 4), date(2022, 4, 29), "Building", "New carport with metal roof"),
        _row(date(2020, 9, 1), date(2020, 10, 13), "Solar", "Roof-mounted photovoltaic system, 6.2 kW"),
        _row(date(2018, 5, 14), date(2018, 6, 8), "Re-roof", "Tear off and replace roof covering of dwelling"),
    ]
    return rows, {"X_RoofYear": 2018, "PowerProductionType": ["Solar"]}


def _row(issued: date, finaled: date | None, kind: str, work: str, status: str = "Finaled") -> dict[str, Any]:
    return {"issued": issued, "finaled": finaled, "kind": kind, "work": work, "status": status}


_WORK = (
    ("Electrical", "Panel upgrade to 200 amp"), ("Plumbing", "Water heater replacement"),
    ("Building", "Kitchen remodel"), ("Fence", "Six foot privacy fence"), ("Mechanical", "Furnace replacement"),
    ("Building", "Room addition, 240 sq ft"),
)  # fmt: skip


def permits(chance: random.Random, built: int) -> tuple[Sequence[Mapping[str, Any]], dict[str, Any]]:
    """Return permits, newest first, and the facts that follow from them (year of the roof, solar power).

    Some mention a roof but do not replace the house's roof: a carport, an expired permit, solar panels.
    """
    rows: list[dict[str, Any]] = []
    implied: dict[str, Any] = {}
    first = max(built + 9, 2001)

    def add(kind: str, work: str, status: str = "Finaled", since: int = first) -> date:
        day = date(chance.randint(min(since, 2024), 2024), chance.randint(1, 12), chance.randint(1, 28))
        done = min(day + timedelta(days=chance.randint(12, 70)), date(2025, 3, 30))
        rows.append(_row(day, done if status == "Finaled" else None, kind, work, status))
        return done

    for kind, work in chance.sample(_WORK, chance.randint(0, 2)):
        add(kind, work)
    if first <= 2024 and chance.random() < 0.55:
        implied["X_RoofYear"] = add(
            "Re-roof", "Tear off and replace roof covering of dwelling", since=max(first, 2006)
        ).year
    if chance.random() < 0.12:
        add("Building", "New carport with metal roof", since=2015)
    if chance.random() < 0.1:
        add("Re-roof", "Tear off and replace roof covering of dwelling", status="Expired", since=2018)
    if chance.random() < 0.22:
        add("Solar", "Roof-mounted photovoltaic system, 6.2 kW", since=2014)
        implied["PowerProductionType"] = ["Solar"]
    rows.sort(key=lambda row: row["issued"], reverse=True)
    return rows, implied


def owner(chance: random.Random, line: str, town: str, postal_code: str) -> tuple[str, str]:
    """Return the owner's name and mailing address, which may be the property's address, a PO box, or another house."""
    name = f"{chance.choice(names.LAST).upper()} {chance.choice(names.FIRST).upper()}"
    drawn = chance.random()
    if drawn < 0.5:
        return name, f"{line.upper()}, {town.upper()} ST {postal_code}"
    if drawn < 0.8:
        city, state, code = chance.choice(names.MAIL_TOWNS)
        return name, f"PO BOX {chance.randint(10, 990)}, {city.upper()} {state} {code}"
    return name, f"{chance.choice((14, 21, 112))} FICTIONAL AVE, ANYTOWN ST 00000"


def listing(chance: random.Random, area: int, *, is_let: bool) -> dict[str, Any]:
    """Return what a broker states about a home for sale, or {} for most homes and for rented apartments."""
    if is_let or chance.random() > 0.34:
        return {}
    return {
        "StandardStatus": chance.choice(("Active", "Active", "Active", "Pending")),
        "ListPrice": round(area * chance.randint(210, 340), -2) + 900,
        "ListAgentFullName": f"{chance.choice(names.FIRST)} {chance.choice(names.LAST)}",
        "ListOfficeName": chance.choice(names.FIRMS),
        "ListingId": f"EX{chance.randint(100000, 999999)}",
    }
