"""The job and the time limits of one run of a scrape.

An address can need many pages and up to two paid calls, but a task may take only a few minutes. Therefore, a run stops
before a step that it might not finish. The next run continues there, because fetched pages and paid answers are stored.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from app.errors import PropertyIntelligenceError
from app.errors.fetching import HostBusyError
from app.errors.jobs import LeaseLostError, OutOfTimeError
from app.property.storage.jobs.leases import Lease

#: Maximum seconds for a page, including robots.txt, redirects, the wait for the site's rate limit, and reading.
PAGE_SECONDS = 90.0
#: Seconds for a model call with the default OPENAI_TIMEOUT_SECONDS, the wait for a key, and storing the result.
CALL_SECONDS = 135.0
#: While at least this share of a run's time is left, any step may begin. Otherwise, a short run could never begin a
#: step that may take longer than the whole run.
_SHARE = 0.5
_AGAIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a scrape. `lease` is the lease of the job; None means that there is no job, and no retry.

    The run's model calls count toward the budget of `batch`. `holds` returns whether the lease is still valid. If
    `is_last`, no later run requests a page again because it failed. If `is_due`, the job has reached its deadline, and
    is not deferred for any reason. `seconds_left` returns the run's remaining time; None means unlimited. `led_by` is
    the URL of the search that found the target (see `PageVisitor.visit`). If `economy`, model requests may be sent
    through OpenAI's Batch API. `waited_for` is the id of the batch request that the job has waited for. `began_at` is
    the start of the job's first run; None means now.
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
    began_at: datetime | None = None
    _whole_seconds: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        if self.seconds_left is not None:
            object.__setattr__(self, "_whole_seconds", self.seconds_left())

    @property
    def job_id(self) -> str | None:
        return self.lease.job_id if self.lease is not None else None

    def retries_after(self, exc: PropertyIntelligenceError) -> bool:
        """Return whether the job requests a page again after `exc`.

        Waiting for a busy site is no attempt. Therefore, it is possible until the deadline, even in the last attempt.
        """
        is_over = self.is_due if isinstance(exc, HostBusyError) else self.is_last
        return self.lease is not None and exc.transient and not is_over

    @property
    def may_come_back(self) -> bool:
        """Whether the job can be retried later: there is a job, and it has not reached its deadline."""
        return self.lease is not None and not self.is_due

    def require_lease(self) -> None:
        """Raise `LeaseLostError` if the lease is lost, so that no request is made whose result cannot be stored."""
        if self.lease is not None and not self.holds():
            raise LeaseLostError(self.lease.job_id)

    def has(self, seconds: float) -> bool:
        """Return whether there is time for a step of up to `seconds`.

        Raises `OutOfTimeError` if the time is too short and the job can be retried later.
        """
        if self.seconds_left is None or self.seconds_left() >= min(seconds, _SHARE * self._whole_seconds):
            return True
        if self.may_come_back:
            raise OutOfTimeError(_AGAIN_SECONDS)
        return False


NO_JOB = Run()
