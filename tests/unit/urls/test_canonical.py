"""Which page an answer is: what it declares is believed only where it keeps to the site and to the listing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.property.fetch.keeping import declared_in
from app.property.page import Page
from app.property.urls.canonical import is_plausible, page_url_of

ANSWERED = "https://www.site.example/homes/12-oak-st/48213"


def page(head: str = "", *, final_url: str = ANSWERED, body: str = "<p>House</p>", link: str = "") -> Page:
    text = f"<!doctype html><html><head>{head}</head><body>{body}</body></html>"
    return Page(
        url="https://site.example/asked",
        final_url=final_url,
        content_type="text/html",
        text=text,
        body=text.encode(),
        fetched_at=datetime(2026, 1, 1, tzinfo=UTC),
        declared_url=declared_in({"link": link}, final_url),
    )


@pytest.mark.parametrize(
    "head",
    [
        '<link rel="canonical" href="https://site.example/listing/48213">',
        "<LINK HREF='https://site.example/listing/48213?utm_source=x#top' REL='nofollow Canonical'>",
        '<link rel=canonical href="//site.example/listing/48213">',
        '<base href="https://site.example/x/"><link rel="canonical" href="../listing/48213">',
        '<!-- <link rel="canonical" href="/other/48213"> --><link rel="canonical" href="https://site.example/listing/48213">',
        '<title>x</title><link rel="canonical" href=" https://SITE.example:443/listing/48213 ">',
        '<link rel="canonical" href="https://site.example/listing/48213">' * 2,
    ],
)
def test_a_canonical_link_in_the_head_names_the_page(head: str) -> None:
    assert page_url_of(page(head)) == "https://site.example/listing/48213"


def test_the_link_header_names_the_page() -> None:
    link = '</a.css>; rel=preload, </listing/48213>; title="a, b; c"; rel="canonical"'
    assert page_url_of(page(link=link)) == "https://www.site.example/listing/48213"


@pytest.mark.parametrize(
    ("head", "body", "link"),
    [
        ("", "", ""),
        ("", '<link rel="canonical" href="/listing/48213">', ""),
        ('<link rel="alternate" href="/listing/48213">', "", ""),
        ('<link rel="canonical" href="">', "", ""),
        ('<link rel="canonical" href="http://[">', "", ""),
        ('<link rel="canonical" href="javascript:48213">', "", ""),
        ('<link rel="canonical" href="/a/48213"><link rel="canonical" href="/b/48213">', "", ""),
        ('<link rel="canonical" href="/a/48213">', "", "</b/48213>; rel=canonical"),
        ("", "", "</a/48213>; rel=canonical, </b/48213>; rel=canonical"),
    ],
)
def test_without_one_clear_declaration_the_url_that_answered_names_the_page(head: str, body: str, link: str) -> None:
    """A declaration in the body may be a visitor's; of several none is right."""
    assert page_url_of(page(head, body=body, link=link)) == ANSWERED


@pytest.mark.parametrize(
    ("canonical", "answered"),
    [
        ("https://site.example/h/48213", "https://www.site.example/h/48213?view=map"),
        ("https://site.example/h/48213", "http://m.site.example/mobile/h/48213"),
        ("https://site.example/oak-street-cottage", "https://site.example/en/oak-street-cottage"),
        ("https://site.example/parcel/77", "https://site.example/search/detail.aspx?parcel=77"),
        ("https://site.example/p.aspx?id=77", "https://site.example/p.aspx?id=77"),
        ("https://site.example/new-york/48213", "https://site.example/48213/new-york?page=2"),
        ("http://127.0.0.1:8000/h/48213", "http://127.0.0.1:8000/x/48213"),
    ],
)
def test_a_declaration_that_still_names_the_listing_is_plausible(canonical: str, answered: str) -> None:
    assert is_plausible(canonical, answered)


@pytest.mark.parametrize(
    ("canonical", "answered", "why"),
    [
        ("https://other.example/h/48213", "https://site.example/h/48213", "another site"),
        ("https://site.example.evil.test/h/48213", "https://site.example/h/48213", "another site"),
        ("https://b.github.io/h/48213", "https://a.github.io/h/48213", "another customer of the same host"),
        ("http://127.0.0.1:8001/h/48213", "http://127.0.0.1:8000/h/48213", "another server of the machine"),
        ("https://site.example/", "https://site.example/h/48213", "the home page"),
        ("https://site.example/index.html", "https://site.example/h/48213", "the home page"),
        ("https://site.example/en-us/", "https://site.example/h/48213", "the home page of a language"),
        ("https://site.example/search/48213", "https://site.example/h/48213", "a search page"),
        ("https://site.example/homes/search-results?id=48213", "https://site.example/h/48213", "a search page"),
        ("https://site.example/suche", "https://site.example/h/48213", "a search page"),
        ("https://site.example/h/", "https://site.example/h/48213", "all listings of the site"),
        ("https://site.example/h/48214", "https://site.example/h/48213", "another listing"),
        ("https://site.example/p.aspx", "https://site.example/p.aspx?parcel=77", "any parcel"),
        ("https://site.example/p.aspx?parcel=7", "https://site.example/p.aspx?parcel=77", "another parcel"),
        ("https://site.example/2026/p", "https://site.example/2026/p?id=1234567", "any listing of the year"),
        ("https://site.example/homes", "https://site.example/homes/oak-street-cottage", "all homes"),
        ("https://site.example/error", "https://site.example/h/48213", "an error page"),
    ],
)
def test_a_declaration_that_cannot_be_right_is_not_believed(canonical: str, answered: str, why: str) -> None:
    assert not is_plausible(canonical, answered), why


def test_a_hostile_head_is_read_in_no_time() -> None:
    for text in ("<link rel=canonical " * 20_000, "<" * 300_000, "<link rel='canonical' href='" + "a" * 400_000):
        assert page_url_of(page(text)) == ANSWERED
    assert declared_in({"link": "<" * 100_000}, ANSWERED) is None
    assert declared_in({"link": "<a>" + " ;" * 100_000}, ANSWERED) is None
