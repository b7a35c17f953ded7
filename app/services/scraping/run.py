"""One run of a scrape: for whom it is, and for how long it may go on.

An address has many pages and up to two paid calls; a task has a few minutes. What a run has read and paid for stays, so
the run ends in time by itself, before it begins what it may not finish, and the next one goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from app.errors.jobs import LeaseLostError, OutOfTimeError
from app.property.storage.jobs.leases import Lease

#: A page with its robots.txt, redirects and the wait for its turn, and what is read of it.
PAGE_SECONDS = 90.0
#: A call of the model that the API takes its time for (OPENAI_TIMEOUT_SECONDS), the wait for a key, and storing it all.
CALL_SECONDS = 135.0
#: of the time that a run began with: with so much left it goes on in any case, else it might never get anywhere
_SHARE = 0.5
_AGAIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Run:
    """Who scrapes: the job of a lease (None: somebody who asks directly and does not come back) of a batch, which pays
    for it. `holds` asks whether it still has the lease.

    `is_last`: the job may not be put off by pages any more; `is_due`: it has waited as long as it may for anything.
    `seconds_left` tells how much of the run's time is left; None: there is no end to it. `led_by` is the URL of the
    search that found the target (see `Visitors.visit`); None: somebody asked for it. With `economy` the model's answer
    may come with a batch; `waited_for` is the request that the job has waited for already.
    """

    lease: Lease | None = None
    batch: str = ""
    is_last: bool = False
    is_due: bool = False
    seconds_left: Callable[[], float] | None = None
    led_by: str | None = None
    holds: Callable[[], bool] = lambda: True
    economy: bool = False
    waited_for: str | None = None
    _whole_seconds: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        if self.seconds_left is not None:
            object.__setattr__(self, "_whole_seconds", self.seconds_left())

    @property
    def job_id(self) -> str | None:
        return self.lease.job_id if self.lease is not None else None

    @property
    def may_wait(self) -> bool:
        """Whether it may be put off by a page: it is a job's, and not its last."""
        return self.lease is not None and not self.is_last

    @property
    def may_come_back(self) -> bool:
        """Whether it may be put off at no cost: it is a job's, and it has not waited as long as it may."""
        return self.lease is not None and not self.is_due

    def require_lease(self) -> None:
        """Raise `LeaseLostError` before anything is asked for that nobody would store."""
        if self.lease is not None and not self.holds():
            raise LeaseLostError(self.lease.job_id)

    def has(self, seconds: float) -> bool:
        """Return whether there is time for what takes up to `seconds`. Raises `OutOfTimeError` where there is not, and
        the job can come back for it."""
        if self.seconds_left is None or self.seconds_left() >= min(seconds, _SHARE * self._whole_seconds):
            return True
        if self.may_come_back:
            raise OutOfTimeError(_AGAIN_SECONDS)
        return False


NO_JOB = Run()
