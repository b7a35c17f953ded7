"""Assessors' record cards: the owner's address, land rows, pairs that look like headings, and parts of areas."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plugins.read_pages import values_of


def _read(body: str, title: str = "Property Record Card") -> dict[str, Any]:
    html = f"<html><head><title>{title}</title></head><body>{body}</body></html>"
    url = "https://county.example/card"
    return values_of(html, url)


def _rows(*rows: str) -> str:
    """Return an HTML table. `|` separates cells, `2:` before a text spans two columns, and `!` marks a heading."""
    made = []
    for row in rows:
        cells = []
        for cell in map(str.strip, row.split("|")):
            tag, text = ("th", cell[1:]) if cell.startswith("!") else ("td", cell)
            span, text = (" colspan='2'", text[2:]) if text.startswith("2:") else ("", text)
            cells.append(f"<{tag}{span}>{text}</{tag}>")
        made.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table>{''.join(made)}</table>"


_PARCEL = _rows("Parcel Number|12-345-678", "Year Built|1974")


@pytest.mark.parametrize(
    ("body", "city"),
    [
        (_rows("Mailing Address|5150 SNYDER TR", "City, State, Zip|AMES, IA 50010"), None),
        (_rows("Owner|DOE JANE", "City|AMES", "Zip|50010"), None),
        (_rows("Site Address|12 OAK ST", "City, State, Zip|AMES, IA 50010"), "AMES"),
        (_rows("Owner|DOE JANE", "Property Address|12 OAK ST", "City|AMES"), "AMES"),
        # in two columns of pairs, the text above a pair is the pair above it in the same column
        (_rows("Site Address|12 OAK ST|Owner|DOE JANE", "City|AMES|Owner Address|PO BOX 7"), "AMES"),
        (_rows("Owner|DOE JANE|Site Address|12 OAK ST", "City|AMES|Tax Area|0214"), None),
        # if `Location` gives the street, an address below the owner is the owner's
        (_rows("Location|47 PINE RD") + _rows("Owner|DOE JANE", "Address|9 ELM ST, AMES, IA 50010"), None),
        (_rows("Location|47 PINE RD") + _rows("Address|47 PINE RD, AMES, IA 50010"), "AMES"),
        # an owner who lives at the property
        (_rows("Location|47 PINE RD") + _rows("Owner|DOE JANE", "Address|47 PINE RD<br>AMES, IA 50010"), "AMES"),
        (_rows("Location|47 PINE RD") + _rows("Owner|DOE JANE", "Address|9 ELM ST<br>AMES, IA 50010"), None),
    ],
)
def test_a_plain_label_below_the_owner_is_the_owner_s_address(body: str, city: str | None) -> None:
    assert _read(_PARCEL + body).get("City") == city


@pytest.mark.parametrize("box", ["PO BOX 318, AMES, IA 50010", "P.O. Box 9, AMES, IA 50010"])
def test_a_post_office_box_is_not_the_property_s_address(box: str) -> None:
    values = _read(_PARCEL + _rows(f"Address|{box}"))
    assert not {"UnparsedAddress", "City", "PostalCode"} & set(values)


def test_a_description_is_the_use_only_below_its_code() -> None:
    assert "PropertySubType" not in _read(_PARCEL + _rows("Permit|1010", "Description|Single Fam"))


def test_a_row_of_land_does_not_mean_vacant_land() -> None:
    heads = "!#|!Type|!Description|!Acres|!Eff Depth"
    assert "PropertySubType" not in _read(_PARCEL + "<h3>Land</h3>" + _rows(heads, "1|LAND|Land|0.1653|120.00"))
    vacant = _read(_PARCEL + "<h3>Land</h3>" + _rows(heads, "1|Vacant Land|Land|0.1653|120.00"))
    assert vacant["PropertySubType"] == "Unimproved Land"


def test_pairs_side_by_side_are_not_headings_of_the_row_below() -> None:
    title = "!Structural Elements"
    pairs = _rows(title, "EXTERIOR WALL|CB STUCCO|ROOF COVER|ASPH SHNGL", "ROOF FRAMING|HIP|SUBFLOOR|CONCRETE")
    values = _read(_PARCEL + pairs)
    assert values["Roof"] == ["ASPH SHNGL"]
    assert values["ConstructionMaterials"] == ["CB STUCCO"]


def test_a_date_is_not_an_amount() -> None:
    due = "<h3>Tax Due</h3><p>Property Tax Information as of 05/06/2025. Amount due if paid.</p>"
    assert "TaxAnnualAmount" not in _read(_PARCEL + due)


@pytest.mark.parametrize(
    ("label", "value", "heating", "cooling"),
    [
        ("Central Heat/Air Cond", "CENTRAL HEAT", None, None),
        ("Cooling", "Heat Pump", None, ["Heat Pump"]),
        ("Cooling", "Gas Heat & Air", None, ["Gas Heat & Air"]),
        ("HEAT/AC", "CENTRAL H/A", ["CENTRAL H/A"], ["CENTRAL H/A"]),
        ("HEAT/AC", "FORCED HOT WATER", ["FORCED HOT WATER"], None),
    ],
)
def test_heating_alone_is_not_cooling(
    label: str, value: str, heating: list[str] | None, cooling: list[str] | None
) -> None:
    values = _read(_PARCEL + _rows(f"{label}|{value}"))
    assert (values.get("Heating"), values.get("Cooling")) == (heating, cooling)


@pytest.mark.parametrize(
    ("label", "value", "field", "read"),
    [
        ("Total Rms/Bedrms/Baths/Half Baths", "6/3/1/1", "RoomsTotal", 6),
        ("PARCEL LOCATION", "2216 WEXFORD PARK AV", "UnparsedAddress", "2216 WEXFORD PARK AV"),
        ("Improvement #1:", "1 FAM DWELLING", "PropertySubType", "Single Family Residence"),
        ("Bsmt Garages", "2", "ParkingTotal", 2),
    ],
)
def test_labels_of_county_cards(label: str, value: str, field: str, read: Any) -> None:
    assert _read(_PARCEL + _rows(f"{label}|{value}"))[field] == read
