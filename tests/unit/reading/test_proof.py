"""The benchmark's check of evidence finds every kind of fault. Each case changes valid evidence in one way."""

from dataclasses import replace
from typing import Any

import pytest

from app.property.reading.base import Extraction
from app.property.reading.document import Locale
from app.property.reading.pipeline import extract
from app.property.record import PropertyRecord
from benchmarks.extraction.proof import faults
from benchmarks.extraction.saying import says
from tests.plugins.read_pages import page_of

_HTML = """<html lang="en-US"><head><title>4 Elm Rd, Salem, OR 97301 for sale</title>
<script type="application/ld+json">{"@type": "House", "yearBuilt": 1988,
 "geo": {"latitude": 44.942901, "longitude": -123.035102}}</script></head>
<body><h1>4 Elm Rd, Salem, OR 97301</h1><dl><dt>Price</dt><dd>$310,000</dd><dt>Beds</dt><dd>3</dd>
<dt>Living area</dt><dd>1,410 sq ft</dd><dt>Roof</dt><dd>Asphalt shingles</dd></dl></body></html>"""


def _extraction() -> Extraction:
    return extract(page_of(_HTML, "https://homes.example/4"))


def _broken(extraction: Extraction, field: str, **changes: Any) -> Extraction:
    evidence = dict(extraction.record.evidence)
    evidence[field] = evidence[field].model_copy(update=changes)
    values = {**extraction.record.values, field: evidence[field].value}
    return replace(extraction, record=PropertyRecord(values=values, evidence=evidence))


def test_good_evidence_has_no_fault() -> None:
    extraction = _extraction()
    assert {"ListPrice", "BedroomsTotal", "LivingArea", "YearBuilt", "Roof", "Latitude"} <= set(
        extraction.record.values
    )
    assert list(faults("a", extraction)) == []


@pytest.mark.parametrize(
    ("field", "changes", "why"),
    [
        ("ListPrice", {"content_sha256": "0" * 64}, "another page"),
        ("ListPrice", {"source_url": "https://homes.example/5"}, "another page"),
        ("ListPrice", {"locator": "/html/body/dl/dd[9]"}, "leads nowhere"),
        ("ListPrice", {"locator": "/html/body/dl/dd"}, "leads nowhere"),
        ("YearBuilt", {"locator": "/html/head/script#/yearBuild"}, "leads nowhere"),
        ("ListPrice", {"raw": "$310,001"}, "raw text"),
        ("ListPrice", {"locator": "/html/body/dl/dd[2]"}, "raw text"),
        ("ListPrice", {"quote": "Price reduced to $310,000"}, "not on the page"),
        ("ListPrice", {"value": 310_001}, "does not say it"),
        ("LivingAreaUnits", {"value": "Square Meters"}, "does not say it"),
        ("Latitude", {"value": 44.95}, "does not say it"),
        ("Roof", {"value": ["Asphalt shingles", "Metal"]}, "does not say it"),
        ("X_GoogleEarthUrl", {"value": "https://earth.google.com/web/search/1,2"}, "does not follow"),
        ("X_GoogleEarthUrl", {"locator": "Latitude, RoomsTotal"}, "not there"),
        ("X_GoogleEarthUrl", {"quote": "here"}, "does not quote"),
        ("X_PricePerArea", {"value": 220}, "does not follow"),
    ],
)
def test_each_fault_is_found(field: str, changes: dict[str, Any], why: str) -> None:
    """Only the changed value and values computed from it are reported."""
    found = {fault.field: fault.why for fault in faults("a", _broken(_extraction(), field, **changes))}
    assert why in found[field]
    assert set(found) <= {field, "X_GoogleEarthUrl", "X_PricePerArea"}


@pytest.mark.parametrize(
    ("field", "value", "quote", "is_stated"),
    [
        ("AssociationYN", False, "The HOA allows no pets and asks for dues.", False),
        ("AssociationYN", True, "There is no HOA and nobody will write to you.", False),
        ("AssociationYN", True, "HOA: Yes, paid by owner", True),
        ("StoriesTotal", 1.5, "Stories: One and One Half", True),
        ("LotSizeArea", 0.25, "Homes on quarter-acre lots.", True),
        ("LotSizeArea", 0.5, "2 1/2 baths on an acre", False),
        ("Latitude", 47.2242, '"latitude": 47,2242', True),
        ("YearBuilt", 1981, "築年月: 昭和56年3月（築45年）", True),
        ("UnparsedAddress", "9926 E Sage Way", '"number": 9926; "street": E SAGE WAY', True),
        ("UnparsedAddress", "9926 E Sage Way", '"street": E SAGE WAY', False),
        ("BathroomsTotalInteger", 2, "Full Bath: 1; 3/4 Bath: 1; 1/2 Bath: 0", True),
        ("BathroomsTotalInteger", 8, "Full Bath: 1; 3/4 Bath: 1; 1/2 Bath: 0", False),
        ("PoolPrivateYN", True, "Pool Features: In Ground, Heated", True),
        ("PoolPrivateYN", True, "Pool Features: Community, In Ground", False),
        ("ParkingTotal", 2, '"PARK_NUM": 2', True),
        ("PostalCode", "LS17 6LD", '"outcode": LS17, "incode": 6LD', True),
        ("X_EstimatedValueLow", 518_000, "Estimated range $518K – $590K", True),
        ("X_EstimatedValueLow", 519_000, "Estimated range $518K – $590K", False),
    ],
)
def test_a_quote_may_state_a_value_in_words_or_abbreviated(field: str, value: Any, quote: str, is_stated: bool) -> None:
    proof = _extraction().record.evidence["ListPrice"].model_copy(update={"value": value, "quote": quote, "raw": quote})
    assert says(field, proof, Locale("en", "US"), quote) is is_stated
