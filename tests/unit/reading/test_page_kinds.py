"""Pages are classified as listing, record, search, blocked, or gone."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.property.fetch.decode.text import page_from_file
from app.property.reading.pipeline import extract
from app.property.record import PageKind
from tests.plugins.read_pages import page_of


def _kind(html: str, content_type: str = "text/html") -> PageKind:
    extraction = extract(page_of(html, "https://s.example/a", content_type))
    if extraction.kind in (PageKind.BLOCKED, PageKind.GONE, PageKind.SEARCH):
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
