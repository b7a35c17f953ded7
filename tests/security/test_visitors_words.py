"""What visitors write on an honest page is not read as facts: comments, reviews, questions and answers, guest books.

Neither the readers nor a model that obeys the visitor take a value from it, it does not change the page's kind, it
joins the page to no other property, and recipes learn nothing from it. What an authority or agent writes stays.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.property.page import Page
from app.property.reading.base import Extraction
from app.property.reading.model.claim_check import check_claims
from app.property.reading.model.prompt import build_prompt
from app.property.reading.pipeline import extract, with_model_values
from app.property.recipes.learning import Example, learn
from app.property.recipes.recipe import new_recipe
from app.property.recipes.using import read_with
from app.property.record import PageKind
from app.services.runtime.stores import Stores, open_stores
from app.services.scraping.pages import Visit, source_record
from app.settings import Settings
from benchmarks.saving import save_record
from tests.plugins.page_records import page_record
from tests.plugins.read_pages import page_of
from tests.security.visitors_texts import BLOCKS, DATA, MARKS, NAMED, OTHER, OWN, SAID, TEXT, page

URL = "https://homes.example/p/900120"
_HTML = {name: block for name, block in BLOCKS.items() if name not in DATA}


def _read(html: str) -> Extraction:
    return extract(page_of(html, URL))


def _values(extraction: Extraction) -> dict[str, Any]:
    return dict(extraction.record.values)


def _lies(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if any(mark in str(value) for mark in MARKS)}


def _obey(extraction: Extraction, quotes: list[str]) -> Extraction:
    """Return what is stored if a model claims every value of the other home with each of the quotes."""
    prompt = build_prompt(extraction)
    for quote in quotes:
        kept, dropped = check_claims({name: (value, quote) for name, value in OTHER.items()}, prompt)
        extraction = with_model_values(extraction, kept, len(dropped), use="always")
    return extraction


def test_the_other_homes_values_would_be_read_if_they_were_the_pages_own() -> None:
    """Otherwise, the tests below could pass on texts that no reader understands."""
    values = _values(_read(page(TEXT, own="<h1>14 Elm Street, Boone, IA 50036</h1><p>For sale</p>")))
    assert values["ParcelNumber"] == "05-3312-118"
    assert values["ListPrice"] == 399000


@pytest.mark.parametrize("before", [False, True], ids=["after the facts", "before the facts"])
@pytest.mark.parametrize("name", BLOCKS)
def test_nothing_is_read_from_a_visitors_text(name: str, *, before: bool) -> None:
    honest, found = _read(page("")), _read(page(BLOCKS[name], before=before))
    assert found.kind == honest.kind == PageKind.LISTING
    assert _lies(_values(found)) == {}
    for field in ("ParcelNumber", "ListPrice", "StreetNumber", "City", "PostalCode"):
        assert found.record.values[field] == honest.record.values[field]


@pytest.mark.parametrize("name", BLOCKS)
def test_a_model_that_obeys_a_visitor_adds_nothing(name: str) -> None:
    found = _read(page(BLOCKS[name], own=OWN.replace("<p>Parcel number: 77-1234-001</p>", "")))
    sentences = [f"{part}." for part in SAID.rstrip(".").split(". ")]
    spanning = [f"Bedrooms: 3 {SAID}", f"Bedrooms: 3\n{sentences[1]}", f"{sentences[1]} Bedrooms: 3"]
    own = ["Parcel number 05-3312-118", "MLS # IL-778812", "List price $399,000", "q=42.12345,-93.98765"]
    assert _lies(_values(_obey(found, [SAID, *sentences, *spanning, *own]))) == {}
    assert not any(mark in build_prompt(found).text for mark in MARKS)


def test_a_value_that_the_page_itself_has_counts_although_a_visitor_repeats_it() -> None:
    own = OWN.replace("77-1234-001", "05-3312-118")
    assert _read(page(NAMED["class"], own=own)).record.values["ParcelNumber"] == "05-3312-118"


@pytest.mark.parametrize("name", _HTML)
def test_a_visitors_parcel_number_makes_no_record_of_a_listing(name: str) -> None:
    own = "<h1>12 Oak St, Ames, IA 50010</h1><p>Bedrooms: 3</p><p>Bathrooms: 2</p><p>Living area: 1,500 sq ft</p>"
    assert _read(page("", own=own)).kind == PageKind.LISTING
    assert _read(page(_HTML[name], own=own)).kind == PageKind.LISTING


_REMARK = "Finished basement 2015, roof shingles replaced 2019."
_OWN_TEXTS = {
    "a cell": f"<table><tr><td>Comments</td><td>{_REMARK}</td></tr></table>",
    "a label": f"<p><b>Comments:</b> {_REMARK}</p>",
    "a term": f"<dl><dt>Property comments</dt><dd>{_REMARK}</dd></dl>",
    "a database's label": f"<span id='ctl00_lblComments'>{_REMARK}</span>",
    "an appraiser": f"<h3>Appraiser comments</h3><p>{_REMARK}</p>",
    "a permit": f"<div class='permit-comments'><h4>Permit comments</h4><p>{_REMARK}</p></div>",
    "a review of plans": f"<div><span>Plan Review</span><span>{_REMARK}</span></div>",
    "an agent": f"<h3>Agent remarks</h3><p>{_REMARK}</p>",
    "an advertiser": f"<div class='commentsContainer'><h2>Comentario del anunciante</h2><p>{_REMARK}</p></div>",
    "one signed note": f"<div><p>Jane Smith — March 3, 2024</p><p>{_REMARK}</p></div>",
    "a page with reviews": f"<div class='listing reviews-enabled'>{OWN}<p>{_REMARK}</p></div>",
    "tabs": f"<div class='tabs'><ul><li><a href='#f'>Facts</a></li><li><a>Reviews</a></li></ul><p>{_REMARK}</p></div>",
    "a score": f"<div class='agent'><b>Jane Roe</b><span class='reviews'>4.9 (31 reviews)</span><p>{_REMARK}</p></div>",
    "permits": f"<div><b>Roof Permit</b> <span>March 3, 2019</span><p>{_REMARK}</p></div>"
    "<div><b>Pool Permit</b> <span>March 3, 2018</span><p>Build a new pool and deck</p></div>",
    "a history": f"<ul><li><b>Mar 3, 2024</b> Sold <i>$450,000</i><p>{_REMARK}</p></li>"
    "<li><b>Apr 3, 2019</b> Listed <i>$400,000</i></li></ul>",
    "open houses": f"<h3>Open house</h3><ul><li><b>Sat, March 3, 2026</b> 1–3 pm<p>{_REMARK}</p></li></ul>",
    "a contact": f"<h3>Questions?</h3><p>Call Jane Roe.</p><p>{_REMARK}</p>",
}


@pytest.mark.parametrize("name", _OWN_TEXTS)
def test_what_an_authority_or_agent_writes_stays(name: str) -> None:
    assert _REMARK.rstrip(".") in build_prompt(_read(page(_OWN_TEXTS[name]))).text


@pytest.mark.parametrize("heading", ["<h3>Comments</h3>", "<div class='comments'><b>Comments</b>"])
def test_an_assessors_comments_stay(heading: str) -> None:
    html = page(f"{heading}<p>{_REMARK}</p>").replace("<title>12 Oak St", "<title>Property Record Card, 12 Oak St")
    assert _REMARK.rstrip(".") in build_prompt(_read(html)).text


# --- storing and learning -------------------------------------------------------------------------------------------

_AT = datetime(2026, 6, 1, tzinfo=UTC)
_NEIGHBOR = "https://assessor.example/other"


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    with open_stores(Settings.of(propintel_home=tmp_path / "home")) as opened:
        yield opened


def _save(stores: Stores, html: str, days: int) -> str:
    read = page_of(html, URL)
    body = Page(URL, URL, read.content_type, html, read.body, _AT + timedelta(days=days))
    found = _obey(extract(body), [SAID])
    return save_record(stores.properties, source_record(URL, found, Visit(body, URL)))


@pytest.mark.parametrize("name", ["class", "one comment", "comments with titles"])
def test_a_comment_with_anothers_parcel_number_joins_nothing(stores: Stores, name: str) -> None:
    """A later page without the comment must not follow it to the other property either."""
    place = {"CountyOrParish": "Boone", "StateOrProvince": "IA"}
    other = save_record(
        stores.properties, page_record(_NEIGHBOR, {"ParcelNumber": OTHER["ParcelNumber"], **place}, _AT)
    )
    own = OWN.replace("<p>Parcel number: 77-1234-001</p>", "<p>County: Boone</p>")
    commented = _save(stores, page(BLOCKS[name], own=own), 1)
    clean = _save(stores, page("", own=own), 2)
    assert commented == clean != other


def test_a_recipe_learns_no_place_inside_a_visitors_block() -> None:
    """On each page, a comment has the parcel number that a model answered, under the same label."""

    def one(number: int, block: str) -> Page:
        own = OWN.replace("<p>Parcel number: 77-1234-001</p>", "")
        return page_of(page(block.format(number), own=own), f"https://homes.example/p/{number}")

    text = "<p class='fact'><b>Plot key</b> <i>05-33{}-118</i></p>"
    blocks = {"own": f"<div>{text}</div>", "visitor": f"<div class='comment'>{text}</div>"}
    learned = {
        name: learn(
            new_recipe("homes.example", frozenset({1})),
            [
                Example(one(n, block), {"ParcelNumber": (f"05-33{n}-118", None)}, frozenset(), frozenset())
                for n in range(10, 20)
            ],
        )
        for name, block in blocks.items()
    }
    assert "ParcelNumber" in learned["own"].fields, "without this, the test below would show nothing"
    assert "ParcelNumber" not in learned["visitor"].fields
    reading = read_with(one(21, blocks["visitor"]), [learned["own"]])
    assert "ParcelNumber" not in reading.extraction.record.values
