"""Evidence is exact: it points to the cell, key, or element of the value and quotes its text."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from app.property.page import Page
from app.property.reading.document import Document
from app.property.reading.pipeline import extract
from app.property.record import Evidence, Method
from benchmarks.extraction.proof import faults

_SALES = """<html lang="en-US"><title>Property Appraiser</title><body><p>Parcel ID: 11-22-333</p><h3>Sales</h3><table>
<tr><th>Sale Date</th><th>Sale Price</th><th>Book</th></tr>
<tr><td>Jan 4, 2012</td><td>$150,000</td><td>88/12</td></tr>
<tr><td>06/30/2021</td><td>$412,500</td><td>91/70</td></tr></table></body></html>"""


def _evidence(body: str, kind: str = "text/html") -> tuple[dict[str, Evidence], Page]:
    page = Page(
        "https://c.example/p", "https://c.example/p", kind, body, body.encode(), datetime(2026, 3, 1, tzinfo=UTC)
    )
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


def test_aliases_are_also_read_from_field_aliases() -> None:
    """Older ArcGIS servers use `fieldAliases`. Of the columns for this year and last year, the newer one is read."""
    body = {
        "fieldAliases": {
            "N_BEDS": "Bedrooms",
            "FCV_CUR": "Full Cash Value Current",
            "FCV_PRE": "Full Cash Value Prior",
        },
        "features": [{"attributes": {"PARCELID": "11-22-333", "N_BEDS": 4, "FCV_PRE": 447200, "FCV_CUR": 458900}}],
    }
    evidence, _ = _evidence(json.dumps(body), "application/json")
    assert (evidence["BedroomsTotal"].value, evidence["BedroomsTotal"].quote) == (4, '"N_BEDS": 4')
    assert (evidence["X_MarketValue"].value, evidence["X_MarketValue"].quote) == (458900, '"FCV_CUR": 458900')


def test_a_split_value_is_found_in_the_element_around_its_pieces() -> None:
    html = (
        "<html lang='en-IE'><title>House for sale</title><h1>Oak House</h1><dl><dt>Price</dt><dd>€310,000</dd>"
        "<dt>Address</dt><dd><a>12 Mill Street</a>, <a>Dromod</a>, <a>Co. Leitrim</a></dd></dl></html>"
    )
    evidence, page = _evidence(html)
    (element,) = Document(page).root.xpath(evidence["City"].locator)
    assert evidence["City"].value == "Dromod"
    assert "12 Mill Street, Dromod" in "".join(element.itertext())


def test_an_inferred_value_names_its_sources() -> None:
    """The page asks a price and does not state whether the home is still for sale."""
    evidence, _ = _evidence(
        "<html lang='en-US'><title>Oak House</title><dl><dt>List price</dt><dd>$310,000</dd></dl></html>"
    )
    status = evidence["StandardStatus"]
    assert (status.value, status.method, status.locator) == ("Active", Method.DERIVED, "ListPrice")
    assert status.quote == evidence["ListPrice"].quote
    assert status.confidence <= evidence["ListPrice"].confidence


_PROSE = (
    "<html lang='en-US'><title>31 Elm Street, Salem, OR 97301</title><h1>31 Elm Street</h1>"
    "<p>Offered at $465,000</p><p>{} What it costs to run is in the fine print below.</p></html>"
)


def test_a_count_in_words_is_quoted_in_words() -> None:
    evidence, page = _evidence(_PROSE.format("Loved by only three families since, it has three bedrooms and a porch."))
    bedrooms = evidence["BedroomsTotal"]
    assert (bedrooms.value, bedrooms.raw) == (3, "three bedrooms")
    assert bedrooms.quote in "".join(Document(page).root.xpath(bedrooms.locator)[0].itertext())
    assert "three bedrooms" in bedrooms.quote


def test_a_denied_association_and_an_abbreviated_amount_are_quoted() -> None:
    evidence, _ = _evidence(
        _PROSE.format("There is no HOA and nobody will write to you.</p><p>Estimated range $418K – $490K.")
    )
    assert evidence["AssociationYN"].value is False
    assert (evidence["X_EstimatedValueLow"].value, evidence["X_EstimatedValueHigh"].value) == (418_000, 490_000)


def test_a_street_and_number_under_two_keys_are_both_quoted() -> None:
    body = {"parcelNumber": "11-22-333", "situs": {"number": "9926", "street": "E SAGE WAY", "city": "Casa Blanca"}}
    evidence, _ = _evidence(json.dumps(body), "application/json")
    assert evidence["UnparsedAddress"].value == "9926 E SAGE WAY"
    assert evidence["UnparsedAddress"].quote == '"number": 9926; "street": E SAGE WAY'


def test_an_estimate_in_a_list_is_found_in_its_item() -> None:
    values = [{"estimate_low": 410500, "estimate_high": 449800}]
    state = {"id": 900120, "list_price": 431000, "beds": 3, "baths": 2, "estimates": {"current_values": values}}
    html = (
        "<html lang='en-US'><title>4 Elm Rd, Salem, OR 97301 for sale</title><h1>4 Elm Rd, Salem, OR 97301</h1>"
        f"<p>List Price: $431,000</p><script>window.__STATE__ = {json.dumps({'property': state})};</script></html>"
    )
    evidence, _ = _evidence(html)
    assert evidence["X_EstimatedValueLow"].locator.endswith("/estimates/current_values/0/estimate_low")
