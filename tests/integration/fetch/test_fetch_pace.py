"""Fetchers share a site's rate limit through a real Valkey: its minimum gap and maximum concurrency."""

import threading
import time
from ipaddress import ip_address

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.clock import SystemClock
from app.errors.broker import BrokerUnavailableError
from app.property.fetch.guard.check import Destination
from app.property.fetch.pace.politeness import Politeness
from app.property.fetch.pace.rules import RequestOutcome, Visitor
from app.property.fetch.pace.stores import LocalPace, PaceStore, RedisPace

HOST = "homes.example"
ANYBODY = Visitor("anybody", max_wait_seconds=30)


def _destination(host: str = HOST) -> Destination:
    return Destination(f"https://{host}/", "https", host, 443, (ip_address("93.184.216.34"),), is_private=False)


def _visits(stores: list[PaceStore], *, visits: int, gap: float, work: float) -> list[tuple[float, float]]:
    seen: list[tuple[float, float]] = []

    def visit(store: PaceStore) -> None:
        politeness = Politeness(store, SystemClock(), min_gap_seconds=gap)
        for _ in range(visits):
            with politeness.slot(_destination(), ANYBODY):
                started = time.monotonic()
                time.sleep(work)
                seen.append((started, time.monotonic()))

    threads = [threading.Thread(target=visit, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return sorted(seen)


def _most_at_once(seen: list[tuple[float, float]]) -> int:
    events = sorted([(start, 1) for start, _ in seen] + [(end, -1) for _, end in seen])
    now = most = 0
    for _, step in events:
        now += step
        most = max(most, now)
    return most


@pytest.mark.parametrize("kind", ["local", "redis"])
def test_the_gap_is_kept_across_processes(kind: str, valkey_client: redis.Redis) -> None:
    gap = 0.08
    local = LocalPace(SystemClock(), concurrency=8, lease_seconds=30)
    stores: list[PaceStore] = [
        RedisPace(valkey_client, concurrency=8, lease_seconds=30) if kind == "redis" else local for _ in range(4)
    ]
    began = time.monotonic()
    seen = _visits(stores, visits=3, gap=gap, work=0.001)
    assert len(seen) == 12
    # A start may be recorded late, but it must not come before its turn.
    for number, (started, _) in enumerate(seen):
        assert started - began >= number * gap - 0.005


@pytest.mark.parametrize("kind", ["local", "redis"])
def test_concurrency_is_limited(kind: str, valkey_client: redis.Redis) -> None:
    local = LocalPace(SystemClock(), concurrency=2, lease_seconds=30)
    stores: list[PaceStore] = [
        RedisPace(valkey_client, concurrency=2, lease_seconds=30) if kind == "redis" else local for _ in range(5)
    ]
    seen = _visits(stores, visits=2, gap=0.0, work=0.1)
    assert len(seen) == 10
    assert _most_at_once(seen) == 2


def _enter(store: PaceStore, token: str, gap: float, host: str = HOST) -> float:
    return store.enter(host, token, ANYBODY, gap_seconds=gap, left_seconds=30).wait_us / 1_000_000


def test_every_redis_key_expires(valkey_client: redis.Redis) -> None:
    store = RedisPace(valkey_client, concurrency=1, lease_seconds=30)
    _enter(store, "1", 5)
    for name in ("2", "3", "4"):
        store.enter(HOST, name, Visitor(name, "batch"), gap_seconds=5, left_seconds=9)
    store.leave(HOST, "1", RequestOutcome(1_000_000, succeeded=True, retry_after_us=10_000_000))
    keys = sorted(valkey_client.keys("*"))
    base = b"propintel:pace:{homes.example}"
    assert keys == [base, *(base + name for name in (b":appointed", b":tails", b":waiting"))]
    assert all(3_590_000 < valkey_client.pttl(key) <= 3_660_000 for key in keys)


@pytest.mark.parametrize("problem", ["gone", "read-only", "without replicas"])
def test_an_unavailable_redis_is_reported(valkey_client: redis.Redis, problem: str) -> None:
    gone = redis.Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0))
    store = RedisPace(gone if problem == "gone" else valkey_client, concurrency=1, lease_seconds=30)
    politeness = Politeness(store, SystemClock(), min_gap_seconds=0)
    visitor = Visitor("anybody", max_wait_seconds=0.5)
    try:
        if problem == "read-only":
            valkey_client.replicaof("127.0.0.1", "1")
        valkey_client.config_set("min-replicas-to-write", int(problem == "without replicas"))
        with pytest.raises(BrokerUnavailableError, match="REDIS_URL"), politeness.slot(_destination(), visitor):
            pass
    finally:
        valkey_client.replicaof("NO", "ONE")
        valkey_client.config_set("min-replicas-to-write", 0)
