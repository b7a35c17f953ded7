"""Token buckets that behave like OpenAI's limits: refilled continuously, never above the limit.

Source: https://platform.openai.com/docs/guides/rate-limits (2025-11). Limits are in requests and in tokens per minute.
They may be enforced over shorter intervals. Unsuccessful requests count too. Times are seconds of any monotonic clock.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Bucket:
    """A bucket that holds up to `capacity` units and gains `per_second`. It held `level` units at time `at`."""

    capacity: float
    per_second: float
    level: float
    at: float

    def refill(self, now: float) -> None:
        self.level = min(self.capacity, self.level + max(0.0, now - self.at) * self.per_second)
        self.at = max(self.at, now)

    def wait_for(self, amount: float, now: float) -> float:
        """Return the seconds until `amount` can be taken. An amount above the capacity needs a full bucket."""
        self.refill(now)
        missing = min(amount, self.capacity) - self.level
        # ignore rounding errors
        return missing / self.per_second if missing > 1e-9 else 0.0

    def take(self, amount: float, now: float) -> None:
        """Take `amount`. The level becomes negative if the bucket holds less."""
        self.refill(now)
        self.level -= amount

    def spill(self, amount: float, now: float) -> None:
        """Take at most `amount`, without going below zero."""
        self.refill(now)
        self.level -= min(max(self.level, 0.0), amount)

    def give_back(self, amount: float, now: float) -> None:
        self.refill(now)
        self.level = min(self.capacity, self.level + amount)

    def full_in(self, now: float) -> float:
        self.refill(now)
        return max(0.0, self.capacity - self.level) / self.per_second


@dataclass(frozen=True)
class Refusal:
    """A rejected request. `what` is "requests" or "tokens". A retry can succeed after `wait` seconds."""

    what: str
    wait: float


class Meter:
    """The rate limits of one key for one model.

    The buckets in `enforced` decide whether a request is admitted; headers report the buckets in `shown`. If
    `enforcement` is "minute", `enforced` and `shown` are the same. If it is "second", the enforced buckets hold a
    sixtieth of the limit (at least one request), and `headers_of` selects the buckets that are shown.
    """

    def __init__(
        self, rpm: float, tpm: float, *, enforcement: str, start_level: float, now: float, headers_of: str = "minute"
    ) -> None:
        self.limits = {"requests": rpm, "tokens": tpm}
        self.shown = {what: Bucket(limit, limit / 60, limit * start_level, now) for what, limit in self.limits.items()}
        self.enforced = self.shown
        if enforcement == "second":
            self.enforced = {
                what: Bucket(size, limit / 60, size * start_level, now)
                for what, limit in self.limits.items()
                for size in [max(1.0, limit / 60)]
            }
        if headers_of == "enforced":
            self.shown = self.enforced

    def levels(self, now: float) -> dict[str, float]:
        for bucket in self.enforced.values():
            bucket.refill(now)
        return {what: bucket.level for what, bucket in self.enforced.items()}

    def carry_over(self, old: Meter, now: float) -> None:
        """Start with the same charge as `old`, so that new limits do not refund it."""
        for mine, theirs in ((self.shown, old.shown), (self.enforced, old.enforced)):
            for what, bucket in mine.items():
                was = theirs[what]
                was.refill(now)
                bucket.level = min(bucket.capacity, max(0.0, bucket.capacity - (was.capacity - was.level)))
                bucket.at = now

    def _buckets(self, what: str) -> list[Bucket]:
        shown, enforced = self.shown[what], self.enforced[what]
        return [shown] if shown is enforced else [shown, enforced]

    def admit(self, tokens: float, now: float) -> Refusal | None:
        """Charge a request and its tokens. If the limits do not allow this, charge nothing and return the reason."""
        charges = {"requests": 1.0, "tokens": tokens}
        waits = {what: self.enforced[what].wait_for(charge, now) for what, charge in charges.items()}
        worst = max(waits, key=lambda what: waits[what])
        if waits[worst] > 0:
            return Refusal(worst, waits[worst])
        for what, charge in charges.items():
            for bucket in self._buckets(what):
                bucket.take(charge, now)
        return None

    def use_up(self, now: float) -> None:
        """Use up the request limit, as if another program shared the key."""
        for bucket in self._buckets("requests"):
            bucket.spill(bucket.capacity, now)

    def count_rejected(self, now: float) -> None:
        """Charge a rejected request to the request limit."""
        for bucket in self._buckets("requests"):
            bucket.spill(1.0, now)

    def refund(self, tokens: float, now: float) -> None:
        for what, charge in (("requests", 1.0), ("tokens", tokens)):
            for bucket in self._buckets(what):
                bucket.give_back(charge, now)
