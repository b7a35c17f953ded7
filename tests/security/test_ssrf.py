"""No spelling, DNS answer, redirect, or proxy reaches an internal address, unless the operator allows the address."""

import http.client
import socket
from collections.abc import Callable
from typing import Any

import pytest

from app.errors import PropertyIntelligenceError
from app.errors.fetching import BlockedAddressError, ConnectionFailedError, FetchError
from tests.security.ssrf_corpus import INSIDE, NAMES

Make = Callable[..., Any]


def _names(make_names: Make) -> Any:
    names = make_names()
    for host, addresses in NAMES.items():
        names.set(host, addresses)
    return names


def test_no_spelling_of_an_internal_address_reaches_a_server(
    make_site: Make, make_fetcher: Make, make_names: Make
) -> None:
    """Each URL gets the expected error, and the local server `canary` gets no request, not even for robots.txt."""
    canary = make_site()
    canary.page("/")
    fetcher = make_fetcher(resolver=_names(make_names))
    assert len(INSIDE) >= 80
    wrong = {}
    for spelling, expected in INSIDE.items():
        try:
            fetcher.fetch(spelling.replace("PORT", str(canary.port)))
        except PropertyIntelligenceError as exc:
            if type(exc) is not expected:
                wrong[spelling] = repr(exc)
        else:
            wrong[spelling] = "fetched"
    assert wrong == {}
    assert canary.hits == []


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "0", "127。0。0。1"])
def test_the_canary_is_reachable_by_those_spellings_without_a_guard(make_site: Make, host: str) -> None:
    """Without the guard, these hosts lead to the local server, so rejecting them is necessary."""
    canary = make_site()
    canary.page("/")
    connection = http.client.HTTPConnection(host.replace("。", "."), canary.port, timeout=5)
    try:
        connection.request("GET", "/", headers={"Host": "canary"})
        assert connection.getresponse().status == 200
    finally:
        connection.close()
    assert canary.hits == ["/"]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:PORT/",
        "http://localhost:PORT/",
        "http://[::ffff:127.0.0.1]:PORT/",
        "http://inside.example:PORT",
    ],
)
def test_an_allowed_network_is_reached(site: Any, make_fetcher: Make, make_names: Make, url: str) -> None:
    site.page("/")
    names = _names(make_names)
    names.set("localhost", ["127.0.0.1"])
    page = make_fetcher("127.0.0.0/8", resolver=names).fetch(url.replace("PORT", str(site.port)))
    assert "12 Elm Street" in page.text
    assert site.hits == ["/robots.txt", "/"]


def test_allowing_a_range_does_not_allow_a_metadata_service(make_fetcher: Make) -> None:
    fetcher = make_fetcher("169.254.0.0/16,fd00::/8")
    for url in ("http://169.254.169.254/", "http://[fd00:ec2::254]/"):
        with pytest.raises(BlockedAddressError, match="metadata"):
            fetcher.fetch(url)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location",
    ["http://127.0.0.1:PORT/", "http://inside.example:PORT/", "//127.0.0.1:PORT/x", "http://2130706433:PORT/"],
)
def test_a_redirect_to_an_internal_address_is_refused(
    make_site: Make, make_fetcher: Make, make_names: Make, status: int, location: str
) -> None:
    outside, canary = make_site("127.0.0.2"), make_site("127.0.0.1")
    url = outside.page("/go", status=status, Location=location.replace("PORT", str(canary.port)))
    with pytest.raises(BlockedAddressError):
        make_fetcher("127.0.0.2/32", resolver=_names(make_names)).fetch(url)
    assert outside.hits == ["/robots.txt", "/go"]
    assert canary.hits == []


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "http://u:secret@127.0.0.2/", "http://[oops/", "javascript:1"]
)
def test_a_redirect_to_an_invalid_url_is_the_sites_fault(make_site: Make, make_fetcher: Make, location: str) -> None:
    site = make_site("127.0.0.2")
    url = site.page("/go", status=302, Location=location)
    with pytest.raises(FetchError, match="redirects to") as caught:
        make_fetcher("127.0.0.2/32").fetch(url)
    assert "secret" not in str(caught.value)


def test_robots_txt_may_not_redirect_to_an_internal_address(make_site: Make, make_fetcher: Make) -> None:
    outside, canary = make_site("127.0.0.2"), make_site("127.0.0.1")
    outside.page("/robots.txt", status=302, Location=f"{canary.base}/")
    with pytest.raises(BlockedAddressError):
        make_fetcher("127.0.0.2/32").fetch(outside.page("/"))
    assert canary.hits == []


def test_a_name_that_changes_its_answer_never_reaches_an_internal_address(
    make_site: Make, make_fetcher: Make, make_names: Make
) -> None:
    """After two answers with an allowed address, DNS answers with the canary's address (DNS rebinding)."""
    good, canary = make_site("127.0.0.2"), make_site("127.0.0.1")
    # both servers use one port, so only the address distinguishes them
    names = make_names()
    names.set("rebind.example", [["127.0.0.2"]] * 2 + [["127.0.0.1"]])
    good.page("/", b"<html>the checked server</html>")
    fetcher = make_fetcher("127.0.0.2/32", resolver=names)
    url = f"http://rebind.example:{good.port}/"
    assert "the checked server" in fetcher.fetch(url).text
    assert len(names.asked) == 2
    with pytest.raises(BlockedAddressError):
        fetcher.fetch(url)
    assert canary.hits == []


def test_the_next_checked_address_is_tried_if_one_is_dead(
    make_site: Make, make_fetcher: Make, make_names: Make
) -> None:
    site = make_site("127.0.0.3")
    site.page("/")
    names = make_names(two_example=["127.0.0.2", "127.0.0.3"])
    page = make_fetcher("127.0.0.0/8", resolver=names).fetch(f"http://two.example:{site.port}/")
    assert "Elm" in page.text
    assert site.headers[-1]["Host"] == f"two.example:{site.port}"


def test_proxies_of_the_environment_are_ignored(
    make_site: Make, make_fetcher: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, proxy = make_site("127.0.0.2"), make_site("127.0.0.1")
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.base)
    assert make_fetcher("127.0.0.2/32").fetch(site.page("/")).body
    assert proxy.hits == []


def test_connection_refused_is_a_connection_error(make_fetcher: Make) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(ConnectionFailedError, match="refused"):
            make_fetcher("127.0.0.0/8").fetch(f"http://127.0.0.1:{port}/")
