"""A dated past event with an amount is history, and never the asking price, however the page writes it."""

import json
from typing import Any

import pytest

from app.property.reading.model.claims import Claim
from app.property.reading.model.value_check import check_value
from tests.plugins.read_pages import values_of

_EVENTS = (
    ("en", "Feb 19, 2016", "Sold", "$180,500"),
    ("en", "02/19/2016", "Closed", "$180,500"),
    ("en", "2016-02-19", "Listed", "$180,500"),
    ("en", "Feb 2016", "Price change", "$180,500"),
    ("en", "19 February 2016", "Listing removed", "$180,500"),
    ("en", "2016", "Transfer", "$180,500"),
    ("en", "Feb 19, 2016", "Warranty Deed", "$180,500"),
    ("de", "19.02.2016", "Verkauft", "180.500 €"),
    ("fr", "19/02/2016", "Vendu", "180 500 €"),
    ("nl", "19 februari 2016", "Verkocht", "€ 180.500"),
    ("pl", "19 lutego 2016", "Sprzedano", "180 500 zł"),
    ("ja", "2016年2月19日", "成約", "1,850万円"),
)
_HEAD = "<tr><th>Date</th><th>Event</th><th>Price</th></tr>"
_MARKUP = {
    "table": f"<table>{_HEAD}<tr><td>{{0}}</td><td>{{1}}</td><td>{{2}}</td></tr></table>",
    "table without heads": "<table><tr><td>{2}</td><td>{1}</td><td>{0}</td></tr></table>",
    "dots": "<p>{0} · {1} · {2}</p>",
    "dashes in a list": "<ul><li>{0} - {1} - {2}</li></ul>",
    "spans in a list": "<ul><li><span>{1}</span> <span>{0}</span> <span>{2}</span></li></ul>",
    "spans and bars": "<ul><li><span>{0}</span> | <span>{1}</span> | <span>{2}</span></li></ul>",
    "blocks": "<div><div><b>{2}</b></div><div><b>{1}</b></div><div><b>{0}</b></div></div>",
    "flat grid": "<div><div>Date</div><div>Event</div><div>Price</div><div>{0}</div><div>{1}</div><div>{2}</div></div>",
    "lines": "<p>{0}<br>{1}<br>{2}</p>",
    "sentence": "<p>{1} on {0} for <b>{2}</b>.</p>",
    "pairs": "<dl><dt>Date</dt><dd>{0}</dd><dt>Event</dt><dd>{1}</dd><dt>Price</dt><dd>{2}</dd></dl>",
    "two rows": "<div><div><span>{0}</span> <span>{1}</span></div><div>{2}</div></div>",
    "heading": "<div><h4>{0}</h4><p>{1}</p><p class=price>{2}</p></div>",
}


def _read(body: str, lang: str = "en", more: str = "") -> dict[str, Any]:
    facts = "<h1>12 Elm St, Ames, IA 50010</h1><ul><li>3 beds</li><li>2 baths</li><li>Built in 1974</li></ul>"
    title = "<title>12 Elm St, Ames, IA 50010 | Homes</title>"
    html = f"<html lang='{lang}'><head>{title}</head><body><main>{more}{facts}{body}</main></body></html>"
    return values_of(html, "https://site.example/p/900120")


@pytest.mark.parametrize("markup", _MARKUP)
@pytest.mark.parametrize(("lang", "day", "event", "amount"), _EVENTS)
def test_a_dated_event_is_no_asking_price(lang: str, day: str, event: str, amount: str, markup: str) -> None:
    """One row suffices, in any markup and language, and with any word for the event."""
    read = _read(f"<h2>History</h2>{_MARKUP[markup].format(day, event, amount)}", lang)
    assert "ListPrice" not in read
    assert read.get("StandardStatus") != "Active"


