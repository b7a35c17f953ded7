"""The fetcher obeys robots.txt (RFC 9309)."""

from collections.abc import Callable
from typing import Any

import pytest

from app.clock import ManualClock
from app.errors.fetching import ConnectionFailedError, RobotsDisallowedError, TransientHttpStatusError
from app.property.fetch.client.fetcher import Fetcher

OPEN = "127.0.0.0/8"


def _robots(site: Any, text: str, **extra: Any) -> None:
    site.page("/robots.txt", text.encode(), content_type="text/plain", **extra)


def test_a_forbidden_page_is_not_fetched(site: Any, fetcher: Fetcher) -> None:
    _robots(site, "User-agent: *\nDisallow: /private\nAllow: /private/open\n")
    url = site.page("/private/house")
    with pytest.raises(RobotsDisallowedError) as caught:
        fetcher.fetch(url)
    assert caught.value.facts == {"url": url, "user_agent": "property-intelligence"}
    fetcher.fetch(site.page("/private/open/house"))
    assert site.hits == ["/robots.txt", "/private/open/house"]


def test_rules_for_our_name_take_precedence(site: Any, make_fetcher: Callable[..., Any]) -> None:
    """Rules apply to the product token at the start of the User-Agent, not to other words in it."""
    rules = {"*": "/", "roofbot": "/no", "contact": "/yes"}
    _robots(site, "\n\n".join(f"User-agent: {name}\nDisallow: {path}" for name, path in rules.items()))
    fetcher = make_fetcher(OPEN, fetch_user_agent="RoofBot/2.0 (+https://contact.example)")
    fetcher.fetch(site.page("/yes"))
    assert site.headers[-1]["User-Agent"] == "RoofBot/2.0 (+https://contact.example)"
    with pytest.raises(RobotsDisallowedError):
        fetcher.fetch(site.page("/no"))
    with pytest.raises(RobotsDisallowedError):
        make_fetcher(OPEN, fetch_user_agent="other/1.0").fetch(f"{site.base}/yes")


@pytest.mark.parametrize(
    ("status", "text"),
    [(401, "User-agent: *\nDisallow: /"), (404, ""), (200, "<!doctype html><p>Disallow: everything")],
)
def test_no_robots_txt_allows_all(site: Any, fetcher: Fetcher, status: int, text: str) -> None:
    """A 4xx status allows all pages (RFC 9309, section 2.3.1.3). So does an HTML page, which contains no rules."""
    _robots(site, text, status=status)
    assert fetcher.fetch(site.page("/")).body


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_failing_robots_txt_defers_the_site(site: Any, make_fetcher: Callable[..., Any], status: int) -> None:
    """No page is fetched (RFC 9309, section 2.3.1.4), and robots.txt is requested again only after a pause."""
    clock = ManualClock()
    fetcher = make_fetcher(OPEN, clock=clock)
    _robots(site, "", status=status, Retry_After="5")
    url = site.page("/")
    for left in (60.0, 40.0, 20.0):  # the remaining pause, so that no job retries earlier
        with pytest.raises(TransientHttpStatusError) as caught:
            fetcher.fetch(url)
        assert caught.value.args == (f"{site.base}/robots.txt", status, left)
        clock.advance(20)
    assert site.hits == ["/robots.txt"]
    _robots(site, "User-agent: *\nAllow: /")
    fetcher.fetch(url)
    assert site.hits == ["/robots.txt", "/robots.txt", "/"]


def test_an_unreachable_robots_txt_defers_the_site(site: Any, make_fetcher: Callable[..., Any]) -> None:
    """A job retries for at least 15 s, and within this time robots.txt is requested again."""
    clock = ManualClock()
    fetcher = make_fetcher(OPEN, clock=clock)
    site.raw("/robots.txt", lambda: iter(()))
    url = site.page("/")
    for _ in range(2):
        with pytest.raises(ConnectionFailedError, match=r"while its robots\.txt was read") as caught:
            fetcher.fetch(url)
        assert caught.value.facts["url"] == url
    assert site.hits == ["/robots.txt"]
    _robots(site, "User-agent: *\nAllow: /")
    clock.advance(6)
    assert fetcher.fetch(url).body


def test_rules_are_cached_for_an_hour(site: Any, make_fetcher: Callable[..., Any]) -> None:
    clock = ManualClock()
    fetcher = make_fetcher(OPEN, clock=clock)
    _robots(site, "User-agent: *\nDisallow: /no")
    url = site.page("/")
    for seconds in (0, 3598, 3):
        clock.advance(seconds)
        fetcher.fetch(url)
    assert site.hits.count("/robots.txt") == 2


def test_each_origin_has_its_own_rules_and_redirects_obey_them(make_site: Callable[..., Any], fetcher: Fetcher) -> None:
    first, second = make_site("127.0.0.1"), make_site("127.0.0.1")
    _robots(second, "User-agent: *\nDisallow: /target")
    assert fetcher.fetch(first.page("/target"))
    with pytest.raises(RobotsDisallowedError, match="target"):
        fetcher.fetch(second.page("/", b"", status=302, Location="/target"))
    assert second.hits == ["/robots.txt", "/"]


def test_a_redirected_robots_txt_is_followed(site: Any, fetcher: Fetcher) -> None:
    for number in range(5):
        site.page("/robots.txt" if number == 0 else f"/r{number}", b"", status=301, Location=f"/r{number + 1}")
    site.page("/r5", b"User-agent: *\nDisallow: /", content_type="text/plain")
    with pytest.raises(RobotsDisallowedError):
        fetcher.fetch(site.page("/"))


def test_circular_redirects_of_robots_txt_end(site: Any, fetcher: Fetcher) -> None:
    site.page("/robots.txt", b"", status=302, Location="/robots.txt")
    assert fetcher.fetch(site.page("/")).body
    assert site.hits.count("/robots.txt") == 6


def test_a_huge_robots_txt_is_read_to_its_limit(site: Any, fetcher: Fetcher) -> None:
    """Only the first 500 KiB of robots.txt are read (RFC 9309, section 2.5)."""
    _robots(site, "User-agent: *\nDisallow: /early\n" + "# x\n" * 200_000 + "Disallow: /late\n")
    with pytest.raises(RobotsDisallowedError):
        fetcher.fetch(site.page("/early"))
    assert fetcher.fetch(site.page("/late")).body


def test_ignored_rules_are_logged(
    site: Any, make_fetcher: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    """A forbidden page is fetched only if its host is in `fetch_ignore_robots`, and each such fetch is logged."""
    _robots(site, "User-agent: *\nDisallow: /")
    fetcher = make_fetcher(OPEN, fetch_ignore_robots="127.0.0.1, other.example")
    url = site.page("/house")
    assert fetcher.fetch(url).body
    assert f"Fetching {url} although its robots.txt forbids it" in caplog.text
    with pytest.raises(RobotsDisallowedError):
        make_fetcher(OPEN, fetch_ignore_robots="other.example").fetch(url)
