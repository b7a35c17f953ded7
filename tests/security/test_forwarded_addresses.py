"""`X-Forwarded-For` is ignored unless a configured proxy sends it."""

from ipaddress import ip_network
from typing import Any

import httpx2
import pytest

from app.access.rate_limits import FAILURES_PER_MINUTE
from web.proxies import client_of

from .conftest import Serve

pytestmark = pytest.mark.usefixtures("broker")
GUESSES = FAILURES_PER_MINUTE + 1


def guess(port: int, forwarded: list[str]) -> list[int]:
    with httpx2.Client(timeout=120, base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        return [
            client.get("/api/v1/me", headers={"Authorization": "Bearer x", "X-Forwarded-For": address}).status_code
            for address in forwarded
        ]


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        (None, {}),  # the server as the Procfile starts it
        ({}, {}),  # uvicorn's default, which trusts loopback
        (None, {"trusted_proxies": "192.0.2.1"}),  # the server trusts only another proxy
    ],
)
def test_a_new_address_for_each_guess_does_not_evade_the_limit(
    serve: Serve, options: dict[str, Any] | None, settings: dict[str, Any]
) -> None:
    statuses = guess(serve(options, **settings), [f"203.0.113.{n}" for n in range(GUESSES)])
    assert statuses == [401] * FAILURES_PER_MINUTE + [429]


@pytest.mark.parametrize("options", [None, {}])
def test_callers_of_a_configured_proxy_are_distinguished(serve: Serve, options: dict[str, Any] | None) -> None:
    """The caller is the address that the proxy appended, not an address that the caller wrote before it."""
    port = serve(options, trusted_proxies="127.0.0.0/8,10.0.0.0/8")
    assert guess(port, ["203.0.113.7"] * GUESSES)[-1] == 429
    assert guess(port, ["203.0.113.8", "198.51.100.1, 203.0.113.7", "203.0.113.7, 10.0.0.1"]) == [401, 429, 429]


TRUSTED = (ip_network("10.0.0.0/8"), ip_network("127.0.0.1/32"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "asking"),
    [
        ("203.0.113.7", [], "203.0.113.7"),
        ("203.0.113.7", ["10.0.0.1"], "203.0.113.7"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("::ffff:10.0.0.1", ["203.0.113.7:4711"], "203.0.113.7"),
        ("10.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("10.0.0.1", ["198.51.100.1", "203.0.113.7", "10.0.0.2"], "203.0.113.7"),
        ("10.0.0.1", ["203.0.113.7", "unknown", "10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["10.0.0.3", "10.0.0.2"], "10.0.0.3"),
        # uvicorn trusts loopback, so it has already replaced the peer by the caller
        ("203.0.113.7", ["198.51.100.1", "203.0.113.7"], "203.0.113.7"),
        ("203.0.113.7", ["203.0.113.7", "198.51.100.1"], None),
    ],
)
def test_the_last_address_that_is_not_a_proxy_is_the_caller(
    peer: str, forwarded: list[str], asking: str | None
) -> None:
    assert client_of(peer, forwarded, TRUSTED) == asking


def test_the_caller_is_unknown_if_the_server_trusted_an_unknown_proxy() -> None:
    assert client_of("203.0.113.7", ["203.0.113.7"], ()) is None
