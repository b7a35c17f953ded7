"""Assessors' pages: their county, values by share, pools among features, and repeated subdivisions."""

from __future__ import annotations

from typing import Any

import pytest

from app.property.reading.pipeline import extract
from benchmarks.extraction.proof import faults
from tests.plugins.read_pages import page_of


def _read(body: str, title: str = "Property Record Card") -> dict[str, Any]:
    html = f"<html><head><title>{title}</title></head><body>{body}</body></html>"
    url = "https://county.example/card"
    page = page_of(html, url)
    found = extract(page)
    assert list(faults("a", found)) == []
    return found.record.values


def _rows(*rows: str, tag: str = "td") -> str:
    cells = ("".join(f"<{tag}>{cell.strip()}</{tag}>" for cell in row.split("|")) for row in rows)
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"


_PARCEL = _rows("Parcel Number|12-345-678", "Year Built|1974", "Bedrooms|3")


@pytest.mark.parametrize(
    ("title", "county"),
    [
        ("Delmont County Auditor", "Delmont"),
        ("Calusa Bay County Property Appraiser - Property Detail 21-44", "Calusa Bay"),
        ("Property Search > 214877 DOE JANE | St. Martin Parish Assessor", "St. Martin"),
        ("Prince George's County, MD Real Estate Records", "Prince George's"),
        ("Parcel 12-345 | Delmont County, OH | Office of the Assessor", "Delmont"),
        ("Office of the Delmont County Treasurer", "Delmont"),
        ("Homes for sale | Delmont County", None),
        ("Property Tax County Assessor", None),
        ("Delmont County Fair Homes", None),
        ("Jane lives in Delmont County", None),
    ],
)
def test_the_county_is_that_of_the_office(title: str, county: str | None) -> None:
    assert _read(_PARCEL, title).get("CountyOrParish") == county


def test_a_vendor_s_address_does_not_give_the_state() -> None:
    vendor = "<p>Made by Cards Inc, 451 Court Sq, Dayburg, OH 45422</p>"
    assert "StateOrProvince" not in _read(_PARCEL + vendor, "Delmont County Auditor")


@pytest.mark.parametrize(
    ("area", "legal"),
    [
        ("Stone Oak 1-4", "STONE OAK SEC 4, LOT 12"),
        ("RURAL", "RURAL RT 2"),
        ("Northwest Rural", "LT 21 CANE MILL LANDING"),
    ],
)
def test_a_neighborhood_is_not_a_subdivision(area: str, legal: str) -> None:
    body = _rows(f"Neighborhood|{area}", f"Legal Description|{legal}")
    assert "SubdivisionName" not in _read(_PARCEL + body)


def test_two_counties_in_the_head_give_none() -> None:
    assert "CountyOrParish" not in _read(_PARCEL + "<p>Gibson County Assessor</p>", "Delmont County Auditor")


@pytest.mark.parametrize(
    ("head", "city"),
    [
        ("Town of Ledyard Hollow, CT", "Ledyard Hollow"),
        ("City of Ames, XX", None),
        ("The Town of Ledyard Hollow, CT wishes you well", None),
    ],
)
def test_a_town_s_card_gives_the_town(head: str, city: str | None) -> None:
    assert _read(f"<span>{head}</span>{_PARCEL}").get("City") == city


@pytest.mark.parametrize(
    ("above", "row", "pool"),
    [
        ("Outbuildings", "SPL3|POOL - ABV GRND RND|24.00 DIA", True),
        ("Accessory Information", "Swimming Pool - Vinyl|2008|$11,400", True),
        ("Extra Features", "Inground Pool|2008|$11,400", True),
        ("Building Features", "POOL CAGE SCREEN ENC|2023|1,480", None),
        ("Extra Features", "Pool House|2023|1,480", None),
        ("Extra Features", "Pool|2003|Removed 2019", None),
        ("Extra Features", "Whirlpool tub|2003|1", None),
        ("Permits", "POOL|2003|1", None),
    ],
)
def test_a_pool_is_read_from_the_features(above: str, row: str, pool: bool | None) -> None:
    body = f"<h2>{above}</h2>" + _rows("Code|Description|Value", row)
    assert _read(_PARCEL + body).get("PoolPrivateYN") is pool


def _candidates(body: str) -> dict[str, set[Any]]:
    html = f"<html><head><title>Card</title></head><body>{body}</body></html>"
    url = "https://county.example/card"
    page = page_of(html, url)
    found: dict[str, set[Any]] = {}
    for candidate in extract(page).candidates:
        value = tuple(candidate.value) if isinstance(candidate.value, list) else candidate.value
        found.setdefault(candidate.field, set()).add(value)
    return found
