"""The property page compares sources, and shows prices, coordinates, and changes."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.property.record import SourceKind
from app.property.storage.database import Database
from app.property.storage.jobs.models import JobAttempt
from app.property.storage.jobs.repository import JobStore
from tests.integration.interfaces.pages.conftest import DESKTOP, PHONE, SignIn, check_accessible, check_fits
from tests.integration.interfaces.pages.stored import ADDRESS, HISTORY, save_example, save_page, save_price_cuts
from tests.plugins.job_ends import finish, put_tried

pytestmark = pytest.mark.usefixtures("broker")


@pytest.fixture
def property_id(database: Database) -> str:
    return save_example(database)


@pytest.fixture
def asked(database: Database, property_id: str) -> str:
    """Store a finished job of the property, in which one portal's robots.txt forbade the page."""
    jobs = JobStore(database)
    job_id = jobs.enqueue(["12 FICTIONAL AVE, ANYTOWN, ST 00000"], refresh=True).jobs[0].id
    jobs.claim(job_id, "test", 30)
    tried = [
        JobAttempt(
            "Assessor", SourceKind.ASSESSOR, "https://assessor.example/parcels/7", "used", "its address is that"
        ),
        JobAttempt("Vault", SourceKind.PORTAL, "https://vault.example/7", "robots_disallowed", "robots.txt forbids it"),
        JobAttempt("web search", None, None, "not_asked", "it is turned off in sources.toml"),
    ]
    put_tried(database, job_id, tried, datetime.now(UTC))
    finish(jobs, job_id, "test", property_id)
    return job_id


def test_property_and_job_pages_list_the_sources_tried(property_id: str, asked: str, signed_in: SignIn) -> None:
    page = signed_in("reader", f"/properties/{property_id}")
    for path in (f"/properties/{property_id}", f"/jobs/{asked}"):
        page.goto(page.url.split("/properties")[0] + path)
        if path.startswith("/properties"):
            page.get_by_text("Sources tried", exact=True).click()
        rows = page.get_by_role("region", name="Sources tried").locator("tbody tr")
        expect(rows).to_have_count(3)
        expect(rows.nth(1)).to_contain_text("refused by robots.txt")
        expect(rows.nth(1).get_by_role("link")).to_have_attribute("href", "https://vault.example/7")
        expect(rows.nth(2)).to_contain_text("turned off")
        check_accessible(page)
    page.set_viewport_size(PHONE)
    check_fits(page)


def test_the_page_compares_sources_and_explains_the_chosen_value(
    property_id: str, signed_in: SignIn, screenshot: Callable[..., Path]
) -> None:
    page = signed_in("reader", f"/properties/{property_id}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("12 Fictional Ave")
    table = page.get_by_role("region", name="Where sources disagree")
    assert [body.get_attribute("id") for body in table.locator("tbody").all()] == ["side-LivingArea", "side-YearBuilt"]
    year = table.locator("#side-YearBuilt tr")
    rows = [[cell.inner_text() for cell in row.locator("td").all()] for row in year.all()]
    assert [(value.split(), source) for value, source, _ in rows] == [
        (["1987", "chosen"], "assessor assessor.example"),
        (["1978", "differs"], "portal homes.example"),
    ]
    assert "portal ranks below assessor here" in rows[1][2]
    expect(year.first.get_by_role("rowheader")).to_have_text("Year built")
    # Values on which all sources agree are hidden until a click.
    agreed = page.get_by_role("region", name="All values by source")
    expect(agreed).to_be_hidden()
    page.get_by_text("All values by source", exact=True).click()
    expect(agreed.locator("#side-StoriesTotal")).not_to_contain_text("differs")
    page.get_by_role("button", name="Year built: 1987").click()
    evidence = page.locator("#proof-YearBuilt")
    expect(evidence).to_contain_text("Another source says 1978")
    expect(evidence).to_contain_text("not accepted: portal ranks below assessor here")
    # A value's age counts from the fetch of its own page.
    expect(evidence).to_contain_text("last stated 3 d ago")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Asking price: $512,000").click()
    expect(page.locator("#proof-ListPrice")).to_contain_text("last stated 40 d ago")
    page.keyboard.press("Escape")
    check_accessible(page)
    screenshot(page, "property-sources")
    # On a phone, each row of the comparison is a card.
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="dark")
    check_fits(page)
    label = page.locator("#side-YearBuilt td").first.evaluate("one => getComputedStyle(one, '::before').content")
    assert label == '"Value: "'
    page.locator("#side-YearBuilt").scroll_into_view_if_needed()
    screenshot(page, "property-sources-phone-dark", full_page=False)


