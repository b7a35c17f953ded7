"""A page's identity is the URL that returned it, or a canonical URL on the same host that the page declares."""

from datetime import UTC, datetime

import pytest

from app.property.fetch.cache_validators import canonical_link
from app.property.page import Page
from app.property.urls.canonical import answered_url, canonical_of

ANSWERED = "https://site.example/homes/12-oak-st/48213"


def page(head: str = "", *, final_url: str = ANSWERED, body: str = "<p>House</p>", link: str = "") -> Page:
    text = f"<!doctype html><html><head>{head}</head><body>{body}</body></html>"
    declared, at = canonical_link({"link": link}, final_url), datetime(2026, 1, 1, tzinfo=UTC)
    url = "https://site.example/asked"
    return Page(url, final_url, "text/html", text, text.encode(), at, declared_url=declared)


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
def test_a_canonical_link_in_the_head_is_a_claim(head: str) -> None:
    assert canonical_of(page(head)) == "https://site.example/listing/48213"
    assert answered_url(page(head)) == ANSWERED


def test_a_canonical_link_in_the_link_header_is_a_claim() -> None:
    link = '</a.css>; rel=preload, </listing/48213>; title="a, b; c"; rel="canonical"'
    assert canonical_of(page(link=link)) == "https://site.example/listing/48213"


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
def test_several_or_unclear_declarations_are_not_a_claim(head: str, body: str, link: str) -> None:
    """A declaration in the body may come from a visitor. Several different declarations are not trusted."""
    assert canonical_of(page(head, body=body, link=link)) is None


@pytest.mark.parametrize(
    ("canonical", "answered"),
    [
        ("https://site.example/h/48213", "https://site.example/h/48213?view=map"),
        ("https://site.example/h/48213", "http://site.example/h/48213"),
        ("http://127.0.0.1:8000/h/48213", "http://127.0.0.1:8000/x/48213"),
    ],
)
def test_another_url_of_the_host_is_a_claim(canonical: str, answered: str) -> None:
    assert canonical_of(page(f'<link rel="canonical" href="{canonical}">', final_url=answered)) == canonical


@pytest.mark.parametrize(
    ("canonical", "answered", "why"),
    [
        ("https://site.example/h/48213", "https://site.example/h/48213", "the URL that answered"),
        ("https://other.example/h/48213", "https://site.example/h/48213", "another site"),
        ("https://site.example.evil.test/h/48213", "https://site.example/h/48213", "another site"),
        ("https://assessor.site.example/h/48213", "https://blog.site.example/h/48213", "another host of the site"),
        ("https://site.example/h/48213", "https://www.site.example/h/48213", "another host of the site"),
        ("https://b.github.io/h/48213", "https://a.github.io/h/48213", "another customer of the same host"),
        ("http://127.0.0.1:8001/h/48213", "http://127.0.0.1:8000/h/48213", "another server of the machine"),
    ],
)
def test_another_host_or_the_answering_url_cannot_be_claimed(canonical: str, answered: str, why: str) -> None:
    assert canonical_of(page(f'<link rel="canonical" href="{canonical}">', final_url=answered)) is None, why


def test_a_hostile_head_is_parsed_quickly() -> None:
    for text in ("<link rel=canonical " * 20_000, "<" * 300_000, "<link rel='canonical' href='" + "a" * 400_000):
        assert canonical_of(page(text)) is None
    assert canonical_link({"link": "<" * 100_000}, ANSWERED) is None
    assert canonical_link({"link": "<a>" + " ;" * 100_000}, ANSWERED) is None
