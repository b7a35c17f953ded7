"""The assessor's record card. Its first table contains the owner's mailing address."""

from html import escape
from typing import Any

from simulators.county.pages.writing import area, document, dollars, number, pairs, table, us_date
from simulators.county.sites import ASSESSOR, Page

_USES = {
    "Single Family Residence": "1110 - SINGLE FAMILY RESIDENCE", "Condominium": "1140 - CONDOMINIUM",
    "Multi Family": "1120 - MULTI FAMILY 5 OR MORE UNITS",
}  # fmt: skip
_STYLE = "<style>td,th{font:12px Verdana;padding:2px 8px;text-align:left}.bar{background:#246;color:#fff}</style>\n"


def body(page: Page) -> str:
    says, home = page.says, page.home
    owner = pairs(
        (
            ("Parcel ID", says["ParcelNumber"]),
            (
                "Property Address",
                f"{page.line}, {home.town.name.upper()} {says['StateOrProvince']} {says['PostalCode']}",
            ),
            ("Owner Name", home.owner),
            ("Mailing Address", home.mailing),
            ("County", says["CountyOrParish"]),
            ("Subdivision", says["SubdivisionName"].upper()),
            ("Property Class", _USES[says["PropertySubType"]]),
            (
                "Legal Description",
                f"LOT {home.number % 40 + 1} BLK {home.number % 9 + 1} {says['SubdivisionName'].upper()}",
            ),
            ("Land Area", area(says["LotSizeArea"], says["LotSizeUnits"], acres="AC", feet="SF")),
        )
    )
    sections = (
        f'<h1 class="bar">{ASSESSOR.name} - Property Record Card</h1>',
        '<p><a href="/">Home</a> | <a href="/search">Property Search</a> | <a href="/forms">Forms</a> | '
        '<a href="/appeals">Appeals</a> | 401 Courthouse Sq, Anytown, ST 00000 | 555-0100</p>',
        f"<table><caption>Parcel Information</caption>{owner}</table>",
        _values(page),
        f"<table><caption>Residential Building 1</caption>{pairs(_dwelling(says))}</table>",
        "<h3>Sales History</h3>",
        table(
            ("Sale Date", "Sale Price", "Deed Type", "Grantor", "Book/Page"),
            (
                (us_date(day), dollars(price), "WARRANTY DEED", "", f"{1200 + i * 7}/{home.number + 40}")
                for i, (day, price) in enumerate(home.sales)
            ),
        ),
        "<p>The assessor makes every effort to produce the most accurate information possible. No warranties are given "
        "for the data herein, its use or interpretation. The 2025 roll is certified.</p>",
    )
    return document(f"{escape(str(says['ParcelNumber']))} - {ASSESSOR.name}", _STYLE, "\n".join(sections))


def _values(page: Page) -> str:
    newest, older = page.says, page.home.taxes[1:]
    rows = [
        (newest["TaxYear"], dollars(newest["X_MarketValue"]), dollars(newest["TaxAssessedValue"])),
        *((year["year"], dollars(year["market"]), dollars(year["assessed"])) for year in older),
    ]
    return "<h3>Valuation</h3>" + table(("Tax Year", "Market Value", "Assessed Value"), rows)


def _dwelling(says: Any) -> list[tuple[str, Any]]:
    counts = {name: says.get(name) for name in ("BedroomsTotal", "BathroomsFull", "BathroomsHalf")}
    return [
        ("Year Built", says["YearBuilt"]),
        ("Stories", f"{says['StoriesTotal']:.1f}"),
        ("Total Living Area", f"{number(says['LivingArea'])} SF"),
        ("Bedrooms", counts["BedroomsTotal"]),
        ("Full Baths", counts["BathroomsFull"]),
        ("Half Baths", counts["BathroomsHalf"]),
        ("Exterior Wall", says["ConstructionMaterials"][0].upper()),
        ("Roof Cover", says["Roof"][0].upper()),
        ("Heating", says["Heating"][0].upper()),
        ("Cooling", says["Cooling"][0].upper()),
        ("Foundation", "CONCRETE SLAB"),
        ("Condition", "AVERAGE"),
    ]