@pytest.mark.parametrize(("viewport", "most"), [(DESKTOP, 2500), ({"width": 390, "height": 844}, 5000)])
def test_a_property_of_seven_sources_is_a_short_page(
    database: Database, signed_in: SignIn, viewport: dict[str, int], most: int
) -> None:
    values = {
        "LivingAreaUnits": "Square Feet", "LotSizeArea": 0.25, "LotSizeUnits": "Acres", "BedroomsTotal": 4,
        "BathroomsTotalInteger": 3, "BathroomsFull": 2, "BathroomsHalf": 1, "RoomsTotal": 9, "StoriesTotal": 2, "Roof":
        ["Asphalt Shingle"], "Heating": ["Heat Pump"], "Cooling": ["Central Air"], "ConstructionMaterials": ["Brick",
        "Vinyl Siding"], "ParkingTotal": 2, "PoolPrivateYN": False, "AssociationYN": True, "AssociationFee": 45,
        "ParcelNumber": "12-34-567", "TaxAnnualAmount": 4120, "TaxAssessedValue": 310000, "TaxYear": 2025,
        "CountyOrParish": "Sample County", "SubdivisionName": "Oak Hollow", "PropertyType": "Residential",
        "PropertySubType": "Single Family Residence", "StandardStatus": "Active", "X_Currency": "USD", "ClosePrice":
        412000, "CloseDate": "2019-06-14", "PublicRemarks": "A quiet street. " * 60, "Latitude": 35.125, "Longitude":
        -80.875, "X_PriceHistory": HISTORY * 3, "X_EnergyRating": "B",
    }  # fmt: skip
    for number in range(7):
        other = number % 2
        differing = {"YearBuilt": 1980 + number % 3, "LivingArea": 2300 + 150 * other, "ListPrice": 500000 + other}
        url = f"https://portal-{number}.example/homes/12-fictional-ave"
        made = save_page(database, url, SourceKind.PORTAL, number + 0.2, **values, **differing, **ADDRESS)
    page = signed_in("reader", f"/properties/{made}", viewport=viewport)
    expect(page.locator("#sources tbody tr")).to_have_count(7)
    assert page.get_by_role("region", name="Where sources disagree").locator("tbody").count() >= 3
    assert page.evaluate("document.documentElement.scrollHeight") <= most


def test_unverified_claims_are_shown_separately_and_prices_as_chart_and_table(
    property_id: str, signed_in: SignIn
) -> None:
    page = signed_in("reader", f"/properties/{property_id}")
    apart = page.get_by_role("region", name="Not verified")
    expect(apart).to_contain_text("Roof year")
    expect(apart).to_contain_text("2016")
    expect(apart.get_by_role("link")).to_have_attribute("href", "https://gone.example/12")
    assert page.locator("#proof-X_RoofYear").count() == 0, "an unverified claim is shown as a value"
    assert page.locator("#side-X_RoofYear").count() == 0
    plot = page.get_by_role("img", name="Prices over time")
    expect(plot.locator("circle")).to_have_count(3)
    expect(plot.locator("circle.sale")).to_have_count(2)
    expect(plot.locator("line.trend")).to_have_count(2)
    table = page.get_by_role("region", name="Prices by date")
    expect(table).to_be_hidden()
    page.get_by_text("Price history", exact=True).first.press("Enter")
    rows = [row.locator("th, td").all_inner_texts() for row in table.locator("tbody tr").all()]
    assert rows == [
        ["Jun 14, 2019", "$412,000", "Sold", "1, 2"],
        ["Apr 2, 2019", "$419,900", "Listed for sale", "1"],
        ["Oct 2005", "$250,000", "Sold", "1"],
    ]
    check_accessible(page)


def test_the_position_is_drawn_without_requests_to_other_sites(property_id: str, signed_in: SignIn, web: str) -> None:
    page = signed_in("reader", "/properties")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{web}/properties/{property_id}")
    drawing = page.get_by_role("img", name="Where the sources place the property")
    expect(drawing.locator("circle")).to_have_count(3)
    page.get_by_text("Distances between sources").click()
    places = page.locator("#places tbody tr")
    expect(places).to_have_count(3)
    # The county map's coordinates are the chosen ones. The assessor's point is 16.7 m south and 9.1 m west of the
    # chosen one, the portal's 38.9 m south and 36.4 m west.
    distances = {row.locator("th").inner_text().split()[-1]: row.locator("td").inner_text() for row in places.all()}
    assert distances == {"gis.example": "chosen", "assessor.example": "19 m SW", "homes.example": "53 m SW"}
    links = {link.inner_text(): link.get_attribute("href") for link in page.locator(".position a").all()}
    record = page.locator(".position p .mono").inner_text().split(", ")
    assert links["Google Earth"] == f"https://earth.google.com/web/search/{record[0]},{record[1]}"
    assert links["OpenStreetMap"] == (
        f"https://www.openstreetmap.org/?mlat={record[0]}&mlon={record[1]}#map=18/{record[0]}/{record[1]}"
    )
    assert {url.split("/")[2] for url in asked} == {web.split("/")[2]}


def test_changes_are_shown_with_both_quotes(database: Database, signed_in: SignIn) -> None:
    made = save_price_cuts(database)
    page = signed_in("reader", f"/properties/{made}")
    rows = page.get_by_role("region", name="Changes", exact=True).locator("tbody tr")
    expect(rows).to_have_count(2)
    newest = rows.first
    expect(newest.get_by_role("cell").nth(0)).to_have_text("Asking price")
    expect(newest.get_by_role("cell").nth(1)).to_contain_text("$499,000")
    expect(newest.get_by_role("cell").nth(2)).to_contain_text("$480,000")
    expect(newest).to_contain_text("2 sources changed in the same way")
    link = newest.get_by_role("link").nth(0).get_attribute("href")
    assert link in {"https://homes.example/12", "https://houses.example/12"}
    check_accessible(page)
    page.set_viewport_size(PHONE)
    check_fits(page)


def test_a_property_with_one_source_has_no_comparison(database: Database, signed_in: SignIn) -> None:
    made = save_page(database, "https://homes.example/1", SourceKind.PORTAL, 0, ListPrice=5, **ADDRESS)
    page: Page = signed_in("reader", f"/properties/{made}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.get_by_role("region", name="Where sources disagree").count() == 0
    assert page.get_by_text("All values by source").count() == 0
    assert page.get_by_role("img").count() == 0
    assert page.get_by_role("region", name="Not verified").count() == 0
    assert page.get_by_role("region", name="Changes").count() == 0
    expect(page.locator(".position")).to_contain_text("No source states its coordinates.")
    expect(page.locator(".position").get_by_role("link", name="Google Earth")).to_be_visible()
    check_accessible(page)
