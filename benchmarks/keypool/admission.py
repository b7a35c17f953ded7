"""Time one admission in the shared key store (one round trip to Redis), for increasing numbers of keys.

Two situations are measured. When "ready", every key has capacity. When "stale", the index entries of sixteen keys are
set to zero before each admission, so that the script checks the maximum number of keys.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import redis

from app.keypool.breaker import Policy
from app.keypool.keys import make_keys
from app.keypool.limits import LimitReading, MeterReading
from app.keypool.outcomes import Outcome
from app.keypool.stores.base import KeyRequest, Lease, Settlement
from app.keypool.stores.redis import RedisStore
from app.keypool.stores.script_store import DEFAULT_PREFIX
from benchmarks.keypool.jobs import MODEL
from benchmarks.keypool.processes import redis_server
from benchmarks.results import BenchmarkError

_STALE = 16
_ASK = KeyRequest(MODEL, tokens=500.0, max_wait_us=30_000_000)
#: Limits so high that no sample waits, even with few keys.
_READING = LimitReading(
    MeterReading(limit=600_000, remaining=599_999, reset_us=100), MeterReading(60_000_000, 59_999_500, 500)
)


def measure(keys: int, samples: int) -> dict[str, Any]:
    """Return the times of round trips in milliseconds: acquire in both situations, settle, and acquire plus settle."""
    with redis_server() as server:
        connection = redis.Redis.from_url(server.url)
        made = make_keys([f"sk-simulator-admission{'x' * 16}{n:05d}" for n in range(keys)])
        store = RedisStore(made, "round_robin", connection)
        for _ in made:
            store.settle(_lease(store), Settlement(Outcome.SUCCESS, limits=_READING))
        names = [key.key_id for key in made[:_STALE]]
        index = f"{DEFAULT_PREFIX}:i:{MODEL}"
        if connection.zcard(index) != keys:
            raise BenchmarkError(f"{index} does not hold the {keys} keys; app/keypool/stores/lua names the index anew")
        ready = _sample(store, samples, lambda: None)
        stale = _sample(store, samples, lambda: connection.zadd(index, dict.fromkeys(names, 0.0)))
        store.close()
    both = [acquired + settled for acquired, settled in ready]
    return {
        "keys": keys,
        "acquire_p50_ms": _p50([acquired for acquired, _ in ready]),
        "acquire_stale_p50_ms": _p50([acquired for acquired, _ in stale]),
        "settle_p50_ms": _p50([settled for _, settled in ready]),
        "both_p50_ms": _p50(both),
        "both_p99_ms": round(sorted(both)[int(len(both) * 0.99)], 3),
    }


def measure_outage(keys: int, samples: int, models: int = 5) -> dict[str, Any]:
    """Return the median milliseconds of the store's operations while every circuit is open."""
    with redis_server() as server:
        made = make_keys([f"sk-simulator-admission{'x' * 16}{n:05d}" for n in range(keys)])
        store = RedisStore(made, "round_robin", redis.Redis.from_url(server.url), process="bench")
        for model in range(models):
            ask = replace(_ASK, model=f"{MODEL}-{model}")
            for _ in made:
                store.settle(_lease(store, ask), Settlement(Outcome.SUCCESS, limits=_READING))
        others = {key.key_id for key in made}
        for key in made:
            for _ in range(Policy().failure_threshold):
                ask = replace(_ASK, barred=frozenset(others - {key.key_id}))
                store.settle(_lease(store, ask), Settlement(Outcome.SERVER_FAILURE))
        outage = {
            "keys": keys,
            "acquire_p50_ms": _p50(_timed(lambda: store.acquire(replace(_ASK, max_wait_us=0)), samples)),
            "beat_p50_ms": _p50(_timed(lambda: store.beat(brief=True), samples)),
            "beat_in_full_p50_ms": _p50(_timed(store.beat, samples // 10)),
            "figures_p50_ms": _p50(_timed(store.figures, samples // 10)),
        }
        store.close()
    return outage


def _timed(step: Callable[[], object], samples: int) -> list[float]:
    found = []
    for _ in range(samples):
        start = time.perf_counter()
        step()
        found.append((time.perf_counter() - start) * 1000)
    return found


def _sample(store: RedisStore, samples: int, before: Callable[[], object]) -> list[tuple[float, float]]:
    found = []
    for _ in range(samples):
        before()
        start = time.perf_counter()
        lease = _lease(store)
        middle = time.perf_counter()
        store.settle(lease, Settlement(Outcome.SUCCESS, limits=_READING))
        found.append(((middle - start) * 1000, (time.perf_counter() - middle) * 1000))
    return found


def _lease(store: RedisStore, ask: KeyRequest = _ASK) -> Lease:
    step = store.acquire(ask)
    if not isinstance(step, Lease):
        raise BenchmarkError(f"the store gave no lease but {step}; the benchmark's limits are too low")
    return step


def _p50(values: list[float]) -> float:
    return round(statistics.median(values), 3)
