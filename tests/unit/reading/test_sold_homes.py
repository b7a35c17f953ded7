"""Sold homes: the price paid is not the price asked, and an event in a history is not a status."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plugins.read_pages import values_of

_HEAD = "<h1>12 Oak St, Ames, IA 50010</h1>"
_FACTS = "<p>Bedrooms: 3</p><p>Year Built: 1954</p><p>Lot Size: 6,250 sq ft</p>"
_ROWS = (
    "<h2>Sale history</h2><div class='row'><div>Mar 28, 2025</div><div>Sold</div><div>$548,000</div></div>"
    "<div class='row'><div>Mar 3, 2025</div><div>Pending</div><div>—</div></div>"
)
_CLOSED = "<li>Closed Price: $548,000</li><li>Closed Date: 03/28/2025</li>"


def _read(body: str, head: str = "") -> dict[str, Any]:
    html = f"<html lang='en'><head><title>12 Oak St, Ames, IA 50010</title>{head}</head><body>{body}</body></html>"
    url = "https://homes.example/oak"
    return values_of(html, url)


def test_an_event_in_dated_blocks_is_not_a_status() -> None:
    """`Pending` in a history above a price asked is not the status. `Pending` alone in a banner is the status."""
    asked = "<p>List Price: $539,950</p>"
    assert _read(_HEAD + asked + _FACTS + _ROWS).get("StandardStatus") == "Active"
    banner = "<div><span>Pending</span><span>Mar 3, 2025</span></div>"
    assert _read(banner + _HEAD + asked + _FACTS).get("StandardStatus") == "Pending"


def test_a_dated_banner_gives_the_sale_and_its_date() -> None:
    values = _read("<div>SOLD MAR 28, 2025</div>" + _HEAD + _FACTS)
    assert (values["StandardStatus"], values["CloseDate"]) == ("Closed", "2025-03-28")


def test_a_sold_home_s_price_asked_comes_from_its_label() -> None:
    """The page puts the price paid where other pages put the price asked."""
    meta = "<meta name='twitter:text:price' content='$548,000'>"
    banner = "<div>SOLD MAR 28, 2025</div>"
    paid = "<div><div>$548,000</div><div>Sold Price</div><div>3</div><div>Beds</div></div>"
    body = banner + _HEAD + paid + _FACTS
    labeled = _read(f"{body}<ul><li>List Price: $539,950</li>{_CLOSED}</ul>", meta)
    assert (labeled["ListPrice"], labeled["ClosePrice"]) == (539950, 548000)
    assert "ListPrice" not in _read(f"{body}<ul>{_CLOSED}</ul>", meta)


@pytest.mark.parametrize(
    ("event", "date"),
    [
        ("Returned to Lender (REO)", "2006-11-30"),
        ("Lis Pendens / Judgment", "2006-11-30"),
        ("Notice of trustee sale", "2006-11-30"),
        ("Sold by lender (REO)", "2025-02-21"),
        ("Sheriff's Deed", "2025-02-21"),
    ],
)
def test_a_lender_s_or_court_s_action_is_not_a_sale(event: str, date: str) -> None:
    values = _read(
        f"{_HEAD}<p>Starting Bid: $38,000</p>{_FACTS}<h3>Foreclosure / Sale History</h3><table>"
        "<tr><th>Date</th><th>Event</th><th>Amount</th></tr>"
        f"<tr><td>02/21/2025</td><td>{event}</td><td>$51,230</td></tr>"
        "<tr><td>11/30/2006</td><td>Sold</td><td>$68,000</td></tr></table>"
    )
    assert values["CloseDate"] == date
