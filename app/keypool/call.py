"""The state of one request in the pool. It determines which keys are still allowed and whether to retry.

A request may use the same key again after a 429 or a server failure. Retries after interrupted responses are limited,
because such responses may have been billed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from app.keypool.outcomes import BARS_KEY, PASSES, ROTATES, Outcome
from app.keypool.stores.base import Lease, Settlement

#: The first and the longest pause between retries, in seconds. Each further failure doubles the pause.
_FIRST_BACKOFF_S, _LONGEST_BACKOFF_S = 0.1, 2.0
#: Maximum retries after interrupted responses and, once the caller's maximum wait is over, after server failures.
_FAILURE_TRIES = 2


@dataclass(slots=True)
class Call:
    """The requirements and previous attempts of one request. Not thread-safe.

    The request may wait `max_wait_us` in total and use up to `further_keys` keys besides the first. Times come from the
    store's clock.
    """

    model: str
    tokens: float
    max_wait_us: int
    further_keys: int
    microusd: int = 0
    batch: str = ""
    #: The end of the maximum wait. The first call of `KeyPool.step` sets it.
    deadline_us: int | None = None
    reservation: Lease | None = None
    #: The time when the reserved key has capacity, so that the request may be sent.
    reserved_until_us: int = 0
    #: True if the request waited for a reserved key and then lost the reservation.
    waited: bool = False
    backoff_seconds: float = 0.0
    #: The ids of keys that this request must not use.
    barred: set[str] = field(default_factory=set)
    #: Maps each key whose attempt failed (server failure or no response) to the time when this request may use it
    #: again. Such a key is used only if no other key is available.
    failed: dict[str, int] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    attempts: int = 0
    failures: int = 0
    #: How many responses were interrupted after their headers.
    broken: int = 0

    def sent_with(self, key_id: str) -> None:
        self.used.add(key_id)
        self.attempts += 1

    def barred_keys(self, all_keys: Iterable[str]) -> frozenset[str]:
        unused = set(all_keys) - self.used if len(self.used) > self.further_keys else set[str]()
        return frozenset(self.barred | self.failed.keys() | unused)

    def tries_again(self, key_id: str, settlement: Settlement, now_us: int) -> bool:
        """Record the outcome of an attempt with this key, and return whether the request may be sent again."""
        outcome = settlement.outcome
        if outcome in BARS_KEY:
            self.barred.add(key_id)
        if outcome is Outcome.SERVER_FAILURE:
            self.failed[key_id] = now_us + (settlement.pause_us or 0)
            self.failures += 1
            self.backoff_seconds = _backoff(self.failures)
        if outcome is Outcome.RATE_LIMITED:
            self.backoff_seconds = _backoff(self.attempts - len(self.used))  # 0 until a key has been used twice
        if outcome in PASSES:
            if self.broken > _FAILURE_TRIES:
                return False
            late = self.attempts <= self.further_keys and self.failures <= _FAILURE_TRIES
            return late or self._may_wait_until(now_us + round(self.backoff_seconds * 1e6))
        return outcome in ROTATES

    def forgive_failures(self, now_us: int) -> int | None:
        """Let the request use those failed keys again whose pause ends first. Return the time until then in
        microseconds.

        Return None if no key failed, or if the pause ends after the request's deadline.
        """
        at_us = max(now_us, min(self.failed.values(), default=now_us))
        if not self.failed or not self._may_wait_until(at_us):
            return None
        self.failed = {key_id: until_us for key_id, until_us in self.failed.items() if until_us > at_us}
        return at_us - now_us

    def _may_wait_until(self, at_us: int) -> bool:
        return self.deadline_us is not None and at_us < self.deadline_us


def _backoff(failures: int) -> float:
    return min(_LONGEST_BACKOFF_S, _FIRST_BACKOFF_S * 2 ** (failures - 1)) if failures > 0 else 0.0
