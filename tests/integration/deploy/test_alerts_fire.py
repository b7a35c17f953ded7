"""The rules in a real Prometheus that scrapes an exposition: what fires, with which labels, and what ends again."""

from __future__ import annotations

import time

import pytest

from tests.integration.deploy.metrics_endpoint import KEYS, DoorMetrics
from tests.integration.deploy.prometheus_server import PrometheusServer, wait_for

pytestmark = pytest.mark.prometheus


def _dead(key: str) -> dict[str, str]:
    return {"alertname": "OpenAIKeyDead", "job": "propintel", "key": key, "limit_group": "org-1", "severity": "warning"}


def _until(server: PrometheusServer, expected: list[dict[str, str]]) -> None:
    """Exactly these fire, and still do when whatever else was on its way would fire too.

    On a busy machine a scrape may come too late, and what it would have told is missing for a moment.
    """
    wait_for(server.firing, lambda firing: firing == expected, f"to fire: {expected}")
    wait_for(lambda: _settled(server), lambda firing: firing == expected, f"to go on firing: {expected}")


def _settled(server: PrometheusServer) -> list[dict[str, str]]:
    """What fires when four more scrapes were taken in: by then every condition has held long enough."""
    taken = _scrapes(server)
    wait_for(lambda: _scrapes(server), lambda now: now >= taken + 4, "scrapes")
    return server.firing()


def _scrapes(server: PrometheusServer) -> int:
    (sample,) = server.query("count_over_time(up[5m])")
    return int(sample["value"][1])


def test_a_healthy_fleet_is_no_alert(prometheus_server: PrometheusServer, door_metrics: DoorMetrics) -> None:
    """With the token of the configuration's file, or the door would be down."""
    _until(prometheus_server, [])


def test_a_dead_key_fires_for_itself_alone_and_ends_when_it_is_replaced(
    prometheus_server: PrometheusServer, door_metrics: DoorMetrics
) -> None:
    """The alert has the key's mask and group, not the door's address."""
    door_metrics.set_state(KEYS[1], "dead")
    _until(prometheus_server, [_dead(KEYS[1])])
    door_metrics.set_state(KEYS[1], "closed")
    _until(prometheus_server, [])


def test_a_pool_without_a_healthy_key_is_critical(
    prometheus_server: PrometheusServer, door_metrics: DoorMetrics
) -> None:
    """Beside the alerts of the single keys, which Alertmanager then keeps to itself."""
    for key in KEYS:
        door_metrics.set_state(key, "dead")
    none = {"alertname": "OpenAINoHealthyKey", "job": "propintel", "severity": "critical"}
    _until(prometheus_server, [*map(_dead, KEYS), none])


def test_a_silent_beat_fires_when_its_last_report_is_old(
    prometheus_server: PrometheusServer, door_metrics: DoorMetrics
) -> None:
    """By the time that the report names, not by when it was scraped."""
    silent = {"alertname": "PropintelBeatSilent", "job": "propintel", "severity": "critical"}
    door_metrics.set("propintel_key_report_timestamp_seconds", time.time() - 240)
    _until(prometheus_server, [silent])
    door_metrics.set("propintel_key_report_timestamp_seconds", time.time())
    _until(prometheus_server, [])


def test_a_door_that_refuses_the_token_is_down(prometheus_server: PrometheusServer, door_metrics: DoorMetrics) -> None:
    """And is the only alert, for nothing else is known."""
    door_metrics.refuses = True
    down = {"alertname": "PropintelMetricsDown", "job": "propintel", "severity": "critical"}
    _until(prometheus_server, [down])
