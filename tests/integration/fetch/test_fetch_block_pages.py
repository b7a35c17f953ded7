"""A block page ends the fetch with a reason. A refresh to another page is followed if the guard allows its URL."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app.errors.fetching import BlockedAddressError, EmptyPageError, HttpStatusError, RobotsDisallowedError
from app.errors.pages import PageBlockedError
from app.property.fetch.client.fetcher import Fetcher

LOGIN = b"<title>Sign in</title><form><input name=u><input type=password name=p></form>"


def _refreshes_to(place: str, seconds: int = 0) -> bytes:
    return f"<title>Moved</title><meta http-equiv=refresh content='{seconds}; url={place}'>".encode()


@pytest.mark.parametrize(
    ("answer", "body", "what"),
    [
        ({"status": 403, "cf_mitigated": "challenge"}, b"<title>Just a moment...</title>", "Cloudflare"),
        ({"status": 401, "WWW_Authenticate": "Basic realm=x"}, b"", "login"),
        ({"status": 200}, b"<iframe src='/_Incapsula_Resource?x=1'></iframe>", "Imperva"),
    ],
)
def test_a_block_page_is_reported_after_one_request(
    site: Any, fetcher: Fetcher, answer: dict[str, Any], body: bytes, what: str
) -> None:
    url = site.page("/12-elm-street", body, **answer)
    with pytest.raises(PageBlockedError, match=what) as caught:
        fetcher.fetch(url)
    assert not caught.value.transient
    assert site.hits == ["/robots.txt", "/12-elm-street"]


def test_a_redirect_to_a_login_is_reported_as_blocked(site: Any, fetcher: Fetcher) -> None:
    site.page("/account/login?next=/12", LOGIN)
    with pytest.raises(PageBlockedError, match="a login"):
        fetcher.fetch(site.page("/12", status=302, Location="/account/login?next=/12"))


def test_a_refusal_whose_body_breaks_off_keeps_its_status(site: Any, fetcher: Fetcher) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nContent-Length: 999\r\n\r\n<h1>"

    with pytest.raises(HttpStatusError, match="HTTP 403"):
        fetcher.fetch(site.raw("/", chunks))


# --- pages that refresh to another page


def test_an_immediate_refresh_is_a_redirect(site: Any, fetcher: Fetcher) -> None:
    site.page("/elm")
    site.page("/there", b"", Refresh="3; url=elm")
    page = fetcher.fetch(site.page("/here", _refreshes_to("/there")))
    assert (page.url, page.final_url) == (f"{site.base}/here", f"{site.base}/elm")
    assert "12 Elm Street" in page.text
    assert site.hits == ["/robots.txt", "/here", "/there", "/elm"]


def test_a_page_that_reloads_itself_is_a_page(site: Any, fetcher: Fetcher) -> None:
    for path, place in (("/1", "/1"), ("/2", "#top"), ("/3", ""), ("/12%20elm", "/12 elm")):
        assert fetcher.fetch(site.page(path, _refreshes_to(place))).final_url == site.base + path
    assert "timeout" in fetcher.fetch(site.page("/4", _refreshes_to("/timeout", 900))).text
    assert "/timeout" not in site.hits
    with pytest.raises(EmptyPageError):
        fetcher.fetch(site.page("/5", b"", Refresh="5"))


@pytest.mark.parametrize("by_header", [True, False])
@pytest.mark.parametrize("place", ["http://127.0.0.1:PORT/", "//127.0.0.1:PORT/", "http://2130706433:PORT/"])
def test_a_refresh_to_a_private_address_is_refused(
    make_site: Callable[..., Any], make_fetcher: Callable[..., Any], place: str, *, by_header: bool
) -> None:
    outside, canary = make_site("127.0.0.2"), make_site("127.0.0.1")
    place = place.replace("PORT", str(canary.port))
    url = outside.page("/", Refresh=f"0; url={place}") if by_header else outside.page("/", _refreshes_to(place))
    with pytest.raises(BlockedAddressError):
        make_fetcher("127.0.0.2/32").fetch(url)
    assert canary.hits == []


def test_robots_rules_apply_to_the_refreshs_target(make_site: Callable[..., Any], fetcher: Fetcher) -> None:
    here = make_site("127.0.0.1")
    here.page("/robots.txt", b"User-agent: *\nDisallow: /private\n", content_type="text/plain")
    with pytest.raises(RobotsDisallowedError):
        fetcher.fetch(here.page("/", _refreshes_to(f"{here.base}/private")))
    assert here.hits == ["/robots.txt", "/"]
