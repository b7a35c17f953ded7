"""Store properties of realistic size, without merging: 32 values with evidence, three sources, and a conflict each."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any

from sqlalchemy import insert

from app.property.record import FIELDS
from app.property.storage.database import Database
from app.property.storage.properties.tables import Property, SourceRow

_T0 = datetime(2026, 1, 1, tzinfo=UTC)
_SOURCES = 3
_ROWS = 500
_VALUES: dict[str, Any] = {
    "ListPrice": 512_000,
    "ClosePrice": 412_000,
    "CloseDate": "2019-06-14",
    "UnparsedAddress": "12 Fictional Ave",
    "City": "Anytown",
    "StateOrProvince": "ST",
    "PostalCode": "00000",
    "Latitude": 35.125,
    "Longitude": -80.875,
    "BedroomsTotal": 4,
    "LivingArea": 2310,
    "LivingAreaUnits": "Square Feet",
    "YearBuilt": 1987,
    "StoriesTotal": 2,
    "Roof": ["Asphalt Shingle"],
    "AssociationYN": True,
    "PublicRemarks": "A fictional house with a porch and a view of nothing in particular. " * 10,
    "X_PriceHistory": [{"date": f"20{year:02}", "price": 100_000 + year, "event": "Sold"} for year in range(5, 20)],
    **{
        name: f"a value of {name}" for name in ("Country", "SubdivisionName", "ParcelNumber", "ListingId", "ListingKey")
    },
    **dict.fromkeys(("BathroomsFull", "BathroomsHalf", "BathroomsTotalInteger", "TaxYear", "TaxAnnualAmount"), 2),
    **{name: ["one", "two"] for name in ("Heating", "Cooling", "ConstructionMaterials")},
}


def fill(database: Database, count: int) -> None:
    assert set(FIELDS) >= set(_VALUES)
    for numbers in batched(range(count), _ROWS):
        with database.writing() as connection:
            connection.execute(insert(Property), [_property(number) for number in numbers])
            connection.execute(insert(SourceRow), [row for number in numbers for row in _records(number)])


def _evidence(url: str, at: datetime) -> dict[str, Any]:
    return {
        name: {
            "value": value, "raw": f"{value}"[:80], "unit": None, "method": "label",
            "locator": "/html/body/main/section[2]/table/tr[5]/td[2]", "quote": f"{name}: {value}"[:160],
            "source_url": url, "fetched_at": at.isoformat(), "content_sha256": "0" * 64, "confidence": 0.95,
        }
        for name, value in _VALUES.items()
    }  # fmt: skip


def _property(number: int) -> dict[str, Any]:
    at = _T0 + timedelta(seconds=number)
    evidence = _evidence(f"https://county.example/{number}/0", at)
    sides = [evidence["YearBuilt"], {**evidence["YearBuilt"], "value": 1978}]
    return {
        "id": f"{number:032x}", "record": {**_VALUES, "StreetNumber": f"{number}"},
        "evidence": {**evidence, "StreetNumber": {**evidence["City"], "value": f"{number}"}},
        "conflicts": [{"field": "YearBuilt", "chosen": 1987, "evidence": sides}], "created_at": at, "updated_at": at,
    }  # fmt: skip


def _records(number: int) -> Iterator[dict[str, Any]]:
    """Yield the property's source records without their values, which are not exported and would fill the database."""
    at = _T0 + timedelta(seconds=number)
    for source in range(_SOURCES):
        url = f"https://county.example/{number}/{source}"
        yield {
            "url": url, "final_url": url, "property_id": f"{number:032x}", "kind": "record", "content_sha256": "0" * 64,
            "fetched_at": at, "record": {}, "evidence": {}, "wanted_model": [], "stored_at": at,
        }  # fmt: skip
