"""The job and the time limits of one run of a scrape.

An address can need many pages and up to two paid calls, but a task may take only a few minutes. Therefore, a run stops
before a step that it might not finish. The next run continues there, because fetched pages and paid answers are stored.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from app.errors.jobs import LeaseLostError, OutOfTimeError
from app.property.storage.jobs.leases import Lease

#: The maximum time for a page with its robots.txt, redirects, the wait for its host, and the reading.
PAGE_SECONDS = 90.0
#: The maximum time for a model call (OPENAI_TIMEOUT_SECONDS), the wait for a key, and storing the result.
CALL_SECONDS = 135.0
#: A run with at least this share of its time left always continues. Without this rule, a run whose whole time is
#: shorter than the maximum time of a step could never begin that step.
_SHARE = 0.5
_AGAIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Run:
    """A run of the job with this `lease`. If `lease` is None, a direct caller started the run and does not retry it.

    The run's model calls count toward the budget of `batch`. `holds` returns whether the lease is still valid. If
    `is_last`, pages can no longer defer the job. If `is_due`, the job has reached its deadline and is not deferred for
    any reason. `seconds_left` returns the run's remaining time; None means unlimited. `led_by` is the URL of the search
    that found the target (see `PageVisitor.visit`). If `economy`, model requests may wait for a batch; `waited_for` is
    the id of the request that the job has waited for.
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
        """Whether a page may defer the job: the run belongs to a job, and is not the job's last run."""
        return self.lease is not None and not self.is_last

    @property
    def may_come_back(self) -> bool:
        """Whether the job can be retried later: the run belongs to a job that has not reached its deadline."""
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
