"""US labels, tables, and sentences: one mechanism per case, each with a decoy that must be ignored."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plugins.read_pages import values_of


def _read(body: str, title: str = "Property Record Card") -> dict[str, Any]:
    html = f"<html><head><title>{title}</title></head><body>{body}</body></html>"
    url = "https://county.example/card"
    return values_of(html, url)


def _rows(*rows: str) -> str:
    cells = ("".join(f"<td>{cell.strip()}</td>" for cell in row.split("|")) for row in rows)
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"


_PARCEL = _rows("Parcel Number|12-345-678", "Site Address|12 Oak St, Ames, IA 50010")


@pytest.mark.parametrize(
    ("body", "field", "value"),
    [
        # a value before the next label does not belong to that label
        (_rows("Bedrooms|4|Baths|3"), "BathroomsTotalInteger", 3),
        ("<dl><dt>Number of Rooms</dt><dd>7</dd><dt>Number of Bedrooms</dt><dd>3</dd></dl>", "BedroomsTotal", 3),
        ("<div><div>4</div><div>Bedrooms</div></div><div><div>2</div><div>Full Baths</div></div>", "BedroomsTotal", 4),
        ("<p>Rooms 8 Beds 3</p>", "BedroomsTotal", 3),
        # an empty cell has no value, and the next cell is another label's
        (_rows("Roof Cover||Exterior Wall|Brick"), "Roof", None),
        # long labels; a basement's area is not the living area
        (_rows("Total Gross Living Area|1,344 SF"), "LivingArea", 1344),
        (_rows("Basement Living Area|700", "Finished Living Area|1,586"), "LivingArea", 1586),
        # labels for two things
        (_rows("Yr Built / Eff|1988 / 1992"), "YearBuilt", 1988),
        (_rows("Lot SF / Acres|14,375 / 0.33"), "LotSizeArea", 14375),
        # a tax with its year
        (_rows("Real estate taxes|$9,874 / 2025"), "TaxYear", 2025),
        # stories in words
        (_rows("Stories|One and One Half"), "StoriesTotal", 1.5),
        (_rows("Stories|0"), "StoriesTotal", None),
        # yes gives the label as the value, no gives nothing
        (_rows("Central Air|Yes"), "Cooling", ["Central Air"]),
        (_rows("Central Air|No"), "Cooling", None),
        ("<form><label>Year Built</label><input readonly value='1951'></form>", "YearBuilt", 1951),
        ("<form><label>Year Built</label><input value='1951'></form>", "YearBuilt", None),
        ("<pre>YEAR BUILT.... 1954          STORIES..... 1.7\nROOF........ Slate</pre>", "StoriesTotal", 1.7),
        # sentences
        ("<p>New metal roof in 2021.</p>", "X_RoofYear", 2021),
        ("<p>Barn with new roof in 2021.</p>", "X_RoofYear", None),
        ("<p>Solar ready conduit (panels not included).</p>", "PowerProductionType", None),
        ("<p>The house has owned solar panels.</p>", "PowerProductionType", ["Solar"]),
        ("<ul><li>Gated, guard at gate</li></ul>", "X_AccessNotes", "Gated, guard at gate"),
        ("<ul><li>Non-gated community</li></ul>", "X_AccessNotes", None),
        ("<p>No HOA!</p>", "AssociationYN", False),
        ("<p>HOA is just $42 a month and covers the pool.</p>", "AssociationFee", 42),
        ("<p>Estimate range: $512,000 - $561,000</p>", "X_EstimatedValueHigh", 561000),
        ("<table><tr><td>Assoc. Fee</td><td>$487.63</td></tr></table>", "AssociationFee", 487.63),
        ("<table><tr><td>New Roof Covering</td><td>5V crimp metal</td></tr></table>", "Roof", ["5V crimp metal"]),
        ("<dl><dt>Roofing</dt><dd>☐ Slate ☑ Metal ☐ Tile</dd></dl>", "Roof", ["Metal"]),
        ("<dl><dt>Lot</dt><dd>41 200 $</dd></dl>", "LotSizeArea", None),
        ("<dl><dt>Bedrooms</dt><dd>3rd floor</dd></dl>", "BedroomsTotal", None),
        (
            "<table><tr><th>Room</th><th>Level</th><th>Dimensions</th><th>Bedrooms</th><th>Description</th></tr>"
            "<tr><td>Kitchen</td><td>Main</td><td>12 x 10</td><td></td><td>Island</td></tr>"
            "<tr><td colspan=2>Heating:</td><td>Forced air</td><td>Roof:</td><td>Slate</td></tr></table>",
            "Roof",
            ["Slate"],
        ),
    ],
)
def test_a_property_card_is_read(body: str, field: str, value: Any) -> None:
    assert _read(_PARCEL + body).get(field) == value


_PERMITS = (
    "<h2>Permits</h2><table><tr><th>Type</th><th>Description</th><th>Issued</th><th>Finaled</th><th>Status</th></tr>"
)


@pytest.mark.parametrize(
    ("rows", "year"),
    [
        ("<tr><td>Re-roof</td><td>Tear off</td><td>08/19/2018</td><td>01/06/2019</td><td>Finaled</td></tr>", 2019),
        ("<tr><td>Roofing</td><td>Carport roof</td><td>08/19/2018</td><td></td><td>Issued</td></tr>", None),
        ("<tr><td>Solar</td><td>Roof mounted PV</td><td>08/19/2018</td><td></td><td>Issued</td></tr>", None),
        ("<tr><td>Re-roof</td><td>Shingles</td><td>08/19/2022</td><td></td><td>Void</td></tr>", None),
        ("<tr><td>Re-roof</td><td>Shingles</td><td>08/19/2022</td><td></td><td>Issued</td></tr>", None),
        ("<tr><td>Re-roof</td><td>Shingles</td><td>08/19/2022</td><td></td><td>In review</td></tr>", None),
        (
            "<tr><td>Fence</td><td>Wood</td><td>02/01/2020</td><td>03/01/2020</td><td></td></tr>"
            "<tr><td>Re-roof</td><td>Shingles</td><td>08/19/2022</td><td></td><td></td></tr>",
            None,
        ),
        ("<tr><td>Re-roof</td><td>Shingles</td><td>08/19/2022</td><td></td><td>Closed - final</td></tr>", 2022),
        ("<tr><td>Re-roof</td><td>Shingles</td><td>08/19/2022</td><td>01/06/2023</td><td>Active</td></tr>", 2023),
    ],
)
def test_the_roof_s_year_is_that_of_its_permit(rows: str, year: int | None) -> None:
    """The newest finished work on the house's roof counts. Refused or unfinished work does not."""
    assert _read(f"{_PARCEL}{_PERMITS}{rows}</table>").get("X_RoofYear") == year