@pytest.mark.parametrize(
    "data",
    [
        {"priceHistory": [{"date": "2016-02-19", "event": "Sold", "price": 180_500}]},
        {"history": {"date": "2016-02-19", "event": "Sold", "price": 180_500}},
        {"lastEvent": {"date": "2016-02-19", "event": "Listed", "price": 180_500}},
        {"timeline": [{"on": "2016-02-19", "what": "Price change", "price": 180_500}]},
    ],
)
def test_a_dated_event_in_data_is_no_asking_price(data: dict[str, Any]) -> None:
    home = {"property": {"address": "12 Elm St", "bedrooms": 3, "yearBuilt": 1974, **data}}
    read = _read(f"<script type='application/json'>{json.dumps(home)}</script>")
    assert read["BedroomsTotal"] == 3
    assert "ListPrice" not in read
    assert "StandardStatus" not in read


@pytest.mark.parametrize("markup", _MARKUP)
def test_an_asking_price_beside_a_history_is_read(markup: str) -> None:
    read = _read(_MARKUP[markup].format("Feb 19, 2016", "Sold", "$180,500"), more="<p>For sale</p><p>$450,000</p>")
    assert (read["ListPrice"], read["StandardStatus"]) == (450_000, "Active")


@pytest.mark.parametrize(
    "body",
    [
        "<p>$450,000</p><h2>History</h2><p>Nov 3, 2025 · Listed · $450,000</p>",
        "<div><b>$450,000</b> <span>Built 1998</span></div>",
        "<div><b>$450,000</b> <span>1998</span> <span>3 bd</span></div>",
        "<div><b>$450,000</b> <span>Available Jan 1, 2026</span></div>",
        "<div><b>$450,000</b> <span>Updated Feb 1, 2026</span></div>",
        "<div><b>$450,000</b> <span>Open house Sat, Mar 21, 2026</span></div>",
        "<p>Offered at $450,000, last sold on Feb 19, 2016 for $180,500.</p>",
        "<p>Asking price $450,000 (sold in 2016 for $180,500)</p>",
        "<dl><dt>Price</dt><dd>$450,000</dd><dt>Date available</dt><dd>Jan 1, 2026</dd></dl>",
        "<dl><dt>List price</dt><dd>$450,000</dd><dt>Last sale date</dt><dd>Feb 19, 2016</dd></dl>",
        "<table><tr><td>Price</td><td>$450,000</td></tr><tr><td>Sold date</td><td>Feb 19, 2016</td></tr></table>",
    ],
)
def test_dates_of_something_else_do_not_make_a_price_history(body: str) -> None:
    assert _read(body)["ListPrice"] == 450_000


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", "Off market"), ("en", "OFF-MARKET"), ("en", "Off the market"), ("en", "Not currently for sale"),
        ("en", "This home is no longer for sale"), ("en", "Unavailable"), ("de", "Nicht mehr verfügbar"),
        ("fr", "Plus disponible"), ("es", "Fuera del mercado"), ("it", "Non più disponibile"),
        ("nl", "Niet meer te koop"), ("pl", "Niedostępne"), ("sv", "Inte till salu"), ("ja", "掲載終了"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("markup", ["<p class='status'>{}</p>", "<dl><dt>Status</dt><dd>{}</dd></dl>"])
def test_an_off_market_home_has_no_listing_status(lang: str, words: str, markup: str) -> None:
    """RESO has no status for a home that is merely not for sale. Its price is no asking price either."""
    read = _read(f"{markup.format(words)}<p>$450,000</p>", lang)
    assert "StandardStatus" not in read
    assert "ListPrice" not in read
    assert read["MlsStatus"] == words


def test_a_withdrawn_listing_is_withdrawn() -> None:
    assert _read("<dl><dt>Status</dt><dd>Withdrawn</dd></dl>")["StandardStatus"] == "Withdrawn"


@pytest.mark.parametrize("claimed", ["Withdrawn", "Active", "Closed"])
@pytest.mark.parametrize("quote", ["Off market", "Not for sale", "Status: Off market"])
def test_a_models_status_is_refused_for_an_off_market_home(claimed: str, quote: str) -> None:
    assert check_value(Claim("StandardStatus", claimed, quote, quote, "en", "US")) is None
