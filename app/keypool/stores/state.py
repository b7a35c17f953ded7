"""What the memory store holds of one key and of one limit group. Changed only under that store's lock."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.keypool.breaker import Health
from app.keypool.keys import ApiKey
from app.keypool.limits import Bucket

_HOUR_US = 3_600_000_000
_BIN_US = 60_000_000
_FIRST_QUOTA_PROBE_US = _HOUR_US
_LONGEST_QUOTA_PROBE_US = 6 * _HOUR_US


@dataclass(slots=True)
class KeyState:
    """One key: its health, its figures, and the models it may not use (403) until when."""

    key: ApiKey
    health: Health = field(default_factory=Health)
    turn: int = 0
    requests: int = 0
    successes: int = 0
    failures: int = 0
    rate_limits: int = 0
    last_used_us: int | None = None
    bins: dict[int, int] = field(default_factory=dict)
    forbidden: dict[str, int] = field(default_factory=dict)

    def use(self, now_us: int) -> None:
        """One more request goes out."""
        self.requests += 1
        self.last_used_us = now_us
        self.bins[now_us // _BIN_US] = self.bins.get(now_us // _BIN_US, 0) + 1

    def requests_last_hour(self, now_us: int) -> int:
        """Requests of a rolling hour, to the minute."""
        oldest = (now_us - _HOUR_US) // _BIN_US
        for stale in [b for b in self.bins if b <= oldest]:
            del self.bins[stale]
        return sum(self.bins.values())


@dataclass(slots=True)
class GroupState:
    """One limit group: its buckets by model, and whether its money has run out."""

    buckets: dict[str, Bucket] = field(default_factory=dict)
    quota_probe_at_us: int = 0
    quota_probe_gap_us: int = 0

    def out_of_quota(self) -> bool:
        """True from a quota error until a success."""
        return self.quota_probe_gap_us > 0

    def lose_quota(self, now_us: int) -> bool:
        """True if this is news; the next probe is an hour away, then twice as long each time, at most six hours."""
        news = not self.out_of_quota()
        doubled = min(self.quota_probe_gap_us * 2, _LONGEST_QUOTA_PROBE_US)
        if news or now_us >= self.quota_probe_at_us:
            self.quota_probe_gap_us = _FIRST_QUOTA_PROBE_US if news else doubled
        self.quota_probe_at_us = now_us + self.quota_probe_gap_us
        return news

    def bucket(self, model: str) -> Bucket:
        """The bucket of a model, as it stands."""
        return self.buckets.setdefault(model, Bucket())
