"""The checks of Redis, and of beat, whose one schedule is there."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import redis

from app.clock import Clock
from app.errors.broker import BrokerUnavailableError
from app.redaction import shown_url
from app.redis.embedded_valkey import broker_url, connect
from app.services.reports.doctor.courier import Courier
from app.services.reports.doctor.findings import Verdict, all_in_all, failed, ok, skipped, warning
from app.settings import Settings

#: each step of a question to Redis; the key pool itself gives up after one second
ANSWER_SECONDS = 2.0
#: every admission of a model call is a round trip
_SLOW_MS = 50.0
_PINGS = 5
_NEARLY_FULL = 0.9
#: beat looks at its schedule every two seconds, and another one takes over a dead one's within fifteen
_LATE_SECONDS = 30.0


@contextmanager
def asked(settings: Settings) -> Iterator[redis.Redis]:
    """The Redis in use, for questions that it answers at once. Raises `BrokerUnavailableError`."""
    with connect(settings, within_seconds=ANSWER_SECONDS) as connection:
        try:
            yield connection
        except (redis.RedisError, OSError) as exc:
            raise BrokerUnavailableError(shown_url(broker_url(settings)), str(exc)) from exc


def check_redis(settings: Settings) -> Verdict:
    """Does it answer, how fast, and does it keep what it is given? Raises `BrokerUnavailableError`."""
    with asked(settings) as connection:
        milliseconds = min(_ping_ms(connection) for _ in range(_PINGS))
        info = cast(Mapping[str, Any], connection.info())
    name, version = "Redis", info.get("redis_version", "of an unknown version")
    if "valkey_version" in info:
        name, version = "Valkey", info["valkey_version"]
    said = f"{name} {version} at {shown_url(broker_url(settings))} answers in {milliseconds:.2f} ms"
    return all_in_all(said, _complaints(info, milliseconds))


def _ping_ms(connection: redis.Redis) -> float:
    start = time.perf_counter()
    connection.ping()
    return (time.perf_counter() - start) * 1000


def _complaints(info: Mapping[str, Any], milliseconds: float) -> Iterator[Verdict]:
    if info.get("role") in ("slave", "replica"):
        yield failed("it is a replica, which takes no writes", "Set REDIS_URL to the primary.")
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        yield warning(
            f"maxmemory-policy is {policy}: when memory is short, messages and the keys' state are thrown away",
            "Set `maxmemory-policy noeviction`.",
        )
    used, most = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    if most and used > _NEARLY_FULL * most:
        yield warning(f"{used / most:.0%} of its maxmemory are used", "Raise `maxmemory`.")
    if not int(info.get("aof_enabled", 1)):
        yield warning(
            "appendonly is off: a restart loses messages and the keys' state",
            "Set `appendonly yes`; jobs are recovered from the database all the same.",
        )
    elif info.get("aof_last_write_status", "ok") != "ok":
        yield failed("its append-only file cannot be written", "Check the disk of the Redis machine.")
    if milliseconds > _SLOW_MS:
        yield warning("every model call waits for that", "Use a Redis nearer to the workers.")


def check_beat(settings: Settings, courier: Courier, clock: Clock) -> Verdict:
    """Does somebody hold beat's lock, and is what is due being sent?"""
    try:
        with asked(settings) as connection:
            held = bool(connection.exists(courier.beat_lock))
            due = cast(list[tuple[bytes, float]], connection.zrange(courier.beat_schedule, 0, 0, withscores=True))
    except BrokerUnavailableError:
        return skipped("beat's lock is in Redis, which does not answer")
    if not held:
        return failed(
            "no beat runs: reports and the recovery of lost jobs are not sent",
            "Run `propintel up`, or `celery -A worker beat` beside the workers.",
        )
    if not due:
        return warning("beat holds its lock but has no schedule", "See beat's log, and start it anew.")
    late = clock.now().timestamp() - due[0][1]
    if late > _LATE_SECONDS:
        name = due[0][0].decode(errors="replace").removeprefix(courier.beat_prefix)
        said = f"beat holds its lock but {name} is due since {late:.0f} s"
        return warning(said, "See beat's log, and start it anew.")
    return ok("one beat holds the schedule and sends what is due")
