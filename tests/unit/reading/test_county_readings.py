"""Conventions of county records and portals: parcels with a unit, and synonyms of labels and values."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from app.property.page import Page
from app.property.reading.pipeline import extract


def read(body: str, content_type: str = "text/html") -> dict[str, Any]:
    url = "https://county.example/card"
    page = Page(url, url, content_type, body, body.encode(), datetime(2026, 3, 1, tzinfo=UTC))
    return extract(page).record.values


def feature(**more: Any) -> str:
    attributes = {"PARCEL_ID": "12-345-678", "SITUS_ADDR": "300 ELM BLVD", "SITUS_CITY": "AMES", "YEAR_BUILT": 1990}
    return json.dumps({"features": [{"attributes": attributes | more.pop("attributes", {}), **more}]})


def test_a_value_that_is_a_label_on_other_pages_stays_a_value() -> None:
    pairs = (("Cooling", "Central air"), ("Parking spaces", "3"), ("Heating", "Forced air"))
    spans = "".join(f"<div><span>{label}</span><span>{value}</span></div>" for label, value in pairs)
    values = read(f"<html><body><h1>14 Elm Ave, Denver, CO 80202</h1><div>{spans}</div></body></html>")
    assert values["Cooling"] == ["Central air"]
    assert values["ParkingTotal"] == 3


def test_a_label_alone_with_its_value_is_still_a_label() -> None:
    values = read("<html><body><h1>14 Elm Ave, Denver, CO 80202</h1><p>Central air</p><p>Yes</p></body></html>")
    assert values["Cooling"] == ["Central air"]


def test_a_parcel_is_located_by_its_point_or_centroid_in_degrees() -> None:
    degrees = {"x": -93.62, "y": 42.03}
    wgs84 = {"spatialReference": {"wkid": 4326}}
    rings = {"rings": [[[-93.62, 42.03], [-93.61, 42.03], [-93.61, 42.04], [-93.62, 42.03]]]}
    for spot in ({"centroid": {**degrees, **wgs84}}, {"geometry": {**degrees, **wgs84}}):
        values = read(feature(**spot), "application/json")
        assert (values["Latitude"], values["Longitude"]) == (42.03, -93.62)
    for silent in ({"geometry": {**rings, **wgs84}}, {"centroid": {"x": -1.04e7, "y": 5.1e6}}, {"centroid": degrees}):
        assert "Latitude" not in read(feature(**silent), "application/json")


def test_a_parcel_s_unit_is_read_from_its_own_column() -> None:
    assert read(feature(attributes={"SITUS_UNIT": "3"}), "application/json")["UnitNumber"] == "3"
    assert "UnitNumber" not in read(feature(attributes={"SITUS_UNIT": ""}), "application/json")


@pytest.mark.parametrize(
    ("street", "region", "kept"),
    [
        ("14 Elm Ct", "CT", "14 Elm Ct"),
        ("14 Elm Ct, CT", "CT", "14 Elm Ct"),
        ("14 Elm St Hartford CT", "CT", "14 Elm St"),
        ("12 Fictional St", "ST", "12 Fictional St"),
        ("14 Elm St CT", "CT", "14 Elm St"),
    ],
)
def test_a_kind_of_street_is_not_a_state(street: str, region: str, kept: str) -> None:
    address = {"streetAddress": street, "addressLocality": "Hartford", "addressRegion": region, "postalCode": "06101"}
    data = json.dumps({"@type": "House", "address": {"@type": "PostalAddress", **address}, "yearBuilt": 1990})
    script = f'<script type="application/ld+json">{data}</script>'
    values = read(f"<html><head>{script}</head><body><h1>{street}</h1></body></html>")
    assert values["UnparsedAddress"] == kept


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("300 Elm Boulevard Unit 1 - Elm Heights", None),
        ("300 Elm Blvd Apt. 12, Ames, IA 50010", None),
        ("300 Elm Blvd Unit B, Ames, IA 50010", None),
        ("Unit for rent at 300 Elm Blvd, Ames, IA 50010", "Apartment"),
        ("Apartment 12, 300 Elm Blvd, Ames, IA 50010", "Apartment"),
        ("Condo: 300 Elm Blvd Unit 1, Ames, IA 50010", "Condominium"),
    ],
)
def test_a_unit_number_does_not_reveal_the_kind_of_home(title: str, kind: str | None) -> None:
    """Condominiums and row houses also have units."""
    body = f"<html><head><title>{title}</title></head><body><h1>{title}</h1><p>Year Built: 1990</p></body></html>"
    assert read(body).get("PropertySubType") == kind
