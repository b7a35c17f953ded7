"""Is beat silent? It cannot say so itself: every worker looks when the last health report was made.

The time stands in Redis, by Redis' clock. Who looks compares it there, and measures its own patience with a monotonic
clock: no machine's wall clock is believed. A Redis that is away gives no verdict.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import redis

from app.property.storage.alerts import Alarm, Severity
from app.services.reports.health.alarms import Kind
from app.settings import Settings

_REPORTED_AT = "{propintel}:health:reported_at_us"
#: the time is forgotten after this: whoever starts then waits for a first report anyway
_KEPT_SECONDS = 30 * 86_400
_SUBJECT = "beat"
_INTERVALS = 3


def note_report(connection: redis.Redis) -> None:
    """A health report was made just now. Raises `redis.RedisError`."""
    connection.set(_REPORTED_AT, _now_us(connection), ex=_KEPT_SECONDS)


def report_age(connection: redis.Redis) -> float | None:
    """Seconds since the last health report; None if none is known of. Raises `redis.RedisError`."""
    at_us = connection.get(_REPORTED_AT)
    return max(0.0, (_now_us(connection) - int(at_us)) / 1_000_000) if at_us is not None else None


def silence_limit(settings: Settings) -> float:
    """Seconds without a report from which on beat is silent: three intervals, and at least the setting."""
    return max(_INTERVALS * settings.key_report_interval_seconds, settings.alert_beat_silent_seconds)


def silent_alarm(seconds: float) -> Alarm:
    """What is wrong if there was no report for so long."""
    message = f"No health report for {seconds:.0f} s: beat is silent, or nobody runs what it sends. Jobs whose worker "
    message += "died are not taken up, deferred ones not sent."
    return Alarm(Kind.BEAT_SILENT, _SUBJECT, Severity.CRITICAL, message, {"seconds": round(seconds)})


def _now_us(connection: redis.Redis) -> int:
    seconds, microseconds = connection.time()
    return int(seconds) * 1_000_000 + int(microseconds)


class Listener:
    """Who waits for reports, from its own beginning on: a beat that starts with it is given time. One thread's."""

    def __init__(self, limit_seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._limit_seconds = limit_seconds
        self._monotonic = monotonic
        self._heard_at = monotonic()

    def silent_for(self, age_seconds: float | None) -> float | None:
        """Seconds of silence if they are too many, else None. `age_seconds` is that of the newest report.

        None (Redis lost it, or there never was one) changes nothing about what was heard before.
        """
        now = self._monotonic()
        if age_seconds is not None:
            self._heard_at = max(self._heard_at, now - age_seconds)
        silent = now - self._heard_at
        return silent if silent > self._limit_seconds else None
