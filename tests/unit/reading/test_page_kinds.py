"""Pages are classified as listing, record, search, no result, blocked, or gone."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.property.fetch.decode.text import page_from_file
from app.property.reading.model.prompt import build_prompt
from app.property.reading.pipeline import extract, with_page_kind
from app.property.record import PageKind
from tests.plugins.read_pages import page_of


def _kind(html: str, content_type: str = "text/html") -> PageKind:
    extraction = extract(page_of(html, "https://s.example/a", content_type))
    if extraction.kind in (PageKind.BLOCKED, PageKind.GONE, PageKind.SEARCH, PageKind.NO_RESULT):
        assert extraction.record.values == {}
    assert extraction.reason
    return extraction.kind


_FOLDER = Path(__file__).parent / "kinds"
_PAGES = sorted(path.relative_to(_FOLDER).as_posix() for path in _FOLDER.glob("*/*.*"))


@pytest.mark.parametrize("name", _PAGES)
def test_pages_of_every_kind(name: str) -> None:
    page = page_from_file(_FOLDER / name, f"https://pages.example/{name}", datetime(2026, 3, 1, tzinfo=UTC))
    extraction = extract(page)
    assert extraction.kind == name.partition("/")[0], extraction.reason
    with_property = extraction.kind in (PageKind.LISTING, PageKind.RECORD)
    assert bool(extraction.record.values) is with_property


@pytest.mark.parametrize("text", ["<p>$404,000</p>", "<p>404 Jasper Rd, Atlanta, GA 30309</p>"])
def test_an_accidental_404_does_not_mean_gone(text: str) -> None:
    html = f"<title>12 Main St, Atlanta</title><h1>12 Main St</h1>{text}<p>Call us for a visit of this home.</p>"
    assert _kind(html) is not PageKind.GONE


@pytest.mark.parametrize(
    "html", ["<title>404</title>", "<h1>Error 404</h1>", "<h1>404 - Seite</h1>", "<title>HTTP 404</title>"]
)
def test_404_in_the_words_of_a_page_means_gone(html: str) -> None:
    assert _kind(html) is PageKind.GONE


def test_a_page_with_a_price_on_application_and_other_cards_is_a_listing() -> None:
    cards = "".join(
        f"<article class='card'><a href='/p/{n}'><h3>{n} Elm Road, Salem</h3><p>€{n}50,000</p></a></article>"
        for n in range(1, 6)
    )
    own = "<h1>Site at Coolbunia</h1><dl><dt>Price</dt><dd>{}</dd><dt>Site area</dt><dd>1.56 acres</dd></dl>"
    assert _kind(f"<html lang='en'>{own.format('Price on application')}{cards}</html>") is PageKind.LISTING
    assert _kind(f"<html lang='en'><h1>Elm Road</h1>{cards}</html>") is PageKind.SEARCH


_CARDS = "".join(
    f"<li><a href='/p/{n}'><b>{n} Elm Road, Salem</b></a> <span>${n}50,000</span> <a href='/p/{n}'>View</a></li>"
    for n in range(1, 7)
)


def test_one_phrase_of_the_title_does_not_make_a_listing_a_search() -> None:
    """The title of many listings names the search that leads to them."""
    html = "<title>14 Larch Way - Homes for sale in Salem, OR</title><h1>14 Larch Way, Salem, OR 97301</h1>{}"
    facts = "<p>Tract key: 4411</p><dl><dt>Bedrooms</dt><dd>3</dd></dl>"
    assert _kind(html.format(facts)) is PageKind.LISTING
    assert _kind(f"<title>Homes for sale in Salem, OR</title><h1>Salem homes</h1><ul>{_CARDS}</ul>") is PageKind.SEARCH


def test_a_community_with_one_address_and_a_table_of_homes_is_one_property() -> None:
    html = (
        "<title>The Harbor at 900 Pier Street | Apartments</title><h1>The Harbor, 900 Pier Street, Salem, OR 97301</h1>"
        f"<p>Available apartments</p><ul>{_CARDS}</ul>"
    )
    assert _kind(html) is PageKind.LISTING


@pytest.mark.parametrize(
    ("html", "kind"),
    [
        ("<title>Parcel search</title><h1>0 results</h1><p>Try another address.</p>", PageKind.NO_RESULT),
        ("<title>County assessor</title><p>No records found for 14 Larch Way.</p>", PageKind.NO_RESULT),
        ("<title>County assessor</title><p>Your search did not match any parcels.</p>", PageKind.NO_RESULT),
        # a search among offers stays a search: its next run may find homes
        ("<title>Homes for sale in Salem</title><h1>0 homes for sale</h1><p>No results found.</p>", PageKind.SEARCH),
        # a statement about a part of a page with a property
        (
            "<title>14 Larch Way</title><h1>14 Larch Way, Salem, OR 97301</h1><p>$450,000</p><p>3 beds</p>"
            "<h2>Open houses</h2><p>No results found.</p>",
            PageKind.LISTING,
        ),
    ],
)
def test_an_answer_without_results_is_a_kind_of_its_own(html: str, kind: PageKind) -> None:
    assert _kind(html) is kind


def test_the_bills_of_one_parcel_are_one_property() -> None:
    bills = [
        {"account_number": "222602-011040", "taxYear": str(year), "amount": 900 + year % 100} for year in (2021, 2023)
    ]
    of_one = extract(page_of(json.dumps(bills), "https://s.example/a", "application/json"))
    assert of_one.kind is PageKind.RECORD
    assert (of_one.record.values["ParcelNumber"], of_one.record.values["TaxYear"]) == ("222602-011040", 2023)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"account_number": "222602-011040"}, {"account_number": "222602-011041"}),
        ({"address": "9 Harbor Street", "unit": "3"}, {"address": "9 Harbor Street", "unit": "4"}),
        (
            {"address": "9 Harbor Street", "account_number": "222602-011040"},
            {"address": "9 Harbor Street", "account_number": "222602-011041"},
        ),
    ],
)
def test_objects_that_name_different_homes_are_a_search(first: dict[str, str], second: dict[str, str]) -> None:
    """The units of one building share its street."""
    assert _kind(json.dumps([{**first, "beds": 2}, {**second, "beds": 3}]), "application/json") is PageKind.SEARCH


def test_a_model_is_asked_for_a_kind_in_doubt() -> None:
    html = "<title>Salem</title><h1>Harbor homes</h1><p>Asking $450,000</p><p>2 baths</p>"
    doubtful = extract(page_of(html, "https://s.example/a"))
    assert (doubtful.kind, doubtful.in_doubt) == (PageKind.LISTING, True)
    assert build_prompt(doubtful).messages[-1]["content"].endswith(", page_kind")
    said = with_page_kind(doubtful, "several properties")
    assert (said.kind, said.record.values) == (PageKind.SEARCH, {})
    assert with_page_kind(doubtful, "no property").kind is PageKind.NO_RESULT
    assert with_page_kind(doubtful, "one property") is with_page_kind(doubtful, None) is doubtful

    facts = "<p>Bedrooms: 3</p><p>Year built: 1987</p><p>Living area: 1,850 sq ft</p><p>Lot size: 8,000 sq ft</p>"
    sure = extract(
        page_of(
            f"<title>14 Larch Way</title><h1>14 Larch Way, Salem, OR</h1><p>$450,000</p>{facts}", "https://s.example/a"
        )
    )
    assert not sure.in_doubt
    assert "page_kind" not in build_prompt(sure).messages[-1]["content"].splitlines()[-1]
    assert with_page_kind(sure, "several properties") is sure
