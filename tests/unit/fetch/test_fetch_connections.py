"""A connection is reused for its site for some seconds, and never closed during a request."""

import ssl
from ipaddress import ip_address

import pytest

from app.clock import ManualClock
from app.property.fetch.client.connections import Connections
from app.property.fetch.guard.check import Destination


def _destination(host: str) -> Destination:
    addresses = (ip_address("5.9.100.1"),)
    return Destination(f"https://{host}.example/", "https", f"{host}.example", 443, addresses, is_private=False)


ONE, OTHER = (_destination(host) for host in ("one", "other"))


@pytest.fixture
def connections(clock: ManualClock) -> Connections:
    return Connections(ssl.create_default_context(), clock)


def test_connections_to_a_site_are_reused_until_they_are_idle_for_five_seconds(
    connections: Connections, clock: ManualClock
) -> None:
    with connections.to(ONE) as first:
        pass
    clock.advance(4.9)
    with connections.to(ONE) as again, connections.to(OTHER) as other:
        assert again is first
        assert other is not first
    clock.advance(5.0)
    with connections.to(OTHER), connections.to(ONE) as later:
        assert later is not first


def test_a_pool_in_use_is_not_closed_and_does_not_keep_newer_idle_pools(
    connections: Connections, clock: ManualClock
) -> None:
    with connections.to(ONE) as first:
        with connections.to(OTHER) as other:
            pass
        clock.advance(60.0)
        with connections.to(_destination("third")), connections.to(OTHER) as again, connections.to(ONE) as same:
            assert again is not other
            assert same is first
