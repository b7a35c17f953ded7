"""Connections are reused per site for some seconds, and never closed during a request."""

from __future__ import annotations

import ssl

from app.clock import ManualClock
from app.property.fetch.client.connections import Connections

ONE, OTHER = "https://one.example", "https://other.example"


def _connections(clock: ManualClock) -> Connections:
    return Connections(ssl.create_default_context(), clock)


def test_connections_to_a_site_are_reused_within_seconds() -> None:
    clock = ManualClock()
    connections = _connections(clock)
    with connections.to(ONE) as first:
        pass
    clock.advance(4.9)
    with connections.to(ONE) as again, connections.to(OTHER) as other:
        assert again is first
        assert other is not first


def test_idle_connections_are_closed_when_another_site_is_requested() -> None:
    clock = ManualClock()
    connections = _connections(clock)
    with connections.to(ONE) as first:
        pass
    clock.advance(5.0)
    with connections.to(OTHER), connections.to(ONE) as again:
        assert again is not first


def test_a_pool_in_use_is_not_closed() -> None:
    clock = ManualClock()
    connections = _connections(clock)
    with connections.to(ONE) as first:
        clock.advance(60.0)
        with connections.to(OTHER), connections.to(ONE) as again:
            assert again is first


def test_a_slow_answer_does_not_hold_up_the_others() -> None:
    """Newer idle pools are closed although an older one is still in use."""
    clock = ManualClock()
    connections = _connections(clock)
    with connections.to(ONE):
        with connections.to(OTHER) as other:
            pass
        clock.advance(5.0)
        with connections.to("https://third.example"), connections.to(OTHER) as again:
            assert again is not other
