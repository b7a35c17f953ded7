"""The job and the time limits of one run of a scrape.

An address may need many pages and two paid calls, but a task may take only a few minutes. Therefore, a run stops before
a step that it might not finish. The next run continues with that step, because fetched pages and paid answers are
stored.
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
#: Maximum seconds for a model call, including the wait for a key, with the default of OPENAI_TIMEOUT_SECONDS.
CALL_SECONDS = 135.0
#: While at least this share of a run's time is left, any step may begin. Otherwise, a short run could never begin
#: a long step.
_SHARE = 0.5
_AGAIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a scrape. `lease` is the lease of its job, or None if there is no job.

    Model calls count toward the budget of `batch`, a batch of jobs. `holds` returns whether the lease is still valid.
    If `is_last`, a failed page is not requested again by a later run. If `is_due`, the job has reached its deadline,
    and must not be deferred. `seconds_left` returns the remaining time of the run, which is unlimited if None. `led_by`
    is the URL that led to the target (see `PageVisitor.visit`). If `economy`, model requests may wait for
    OpenAI's Batch API. `waited_for` is the id of the batch request that the job has waited for. `began_at` is when the
    job's first run began (None: now).
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

        Waiting for a busy site does not count as an attempt, so the job may wait until its deadline, even in the last
        attempt.
        """
        is_over = self.is_due if isinstance(exc, HostBusyError) else self.is_last
        return self.lease is not None and exc.transient and not is_over

    @property
    def may_come_back(self) -> bool:
        return self.lease is not None and not self.is_due

    def require_lease(self) -> None:
        """Raise `LeaseLostError` if the lease is lost, because a result could not be stored."""
        if self.lease is not None and not self.holds():
            raise LeaseLostError(self.lease.job_id)

    def has(self, seconds: float) -> bool:
        """Return whether there is time for a step of up to `seconds`.

        Raises `OutOfTimeError` if there is too little time and the job can be retried later.
        """
        if self.seconds_left is None or self.seconds_left() >= min(seconds, _SHARE * self._whole_seconds):
            return True
        if self.may_come_back:
            raise OutOfTimeError(_AGAIN_SECONDS)
        return False


NO_JOB = Run()
