"""The worker requests a page's resources as the page specifies, checks every redirect, and obeys CORS."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from app.property.fetch.browser.renderer import RenderLimits
from app.property.fetch.client.fetcher import Fetcher
from tests.integration.fetch.browser.conftest import QUICK, shell

_RECORD = "text => {document.getElementById('root').append(' [' + text + ']')}"


@pytest.fixture(scope="module")
def render_limits() -> RenderLimits:
    """Return limits with a long quiet time, so that a slow browser does not end a visit between two requests."""
    return replace(QUICK, quiet_seconds=3.0)


def _loads(*steps: str) -> bytes:
    script = "".join(f".then(() => {step}).then(r => r.text()).catch(() => 'none').then({_RECORD})" for step in steps)
    return shell(f"Promise.resolve(){script}")


def test_a_request_is_made_as_the_page_specified_it(site: Any, browser_fetcher: Fetcher) -> None:
    site.page("/api", b"saved", content_type="text/plain")
    asked = "fetch('/api', {method: 'POST', body: 'a=123', headers: {'X-Mine': 'yes', 'Content-Type': 'text/x-it'}})"
    page = browser_fetcher.fetch(site.page("/home", _loads(asked)))
    assert "[saved]" in page.text
    got = site.headers[site.hits.index("/api")]
    assert (got["x-mine"], got["content-type"], got["Content-Length"]) == ("yes", "text/x-it", "5")
    assert got["Host"] == site.base.removeprefix("http://")


def test_a_response_is_passed_on_unchanged(site: Any, browser_fetcher: Fetcher) -> None:
    site.page("/api", b"\xff\x00 gone", status=410, content_type="text/plain", X_Note="yes")
    asked = (
        "fetch('/api').then(async r => new Response([r.status, r.headers.get('x-note'), (await r.arrayBuffer())"
        ".byteLength].join(' ')))"
    )
    assert "[410 yes 7]" in browser_fetcher.fetch(site.page("/home", _loads(asked))).text


def test_robots_rules_apply_to_redirected_requests(site: Any, browser_fetcher: Fetcher) -> None:
    site.page("/robots.txt", b"User-agent: *\nDisallow: /private", content_type="text/plain")
    site.page("/open", b"seen", content_type="text/plain")
    site.page("/private", b"secret", content_type="text/plain")
    site.page("/to-open", b"", status=302, Location="/open")
    site.page("/to-private", b"", status=302, Location="/private")
    page = browser_fetcher.fetch(site.page("/home", _loads("fetch('/to-open')", "fetch('/to-private')")))
    assert "[seen] [none]" in page.text
    assert site.hits == ["/robots.txt", "/home", "/to-open", "/open", "/to-private"]


def test_endless_redirects_end(site: Any, browser_fetcher: Fetcher) -> None:
    site.page("/round", b"", status=302, Location="/round")
    assert "[none]" in browser_fetcher.fetch(site.page("/home", _loads("fetch('/round')"))).text
    assert site.hits.count("/round") == 11


def test_cors_decides_what_a_script_may_read(
    public_site: Callable[..., Any], site: Any, browser_fetcher: Fetcher
) -> None:
    second_site = public_site()
    shared = second_site.page("/shared", b"for all", content_type="text/plain", Access_Control_Allow_Origin="*")
    own = second_site.page("/own", b"for its own pages", content_type="text/plain")
    page = browser_fetcher.fetch(site.page("/home", _loads(f"fetch('{shared}')", f"fetch('{own}')")))
    assert "[for all] [none]" in page.text
    assert second_site.headers[second_site.hits.index("/shared")]["origin"] == site.base


def test_cookies_are_sent_only_to_their_site(
    public_site: Callable[..., Any], site: Any, browser_fetcher: Fetcher
) -> None:
    second_site = public_site()
    elsewhere = second_site.page("/data", b"x", content_type="text/plain", Access_Control_Allow_Origin="*")
    site.page("/begin", b"x", content_type="text/plain", Set_Cookie="visit=7; path=/")
    site.page("/data", b"x", content_type="text/plain")
    browser_fetcher.fetch(site.page("/home", _loads("fetch('/begin')", "fetch('/data')", f"fetch('{elsewhere}')")))
    assert site.headers[site.hits.index("/data")].get("cookie") == "visit=7"
    assert not {"Cookie", "cookie"} & set(second_site.headers[second_site.hits.index("/data")])
