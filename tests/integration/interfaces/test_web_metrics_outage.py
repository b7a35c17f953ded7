"""`/metrics` answers from the remaining sources while Redis hangs."""

from __future__ import annotations

import os
import signal

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from app.redis.embedded_valkey import EmbeddedValkey


def _up(web: str) -> dict[str, float]:
    answer = httpx2.get(f"{web}/metrics", timeout=8)
    assert answer.status_code == 200
    found = {family.name: family.samples for family in text_string_to_metric_families(answer.text)}
    return {sample.labels["source"]: sample.value for sample in found["propintel_scrape_source_up"]}


def test_a_hanging_redis_delays_a_scrape_only_by_seconds(web: str, broker: EmbeddedValkey) -> None:
    """A stopped Redis accepts connections and never answers. Prometheus waits ten seconds by default."""
    assert _up(web) == {"redis": 1, "database": 1, "broker": 1}
    assert broker.pid is not None
    os.kill(broker.pid, signal.SIGSTOP)
    try:
        while (up := _up(web))["redis"]:  # the previous answer is cached for a second
            pass
        assert up == {"redis": 0, "database": 1, "broker": 0}
    finally:
        os.kill(broker.pid, signal.SIGCONT)
    while not all(_up(web).values()):
        pass
