"""The benchmark of prompts checks whether a text states a label and whether a value was read or sent."""

from typing import Any

import pytest

from app.property.reading.pipeline import extract
from benchmarks.extraction.presence import Said
from benchmarks.extraction.prompts import prompts
from benchmarks.extraction.run import Run
from tests.plugins.read_pages import page_of


@pytest.mark.parametrize(
    ("label", "row", "text", "says"),
    [
        ("price", {"price": 450000}, "Asking $450K today", True),
        ("price", {"price": 1250000}, "Kaufpreis 1.250.000 €", True),
        ("price", {"price": 185000}, "18.5万円", True),
        ("price", {"price": 450000}, "Asking $4,500,000", False),
        ("bedrooms", {"bedrooms": 3}, "three bedrooms", True),
        ("bedrooms", {"bedrooms": 3}, "3 garages" + " and much more of a text" * 9 + " bedrooms", False),
        ("bathrooms", {"bathrooms": 2.5}, "Baths: 2 full, 1 half", True),
        ("living_area", {"living_area": 131, "living_area_unit": "m2"}, "1,410 sq ft", True),
        ("living_area", {"living_area": 131, "living_area_unit": "m2"}, "1,610 sq ft", False),
        ("street", {"street": "12 Main Street"}, "at 14 Main St, Springfield", False),
        ("region", {"region": "IL"}, "WILD", False),
        ("postal_code", {"postal_code": "62701-1234"}, "IL 62701", True),
        ("last_sale_date", {"last_sale_date": "2019-04"}, "sold in April 2019", True),
        ("last_sale_date", {"last_sale_date": "2019-04-17"}, "sold on May 17, 2019", False),
        ("property_type", {"property_type": "land"}, "a condo by the sea", False),
        ("currency", {"currency": "USD"}, "489.000 €", False),
        ("agent", {"agent": "Mara Quill"}, "Listed by MARA QUILL", True),
        ("roof", {"roof": ["cedar", "metal"]}, "Roof: cedar", False),
    ],
)
def test_a_label_s_value_is_found_in_any_spelling(label: str, row: dict[str, Any], text: str, says: bool) -> None:
    assert Said(text, "US").says(label, row) is says


def test_a_value_is_covered_if_it_was_read_or_asked_for_and_sent() -> None:
    html = (
        "<html lang='en'><head><title>12 Main St</title></head><body><h1>12 Main St, Springfield, IL 62701</h1>"
        "<p>Price: $310,000</p><p>A quiet home whose roof is covered with cedar shakes.</p></body></html>"
    )
    page = page_of(html, "https://x.example/1")
    row = {"file": "a", "kind": "listing", "url": page.url, "price": 310000, "roof": "cedar shakes", "heating": "gas"}
    found = prompts(Run([row], {"a": extract(page)}, {"a": 0.0}))
    (asked,) = found.pages
    assert (asked.labeled, asked.read, asked.sent, asked.lost) == (3, 1, 1, ("heating",))
    assert found.covered == pytest.approx(2 / 3)
    assert found.mean_tokens == asked.instruction + asked.text + asked.schema > 200
