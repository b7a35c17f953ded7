"""Store per-site rate-limit state, in this process or in Redis for all processes. In Redis, Lua scripts change the
state atomically.
"""

from __future__ import annotations

import threading
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from app.clock import Clock
from app.property.fetch.pace import rules
from app.property.fetch.pace.rules import Reply, RequestOutcome, Site, Visitor

if TYPE_CHECKING:
    from redis import Redis

#: If this process stores more sites than this, it drops the state of idle sites.
_MAX_LOCAL_SITES = 10_000


class LocalPace:
    """Stores the rate-limit state of all sites in this process. Thread-safe."""

    def __init__(self, clock: Clock, *, concurrency: int, lease_seconds: float) -> None:
        self._clock = clock
        self._places = concurrency
        self._lease_us = _us(lease_seconds)
        self._sites: dict[str, Site] = {}
        self._lock = threading.Lock()

    def enter(self, site: str, token: str, visitor: Visitor, *, gap_seconds: float, left_seconds: float) -> Reply:
        """Start the request `token` if it may start now, or return when to try again.

        `gap_seconds` is the gap between this request and the next one at the site. `left_seconds` is the longest time
        that the visitor will still wait.
        """
        with self._lock:
            now = self._clock.now_us()
            if len(self._sites) > _MAX_LOCAL_SITES:
                self._sites = {name: kept for name, kept in self._sites.items() if not kept.is_idle(now)}
            gap_us, left_us = _us(gap_seconds), _us(left_seconds)
            return self._sites.setdefault(site, Site()).enter(
                now, token, visitor, asked_gap_us=gap_us, left_us=left_us, places=self._places, lease_us=self._lease_us
            )

    def sent(self, site: str, token: str) -> None:
        with self._lock:
            if site in self._sites:
                self._sites[site].sent(self._clock.now_us(), token)

    def leave(self, site: str, token: str, outcome: RequestOutcome) -> None:
        """Record that the request `token` ended or stopped waiting. Without this call, the request counts until its
        lease expires.
        """
        with self._lock:
            if site in self._sites:
                self._sites[site].leave(self._clock.now_us(), token, outcome, places=self._places)


class RedisPace:
    """Stores the rate-limit state in Redis, for all processes. Uses Redis's clock unless a test passes `clock`."""

    def __init__(self, client: Redis, *, concurrency: int, lease_seconds: float, clock: Clock | None = None) -> None:
        self._enter = client.register_script(_script("enter"))
        self._sent = client.register_script(_script("sent"))
        self._leave = client.register_script(_script("leave"))
        self._places = concurrency
        self._lease_us = _us(lease_seconds)
        self._clock = clock

    def enter(self, site: str, token: str, visitor: Visitor, *, gap_seconds: float, left_seconds: float) -> Reply:
        asked = [_us(gap_seconds), _us(left_seconds), self._places, self._lease_us]
        constants = [rules.POLL_US, rules.WAITERS, rules.WAITED_US, rules.LATE_US, rules.FORGOTTEN_US]
        redirected = int(bool(visitor.requested_site))
        reply: Any = self._enter(
            keys=_keys(site), args=[self._now(), token, visitor.id, visitor.lane, *asked, *constants, redirected]
        )
        wait, is_appointment, held = (int(number) for number in reply)
        return Reply(wait, is_appointment=bool(is_appointment), held_us=held)

    def sent(self, site: str, token: str) -> None:
        self._sent(keys=_keys(site)[:2], args=[self._now(), token])

    def leave(self, site: str, token: str, outcome: RequestOutcome) -> None:
        reported: list[int | str] = [
            "" if outcome.latency_us is None else outcome.latency_us,
            int(outcome.succeeded),
            int(outcome.pushed_back),
            "" if outcome.retry_after_us is None else outcome.retry_after_us,
        ]
        numbers = [rules.RECOVERY_SHARE, rules.PUSHED_BACK_US, rules.SLOWEST_US, rules.LONGEST_HOLD_US]
        self._leave(
            keys=_keys(site)[:3], args=[self._now(), token, *reported, self._places, *numbers, rules.FORGOTTEN_US]
        )

    def _now(self) -> int | str:
        return "" if self._clock is None else self._clock.now_us()


PaceStore = LocalPace | RedisPace


def _keys(site: str) -> list[str]:
    base = f"propintel:pace:{{{site}}}"
    return [base, f"{base}:under_way", f"{base}:waiting", f"{base}:appointed", f"{base}:tails"]


def _us(seconds: float) -> int:
    return round(seconds * 1_000_000)


@cache
def _script(name: str) -> str:
    return resources.files("app.property.fetch.pace").joinpath("lua", f"{name}.lua").read_text("utf-8")
