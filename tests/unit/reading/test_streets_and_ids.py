"""A street ends before the district, a heading names the unit, and an id excludes the site's name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from app.property.page import Page
from app.property.reading.base import Candidate
from app.property.reading.pipeline import extract
from app.property.reading.ranking import rank
from app.property.record import Method


def _values(html: str, url: str) -> dict[str, Any]:
    page = Page(url, url, "text/html", html, html.encode(), datetime(2026, 3, 1, tzinfo=UTC))
    return extract(page).record.values


def _street(value: str) -> Candidate:
    return Candidate("UnparsedAddress", value, value, Method.STATE, f"#/{value}", value, 0.8)


@pytest.mark.parametrize(
    ("long", "short", "kept"),
    [
        ("52 Shrewsbury, Ballsbridge", "52 Shrewsbury", "52 Shrewsbury"),
        ("Four Winds, Tullow Road", "Four Winds", "Four Winds, Tullow Road"),
        ("Storgatan 9, 3 tr", "Storgatan 9", "Storgatan 9, 3 tr"),
    ],
)
def test_a_district_after_the_street_is_dropped_if_another_source_ends_before_it(
    long: str, short: str, kept: str
) -> None:
    """A road or a floor is not a district."""
    assert rank([_street(long), _street(short)])["UnparsedAddress"].candidate.value == kept


def test_a_street_with_a_suffix_stays_whole_if_no_source_is_shorter() -> None:
    assert (
        rank([_street("52 Shrewsbury, Ballsbridge")])["UnparsedAddress"].candidate.value == "52 Shrewsbury, Ballsbridge"
    )


def test_the_first_heading_names_the_unit() -> None:
    html = """<html lang="en-US"><title>12 W 40th St, New York, NY 10018 for rent</title><h1>12 W 40th St Unit 5</h1>
      <span itemscope itemtype="https://schema.org/Apartment"><meta itemprop="streetAddress" content="12 W 40th St">
      </span><dl><dt>Rent</dt><dd>$1,850</dd><dt>Beds</dt><dd>1</dd></dl></html>"""
    values = _values(html, "https://lets.example/12-w-40th")
    assert values["UnparsedAddress"] == "12 W 40th St Unit 5"


@pytest.mark.parametrize(
    ("shown", "kept"), [("homely-2648/OMS", "2648/OMS"), ("lot-2648/OMS", "lot-2648/OMS"), ("homely-26", "homely-26")]
)
def test_a_sites_own_name_is_not_part_of_an_id(shown: str, kept: str) -> None:
    html = f"<html lang='en-IE'><title>House for sale</title><h1>Oak House</h1><dl><dt>Price</dt><dd>€310,000</dd><dt>Listing ID</dt><dd>{shown}</dd></dl></html>"  # noqa: E501 (one page)
    assert _values(html, "https://www.homely.example/oak")["ListingId"] == kept


def test_letters_before_a_number_in_the_url_are_part_of_the_key() -> None:
    html = (
        "<html lang='en-GB'><title>Tanners Row for sale</title><h1>Tanners Row</h1><p>Guide price: £425,000</p></html>"
    )
    assert _values(html, "https://agents.example/property/tanners-row/HWL-20418")["ListingKey"] == "HWL-20418"