def test_permits_without_a_status_count_as_finished() -> None:
    table = "<h2>Permits</h2><table><tr><th>Type</th><th>Issued</th></tr><tr><td>Re-roof</td><td>8/19/2018</td></tr>"
    assert _read(f"{_PARCEL}{table}</table>")["X_RoofYear"] == 2018


_TOTALS = """<h3>Values 2025</h3><table><tr><th></th><th>Appraised</th><th>Assessed</th></tr>
<tr><td>Land</td><td>$118,000</td><td>$41,300</td></tr><tr><td>Building</td><td>$402,350</td><td>$140,823</td></tr>
<tr><td>Total</td><td>$520,350</td><td>$182,123</td></tr></table>"""
_SALES = """<h3>Sales History</h3><table><tr><th>Document Date</th><th>Sale Price</th><th>Seller Name</th></tr>
<tr><td>1/2/2018</td><td>$552,000</td><td>HOLM</td></tr>
<tr><td>8/15/2001</td><td>$210,000</td><td>HOLM C</td></tr></table>"""
_COMPARABLE = _SALES.replace("Sales History", "Comparable Sales").replace("1/2/2018", "2/3/2026")


def test_totals_of_values_are_read_and_their_parts_are_not() -> None:
    values = _read(_PARCEL + _TOTALS)
    assert (values["X_MarketValue"], values["TaxAssessedValue"], values["TaxYear"]) == (520350, 182123, 2025)


def test_sales_are_the_propertys_own() -> None:
    """Newer comparable sales of other houses are ignored."""
    values = _read(_PARCEL + _SALES + _COMPARABLE)
    assert (values["CloseDate"], values["ClosePrice"]) == ("2018-01-02", 552000)


def test_a_sheet_of_abbreviations_is_understood_and_one_abbreviation_is_not() -> None:
    sheet = "<p><b>LP:</b> $374,900</p><p><b>BR:</b> 3</p><p><b>FB:</b> 2</p><p><b>HB:</b> 1</p><p><b>Rms:</b> 8</p>"
    assert (
        _read(sheet + "<p><b>Apx SF:</b> 2,068</p><p><b>Addr:</b> 71 Bluff Rd, Ames, IA 50010</p>")["LivingArea"]
        == 2068
    )
    assert "LivingArea" not in _read(f"{_PARCEL}<p><b>Apx SF:</b> 2,068</p>")


def test_agents_and_offices_are_read_from_sentences() -> None:
    values = _read(
        "<h1>House for sale</h1><p>$529,000</p>"
        + _rows("List price|$529,000", "Bedrooms|3")
        + "<p>Listing courtesy of <b>Dana Holloway</b>, Piedmont Crest Realty. Call us.</p>"
        + "<p>Your agent: Mary Becker</p>",
        title="12 Oak St, Ames, IA 50010",
    )
    assert (values["ListAgentFullName"], values["ListOfficeName"]) == ("Dana Holloway", "Piedmont Crest Realty")


def test_a_future_sale_is_not_a_sale() -> None:
    assert "CloseDate" not in _read(_PARCEL + _rows("Sale Date|08/12/2026"))
