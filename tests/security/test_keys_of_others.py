"""A parcel number, the strongest key for merging, is not the value of another label, such as an MLS number or license.

Labels that real counties use for their parcels still count.
"""

import json

import pytest

from app.property.reading.base import Extraction
from app.property.reading.model.claim_check import check_claims
from app.property.reading.model.prompt import build_prompt
from app.property.reading.pipeline import extract, with_model_values
from app.property.record import PageKind
from tests.plugins.read_pages import page_of

_URL = "https://site.example/p/1"
_TAXES = (
    "<h2>Tax history</h2><table><tr><th>Year</th><th>Assessed value</th><th>Tax amount</th></tr>"
    "<tr><td>2024</td><td>$310,000</td><td>$5,120</td></tr><tr><td>2023</td><td>$300,000</td><td>$5,010</td></tr></table>"
)
_OTHERS = (
    *("MLS #", "MLS #:", "MLS", "MLS ID:", "MLS PIN #", "Listing ID:", "Reference:", "Property code:", "Case number:"),
    *("Permit #", "Permit number:", "License #", "DRE #", "NMLS #", "Tax bill number:", "Owner number:", "Phone:"),
    *("Invoice number:", "Customer number:", "Web PIN:", "Zip:", "Parcel details MLS #"),
)
_SHAPES = {
    "line": "<p>{label} {value}</p>",
    "term": "<dl><dt>{label}</dt><dd>{value}</dd></dl>",
    "row": "<table><tr><th>{label}</th><td>{value}</td></tr></table>",
    "under a heading": "<h3>Parcel</h3><p>{label} {value}</p>",
    "in a parcel's cell": "<table><tr><th>Parcel</th><td>{label} {value}</td></tr></table>",
}


def _record(body: str, title: str = "14 Elm St, Boone, IA 50036") -> Extraction:
    html = f"<html lang='en'><head><title>{title}</title></head><body><h1>14 Elm St, Boone, IA 50036</h1>{body}{_TAXES}"
    return extract(page_of(f"{html}</body></html>", _URL))


def _with_answer(found: Extraction, field: str, value: str, quote: str) -> Extraction:
    prompt = build_prompt(found)
    assert field in prompt.fields
    kept, dropped = check_claims({field: (value, quote)}, prompt)
    return with_model_values(found, kept, len(dropped), use="always")


@pytest.mark.parametrize("shape", _SHAPES)
@pytest.mark.parametrize("label", _OTHERS)
def test_another_labels_number_is_no_parcel_number(label: str, shape: str) -> None:
    found = _record(_SHAPES[shape].format(label=label, value="IL-778812"))
    assert found.kind is PageKind.RECORD
    assert "ParcelNumber" not in found.record.values
    for quote in (f"{label} IL-778812", f"{label.rstrip(':')}: IL-778812", "IL-778812"):
        assert "ParcelNumber" not in _with_answer(found, "ParcelNumber", "IL-778812", quote).record.values


@pytest.mark.parametrize(
    "label",
    [
        *("Parcel number", "Parcel", "APN", "Folio", "PIN", "Parcel ID", "Property ID", "Prop ID", "Tax ID", "Geo ID"),
        *("PID", "Account number", "Tax account number", "Assessor's Parcel Number", "Tax Map #", "County PIN"),
    ],
)
def test_a_countys_own_labels_still_name_the_parcel(label: str) -> None:
    body = f"<table><tr><td>{label}</td><td>12-345-678</td></tr></table>"
    assert _record(body, "Property Record").record.values["ParcelNumber"] == "12-345-678"


def test_a_table_head_still_names_the_parcel() -> None:
    body = "<table><tr><th>Parcel ID</th><th>Year built</th></tr><tr><td>12-345-678</td><td>1974</td></tr></table>"
    assert _record(body, "Property Record").record.values["ParcelNumber"] == "12-345-678"


def test_a_portals_own_id_is_no_parcel_number() -> None:
    """A portal's page about a home that is not for sale is a record, and its data has the portal's id of the home."""
    home = {"propertyId": "TU-2475-NX", "address": "14 Elm St", "bedrooms": 3, "bathrooms": 2, "yearBuilt": 1950}
    state = f"<script id='__NEXT_DATA__' type='application/json'>{json.dumps({'props': {'property': home}})}</script>"
    found = _record(state, "14 Elm St, Boone, IA 50036 | Property profile")
    assert found.kind is PageKind.RECORD
    assert "ParcelNumber" not in found.record.values


def test_a_listings_number_is_not_its_parcel_number_too() -> None:
    data = {
        "mlsNumber": "IL-778812",
        "parcelNumber": "IL-778812",
        "price": 529000,
        "bedrooms": 3,
        "address": "12 Oak St",
    }
    html = (
        "<html lang='en'><head><title>12 Oak St</title></head><body><h1>12 Oak St, Ames, IA 50010</h1><p>For sale</p>"
        f"<p>List price: $529,000</p><p>MLS #: IL-778812</p><script type='application/json'>{json.dumps(data)}</script>"
    )
    found = extract(page_of(f"{html}</body></html>", _URL))
    assert found.kind is PageKind.LISTING
    assert found.record.values["ListingId"] == "IL-778812"
    assert "ParcelNumber" not in found.record.values
