"""In a real Prometheus, exactly the expected alerts fire, with the right labels, and stop when their cause ends."""

import pytest

from tests.integration.deploy.metrics_endpoint import KEYS, MetricsEndpoint
from tests.integration.deploy.prometheus_server import PrometheusServer
from tests.plugins.waiting import wait_for

pytestmark = pytest.mark.prometheus


def _dead(key: str) -> dict[str, str]:
    return {"alertname": "OpenAIKeyDead", "job": "propintel", "key": key, "limit_group": "org-1", "severity": "warning"}


def _until(server: PrometheusServer, expected: list[dict[str, str]]) -> None:
    """Wait until exactly the expected alerts fire, and still fire after more scrapes.

    On a busy machine, a late scrape may interrupt an alert for a moment.
    """
    wait_for(server.firing, lambda firing: firing == expected, f"to fire: {expected}")
    wait_for(lambda: _settled(server), lambda firing: firing == expected, f"to go on firing: {expected}")


def _settled(server: PrometheusServer) -> list[dict[str, str]]:
    """Return the firing alerts after four more scrapes, which is long enough for every condition to hold."""
    taken = _scrapes(server)
    wait_for(lambda: _scrapes(server), lambda now: now >= taken + 4, "scrapes")
    return server.firing()


def _scrapes(server: PrometheusServer) -> int:
    (sample,) = server.query("count_over_time(up[1h])")
    return int(sample["value"][1])


def test_a_healthy_fleet_fires_no_alert(prometheus_server: PrometheusServer, healthy_metrics: MetricsEndpoint) -> None:
    """Prometheus sends the configured token with each scrape. Without the token, an alert would fire."""
    _until(prometheus_server, [])


def test_a_dead_key_fires_only_its_own_alert_until_it_is_replaced(
    prometheus_server: PrometheusServer, healthy_metrics: MetricsEndpoint
) -> None:
    """The alert's labels have the key's mask and group, but not the web server's address."""
    healthy_metrics.set_state(KEYS[1], "dead")
    _until(prometheus_server, [_dead(KEYS[1])])
    healthy_metrics.set_state(KEYS[1], "closed")
    _until(prometheus_server, [])


def test_a_web_server_that_refuses_the_token_counts_as_down(
    prometheus_server: PrometheusServer, healthy_metrics: MetricsEndpoint
) -> None:
    """No other alert fires, because Prometheus then gets no metrics."""
    healthy_metrics.refuses = True
    down = {"alertname": "PropintelMetricsDown", "job": "propintel", "severity": "critical"}
    _until(prometheus_server, [down])
