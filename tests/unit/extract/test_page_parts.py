"""Parts of a page that are no cards of others, and words beside a value that are no part of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from app.property.extract.pipeline import extract
from app.property.normalise import texts
from app.property.page import Page

_URL = "https://homes.example/properties/71940288"


def _read(body: str, title: str = "3 bedroom house for sale in Elm Road, Anytown") -> dict[str, Any]:
    html = f"<html lang='en-GB'><head><title>{title}</title></head><body>{body}</body></html>"
    page = Page(_URL, _URL, "text/html", html, html.encode(), datetime(2026, 3, 1, tzinfo=UTC))
    return extract(page).record.values


_HEAD = "<div><h1>Elm Road, Anytown, AB1 2CD</h1></div>"


def test_a_page_in_articles_with_links_to_a_glossary_is_read() -> None:
    """Price, facts and description each in an `article`, none of them about another home."""
    parts = (
        "<article class='price'><div><span>£695,000</span></div><a href='/guide/price'>Read more</a></article>"
        "<article><dl><dt>Size</dt><dd>1,631 sq ft</dd><dt>Tenure <a href='/guide/tenure'>What is it?</a></dt>"
        "<dd>Freehold</dd></dl></article>"
        f"<article><h2>Description</h2><p>{'A house with a garden near the park. ' * 60}</p>"
        "<a href='/map'>Map</a></article>"
    )
    values = _read(f"{_HEAD}<main>{parts}</main>")
    assert (values["ListPrice"], values["X_Currency"]) == (695_000, "GBP")
    assert (values["LivingArea"], values["LivingAreaUnits"]) == (1631, "Square Feet")


def test_articles_that_are_alike_and_lead_elsewhere_are_cards() -> None:
    cards = "".join(
        f"<article class='card'><a href='/properties/{n}'>Oak Road {n}</a><p>{n} bedrooms</p>"
        f"<p>Year built: 19{n}0</p></article>"
        for n in range(5, 8)
    )
    values = _read(f"{_HEAD}<p>Guide price £695,000</p><section>{cards}</section>")
    assert "YearBuilt" not in values
    assert values["ListPrice"] == 695_000


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("12 Elm St (view map)", "12 Elm St"),
        ("12 Elm St, Anytown | View on a larger map", "12 Elm St, Anytown"),
        ("12 Elm St [ Google Maps ]", "12 Elm St"),
        ("東京都北区 王子3丁目 周辺地図を見る", "東京都北区 王子3丁目"),
        ("東京都足立区 中央本町３丁目 Googleマップ", "東京都足立区 中央本町３丁目"),
        ("Астана, Нура р-н показать на карте", "Астана, Нура р-н"),
        ("Hauptstraße 5 auf Karte anzeigen", "Hauptstraße 5"),
        ("Map data ©2026 Terms", ""),
        ("12 Maple Dr", "12 Maple Dr"),
        ("5 Mapledale Ct", "5 Mapledale Ct"),
    ],
)
def test_words_of_a_link_to_a_map_are_no_part_of_an_address(written: str, kept: str) -> None:
    assert texts.before_map(written) == kept


@pytest.mark.parametrize(("written", "town"), [("Астана, Нура р-н", "Астана"), ("Dahlem, Berlin", "Berlin")])
def test_a_town_is_not_its_district(written: str, town: str) -> None:
    assert texts.town(written) == town


@pytest.mark.parametrize(("name", "is_office"), [("Walk Score Inc.", False), ("Walker & Sons Realty", True)])
def test_whose_widgets_stand_on_all_pages_offers_none_of_them(name: str, is_office: bool) -> None:
    assert texts.is_office(name) is is_office
