"""The fictional county has 200 similar properties, and its pages have exactly the intended errors."""

from collections import Counter

import pytest

from simulators.county.county import County, make_county
from simulators.county.flaws import FLAWS
from simulators.county.pages import assessor, gis, hearth, mosaic, offices
from simulators.county.searches import LIES, found
from simulators.county.sites import MOSAIC, SITES, Page

ROOTS = {site.key: f"http://{site.host}" for site in SITES}


@pytest.fixture(scope="module")
def county() -> County:
    return make_county()


def written(page: Page) -> str:
    bodies = {
        "assessor": assessor.body,
        "hearth": lambda p: hearth.body(p, ROOTS["hearth"], []),
        "mosaic": lambda p: mosaic.body(p, []),
        "association": offices.association,
        "tax_roll": offices.tax_bill,
        "permits": offices.permits,
        "vault": offices.archived,
        "gis": lambda p: str(gis.answer([p], f"PARCEL_ID = '{p.home.parcel}'")["features"]),
    }
    return str(bodies[page.site.key](page))


def test_each_seed_makes_one_county(county: County) -> None:
    again, other = make_county(), make_county(2)
    assert list(again.truth(ROOTS)) == list(county.truth(ROOTS))
    assert list(other.truth(ROOTS)) != list(county.truth(ROOTS))
    assert [home.address for home in other.homes] == [home.address for home in county.homes]


def test_every_error_is_planted_as_often_as_configured(county: County) -> None:
    wanted: Counter[tuple[str, str, str]] = Counter()
    for flaw in FLAWS:
        wanted[flaw.kind, flaw.site.key, flaw.field] += flaw.count
    assert Counter((one.kind, one.site, one.field) for one in county.planted) == wanted
    assert max(Counter(one.home for one in county.planted).values()) <= 2


def test_a_planted_value_is_wrong_and_another_page_of_the_home_is_right(county: County) -> None:
    for one in county.planted:
        pages = {page.site.key: page for page in county.pages[one.home] if not page.variant}
        spoilt, truth = pages[one.site], county.homes[one.home - 1].truth
        unit = {"LivingArea": "LivingAreaUnits", "LotSizeArea": "LotSizeUnits"}.get(one.field, one.field)
        assert (spoilt.says[one.field], spoilt.says[unit]) != (truth[one.field], truth[unit]), one
        assert one.says_right, one
        for key in one.says_right:
            stated = pages[key].says[one.field]
            # some pages state the lot's size in square feet instead of acres
            assert stated == one.right or stated == round(one.right * 43_560), (one, key)


def test_a_page_contains_its_values(county: County) -> None:
    names = ("YearBuilt", "BedroomsTotal", "ParcelNumber", "ListAgentFullName", "TaxYear", "PostalCode", "LotSizeArea")
    for of_home in county.pages.values():
        for page in of_home:
            text = written(page).replace(",", "")
            assert page.line.replace(",", "") in text
            for name in names:
                if name in page.says and page.site.key in ("assessor", "gis", "hearth", "mosaic", "tax_roll"):
                    skipped = page.site is MOSAIC and name == "PostalCode"
                    assert skipped or str(page.says[name]) in text, (page.path, name)


def test_no_page_contains_a_false_value_of_a_search(county: County) -> None:
    for of_home in county.pages.values():
        for page in of_home:
            assert page.says.get("YearBuilt") != LIES["YearBuilt"]
            assert LIES["Roof"] not in written(page)


def test_searches_find_dead_wrong_false_forbidden_and_foreign_pages(county: County) -> None:
    all_found = list(found(county, ROOTS))
    beyond = [one for one in all_found if county.homes[one.home - 1].town.name == "Farview"]
    assert Counter(one.kind for one in beyond) == {
        "right": 6, "lying": 6, "dead": 3, "wrong": 3, "outside": 3, "results": 3, "forbidden": 3, "nothing": 3,
    }  # fmt: skip
    # outside Farview, a source's template already gives each home, and a search finds only false values
    assert {one.kind for one in all_found if one not in beyond} == {"lying"}
