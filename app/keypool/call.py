"""One request on its way through the pool: which keys it may still use, and whether it is sent again.

Waiting costs time, not attempts: a 429 and a server that fails pass by themselves. The request is sent again until the
caller's wait is over, with the same key if there is no other. Answers that broke off were billed and are not asked for
without end.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from app.keypool.outcomes import BARS_KEY, PASSES, ROTATES, Outcome
from app.keypool.stores.base import Lease, Settlement

#: Pause after the first failure, doubled after each further one, and the longest.
_FIRST_BACKOFF_S, _LONGEST_BACKOFF_S = 0.1, 2.0
#: Further attempts after a 403 ("one other key": the model may be barred for all of them), and after failures when the
#: caller's wait is over or answers broke off (each may have been billed).
_FORBIDDEN_TRIES = 1
_FAILURE_TRIES = 2


@dataclass(slots=True)
class Call:
    """What one request asks for and what has become of it so far. Belongs to one thread or task.

    It may wait `max_wait_us` in all and use `further_keys` beside the first one. Times are by the store's clock.
    """

    model: str
    tokens: float
    max_wait_us: int
    further_keys: int
    microusd: int = 0
    batch: str = ""
    #: when its wait is over; the first step sets it
    deadline_us: int | None = None
    reservation: Lease | None = None
    #: until when the reservation has to wait
    reserved_until_us: int = 0
    #: it held a place that was lost
    waited: bool = False
    #: to pause before the next step
    backoff_seconds: float = 0.0
    #: keys that this request may not use
    barred: set[str] = field(default_factory=set)
    #: keys on which it failed, and when the server wants to be asked again: used again only if no other key can be
    failed: dict[str, int] = field(default_factory=dict)
    #: keys with which it was sent
    used: set[str] = field(default_factory=set)
    attempts: int = 0
    failures: int = 0
    #: answers that began and broke off
    broken: int = 0
    forbidden: int = 0

    def sent_with(self, key_id: str) -> None:
        """The request goes out."""
        self.used.add(key_id)
        self.attempts += 1

    def barred_keys(self, all_keys: Iterable[str]) -> frozenset[str]:
        """The keys that it may not have now."""
        unused = set(all_keys) - self.used if len(self.used) > self.further_keys else set[str]()
        return frozenset(self.barred | self.failed.keys() | unused)

    def tries_again(self, key_id: str, settlement: Settlement, now_us: int) -> bool:
        """After an attempt with this key: whether another one may do better."""
        outcome = settlement.outcome
        if outcome in BARS_KEY:
            self.barred.add(key_id)
        if outcome is Outcome.FORBIDDEN:
            self.forbidden += 1
            return self.forbidden <= _FORBIDDEN_TRIES
        if outcome is Outcome.SERVER_FAILURE:
            self.failed[key_id] = now_us + (settlement.pause_us or 0)
            self.failures += 1
            self.backoff_seconds = _backoff(self.failures)
        if outcome is Outcome.RATE_LIMITED:
            self.backoff_seconds = _backoff(self.attempts - len(self.used))  # none while there are other keys
        if outcome in PASSES:
            if self.broken > _FAILURE_TRIES:
                return False
            late = self.attempts <= self.further_keys and self.failures <= _FAILURE_TRIES
            return late or self._may_wait_until(now_us + round(self.backoff_seconds * 1e6))
        return outcome in ROTATES

    def forgive_failures(self, now_us: int) -> int | None:
        """Where no other key can be used: microseconds until the first on which it failed may be. None: too late."""
        at_us = max(now_us, min(self.failed.values(), default=now_us))
        if not self.failed or not self._may_wait_until(at_us):
            return None
        self.failed = {key_id: until_us for key_id, until_us in self.failed.items() if until_us > at_us}
        return at_us - now_us

    def _may_wait_until(self, at_us: int) -> bool:
        return self.deadline_us is not None and at_us < self.deadline_us


def _backoff(times: int) -> float:
    """Seconds before the next attempt, after so many that went wrong alike."""
    return min(_LONGEST_BACKOFF_S, _FIRST_BACKOFF_S * 2 ** (times - 1)) if times > 0 else 0.0
