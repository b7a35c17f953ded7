"""Evidence is exact: it points to the cell, key, or element of the value and quotes its text."""

import json

from app.property.page import Page
from app.property.reading.document import Document
from app.property.reading.pipeline import extract
from app.property.record import Evidence, Method
from benchmarks.extraction.proof import faults
from tests.plugins.read_pages import page_of

_SALES = """<html lang="en-US"><title>Property Appraiser</title><body><p>Parcel ID: 11-22-333</p><h3>Sales</h3><table>
<tr><th>Sale Date</th><th>Sale Price</th><th>Book</th></tr>
<tr><td>Jan 4, 2012</td><td>$150,000</td><td>88/12</td></tr>
<tr><td>06/30/2021</td><td>$412,500</td><td>91/70</td></tr></table></body></html>"""


def _evidence(body: str, kind: str = "text/html") -> tuple[dict[str, Evidence], Page]:
    page = page_of(body, "https://c.example/p", kind)
    extraction = extract(page)
    assert list(faults("p", extraction)) == []
    return extraction.record.evidence, page


def test_evidence_quotes_the_row_and_names_the_cell() -> None:
    evidence, page = _evidence(_SALES)
    root = Document(page).root
    for field, text in (("CloseDate", "06/30/2021"), ("ClosePrice", "$412,500")):
        (cell,) = root.xpath(evidence[field].locator)
        assert cell.tag == "td"
        assert cell.text == evidence[field].raw == text
        assert evidence[field].quote == "06/30/2021 $412,500 91/70"


def test_a_row_of_a_json_list_is_named_by_its_key() -> None:
    body = {"ParcelNumber": "11-22-333", "AssessedValue": 120000, "Sales": [
        {"SaleDate": "01/04/2012", "SalePrice": 150000}, {"SaleDate": "06/30/2021", "SalePrice": 412500}]}  # fmt: skip
    evidence, _ = _evidence(json.dumps(body), "application/json")
    assert evidence["CloseDate"].locator == "/Sales/1/SaleDate"
    assert evidence["CloseDate"].raw == "06/30/2021"
    assert evidence["ClosePrice"].quote == '"SalePrice": 412500'


def test_evidence_of_an_alias_names_the_key_of_the_body() -> None:
    body = {
        "fields": [{"name": "FLD_7", "alias": "Year Built"}, {"name": "PARCELID", "alias": "Parcel"}],
        "features": [{"attributes": {"PARCELID": "11-22-333", "FLD_7": 1988}}],
    }
    evidence, _ = _evidence(json.dumps(body), "application/json")
    assert evidence["YearBuilt"].locator == "/features/0/attributes/FLD_7"
    assert evidence["YearBuilt"].quote == '"FLD_7": 1988'


def test_an_inferred_value_names_its_sources() -> None:
    """The page states an asking price, but not whether the home is still for sale."""
    evidence, _ = _evidence(
        "<html lang='en-US'><title>Oak House</title><dl><dt>List price</dt><dd>$310,000</dd></dl></html>"
    )
    status = evidence["StandardStatus"]
    assert (status.value, status.method, status.locator) == ("Active", Method.DERIVED, "ListPrice")
    assert status.quote == evidence["ListPrice"].quote
    assert status.confidence <= evidence["ListPrice"].confidence
