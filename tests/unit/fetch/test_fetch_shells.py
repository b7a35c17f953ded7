"""Pages that are empty until a browser runs their scripts are recognized."""

from datetime import UTC, datetime

import pytest

from app.property.fetch.browser.shell import is_shell
from app.property.page import Page

LONG = "x = 1;" * 100


def _page(html: str, content_type: str = "text/html") -> Page:
    url = "https://www.homes.example/for-sale/12-elm-street-71830"
    return Page(url, url, content_type, html, html.encode(), datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "html",
    [
        # create-react-app
        '<!doctype html><html lang="en"><head><title>Homes</title><script defer src="/static/main.8d2c.js"></script>'
        "</head><body><noscript>You need to enable JavaScript to run this app.</noscript><div id=root></div></body>",
        # Vite
        '<!doctype html><title>Vite + Vue</title><script type="module" crossorigin src="/assets/index-4d1.js"></script>'
        '<div id="app"></div>',
        # Angular, with a footer
        "<!doctype html><title>12 Elm Street | Homes</title><app-root></app-root><footer>© 2026 Homes Inc."
        " <a href=/terms>Terms</a> <a href=/privacy>Privacy</a></footer>"
        '<script src="runtime.js" type="module"></script>',
        # an address and a price in the title, but an empty body
        "<!doctype html><head><title>12 Elm Street, Springfield, IL 62704 | $250,000</title>"
        '<meta property="og:title" content="12 Elm Street, Springfield, IL 62704"></head><div id=app></div>'
        "<script src=a.js></script>",
        # JSON-LD only about the organization
        '<!doctype html><script type="application/ld+json">{"@type":"Organization","name":"Homes Inc."}</script>'
        '<p>Loading…</p><script src="/bundle.js"></script>',
        f"<!doctype html><p>Please wait</p><script>{LONG}</script>",
    ],
)
def test_pages_without_content_are_shells(html: str) -> None:
    assert is_shell(_page(html))


_FACTS = "<h1>12 Elm Street, Springfield, IL 62704</h1><p>Price: $250,000</p><p>Bedrooms: 3</p><p>Year built: 1987</p>"


@pytest.mark.parametrize(
    ("html", "why"),
    [
        (f"<!doctype html>{_FACTS}<script src=a.js></script>", "it has facts, short as it is"),
        (f"<!doctype html><p>{'This house is lovely. ' * 60}</p><script src=a.js></script>", "it has text"),
        ("<!doctype html><title>Homes</title><p>Sold</p>", "no script would fill it"),
        ("<!doctype html><p>Sold</p><script>track()</script>", "a line of script draws nothing"),
        (
            '<!doctype html><div id=root></div><script id="__NEXT_DATA__" type="application/json">{"props":{"property":'
            '{"address":"12 Elm Street","city":"Springfield","price":250000,"bedrooms":3,"yearBuilt":1987}}}</script>'
            "<script src=a.js></script>",
            "its data is in it",
        ),
        (
            "<!doctype html><title>Just a moment...</title><p>Enable JavaScript and cookies to continue</p>"
            "<script src=/cdn-cgi/challenge-platform/orchestrate.js></script>",
            "it is a wall, which is not worked around",
        ),
        ("<!doctype html><p>Access denied</p><script src=a.js></script>", "it turns visitors away"),
        ("<!doctype html><h1>404 not found</h1><script src=a.js></script>", "the page is gone"),
        ("<!doctype html><script type='text/template'><p>x</p></script><p>Sold</p>", "a template is no script"),
    ],
)
def test_pages_with_content_are_not_shells(html: str, why: str) -> None:
    assert not is_shell(_page(html)), why


def test_only_html_can_be_a_shell() -> None:
    html = "<div id=root></div><script src=a.js></script>"
    assert is_shell(_page(html))
    assert not is_shell(_page(html, "application/xml"))
    assert not is_shell(_page('{"script": "x"}', "application/json"))
