"""Decide what happens to a job after an error.

The job waits (`Wait`) if no key has capacity, if the error gives a retry time, or if the model's provider, the
database, or the broker is unavailable. A wait does not count as a retry, but most waits count toward the job's
deadline. After other transient errors, the job is tried again with a backoff (`TryAgain`), which counts as a retry.
After permanent errors, the job fails (`Fail`).
"""

import errno
import random
from dataclasses import dataclass
from datetime import datetime

import openai
from celery.exceptions import SoftTimeLimitExceeded

from app.errors import PropertyIntelligenceError, UnexpectedError
from app.errors.broker import BrokerUnavailableError
from app.errors.fetching import HostBusyError
from app.errors.jobs import DeadlineExceededError, JobTimeoutError, OutOfResourcesError
from app.errors.keys import CapacityError
from app.errors.models import ModelError, ModelUnreachableError
from app.errors.storage import StoreError
from app.errors.watches import WatchBudgetSpentError
from app.keypool.limits import parse_retry_after_us
from app.property.reading import budget
from app.redaction import redact
from app.services.scraping.model_calls import reason_of

#: A wait of up to this length becomes a countdown. A longer wait is stored as `due_at` in the jobs table. A worker
#: keeps the message during a countdown, so countdowns must be much shorter than the broker's visibility timeout.
LONGEST_COUNTDOWN_SECONDS = 30.0
MAX_RETRIES = 4
#: The wait for capacity if the error gives no retry time, and the wait for the database or the broker.
_DEFAULT_WAIT_SECONDS = 5.0
_SHORTEST_WAIT_SECONDS = 0.1
_FIRST_BACKOFF_SECONDS = 2.0
#: The longest time between two attempts to reach an unavailable provider, unless its `Retry-After` is longer.
_LONGEST_OUTAGE_WAIT_SECONDS = 300.0
#: Jobs that wait for the next day's budget start at random times within this period.
_NEXT_DAY_SPREAD_SECONDS = 300.0
#: If the soft time limit interrupts the reading of a page, the page counts as too complex (`PageTooComplexError`).
budget.INTERRUPTIONS.append(SoftTimeLimitExceeded)
_STATUS_TRANSIENT = frozenset({408, 409, 425})


@dataclass(frozen=True, slots=True)
class Wait:
    """Run again in `seconds`, which does not count as a retry. `charged_seconds` count toward the job's deadline."""

    seconds: float
    reason: PropertyIntelligenceError
    charged_seconds: float


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Run again in `seconds`, which counts as a retry. After `MAX_RETRIES`, the job fails with `error`."""

    seconds: float
    error: PropertyIntelligenceError


@dataclass(frozen=True, slots=True)
class Fail:
    error: PropertyIntelligenceError


Decision = Wait | TryAgain | Fail


@dataclass(frozen=True, slots=True)
class JobProgress:
    """A job's retries and waiting time so far, its maximum waiting time, and the soft time limit of a run."""

    retries: int
    waited_seconds: float
    deadline_seconds: float
    soft_limit_seconds: float = 270.0


def decide(exc: BaseException, progress: JobProgress, *, now: datetime, rng: random.Random, model: str) -> Decision:
    seconds = capacity_wait_seconds(exc, now)
    if seconds is not None:
        too_late = DeadlineExceededError(progress.waited_seconds, progress.deadline_seconds)
        return _wait(seconds, progress, CapacityError(seconds), too_late)
    error = to_own_error(exc, progress, model)
    if not error.transient:
        return Fail(error)
    if isinstance(error, ModelUnreachableError | StoreError | BrokerUnavailableError):  # an outage affects all jobs
        return _wait(_outage_wait_seconds(exc, error, progress, now, rng), progress, error, error)
    if isinstance(error, HostBusyError):
        return _wait_for_host(error, progress)
    asked = error.facts.get("retry_after_seconds")
    if isinstance(asked, int | float) and asked > 0:  # with waits of 0 s, the deadline would hardly ever be reached
        return _wait_as_asked(error, float(asked), progress, rng)
    return TryAgain(backoff_seconds(progress.retries, rng), error)


def _wait_as_asked(
    error: PropertyIntelligenceError, seconds: float, progress: JobProgress, rng: random.Random
) -> Decision:
    if isinstance(error, WatchBudgetSpentError):  # waiting for the next day's budget never counts toward the deadline
        return Wait(seconds + rng.uniform(0, _NEXT_DAY_SPREAD_SECONDS), error, 0.0)
    return _wait(seconds, progress, error, error)


def capacity_wait_seconds(exc: BaseException, now: datetime) -> float | None:
    """Return how long to wait for capacity, by default 5 s. Return None if `exc` does not report missing capacity."""
    if isinstance(exc, CapacityError):
        return float(exc.facts["retry_after_seconds"])
    if not isinstance(exc, openai.RateLimitError):
        return None
    microseconds = parse_retry_after_us(exc.response.headers, now)
    return _DEFAULT_WAIT_SECONDS if microseconds is None else microseconds / 1_000_000


def _outage_wait_seconds(
    exc: BaseException, error: PropertyIntelligenceError, progress: JobProgress, now: datetime, rng: random.Random
) -> float:
    """Return the seconds until the next attempt during an outage.

    For a model provider, this is about as long as the job has waited so far, so that its total wait doubles. The wait
    is at least the provider's `Retry-After`. For the database and the broker, it is about 5 s.
    """
    if not isinstance(error, ModelUnreachableError):
        return _DEFAULT_WAIT_SECONDS * rng.uniform(0.8, 1.2)
    named = parse_retry_after_us(exc.response.headers, now) if isinstance(exc, openai.APIStatusError) else None
    doubled = min(_LONGEST_OUTAGE_WAIT_SECONDS, max(_FIRST_BACKOFF_SECONDS, progress.waited_seconds))
    return max((named or 0) / 1_000_000, doubled * rng.uniform(0.75, 1.0))


def _wait(
    seconds: float, progress: JobProgress, reason: PropertyIntelligenceError, too_late: PropertyIntelligenceError
) -> Decision:
    left = progress.deadline_seconds - progress.waited_seconds
    if left <= 0:
        return Fail(too_late)
    # The last wait ends at the deadline. A minimum wait ensures that the deadline is reached.
    seconds = min(max(seconds, _SHORTEST_WAIT_SECONDS), left)
    return Wait(seconds, reason, seconds)


def _wait_for_host(busy: HostBusyError, progress: JobProgress) -> Decision:
    """Wait for the host's rate limit. Only the time during which the site rejected requests counts toward the deadline.

    Our own rate limit does not count, because the last of ten thousand pages of a site must wait for hours.
    """
    held = float(busy.facts["held_seconds"])
    if held > 0 and progress.waited_seconds >= progress.deadline_seconds:
        return Fail(busy)
    return Wait(max(float(busy.facts["retry_after_seconds"]), _SHORTEST_WAIT_SECONDS), busy, held)


def backoff_seconds(retries: int, rng: random.Random) -> float:
    """Return an exponential backoff with up to 50% jitter: 1 to 2 s at first, at most 30 s."""
    ceiling = min(LONGEST_COUNTDOWN_SECONDS, _FIRST_BACKOFF_SECONDS * 2.0**retries)
    return ceiling / 2 + rng.uniform(0, ceiling / 2)


def to_own_error(exc: BaseException, progress: JobProgress, model: str) -> PropertyIntelligenceError:
    """Convert `exc` to a `PropertyIntelligenceError`, which can be pickled for Celery's results and shows no key."""
    if isinstance(exc, PropertyIntelligenceError):
        return exc
    if isinstance(exc, SoftTimeLimitExceeded):
        return JobTimeoutError(progress.soft_limit_seconds)
    if isinstance(exc, openai.OpenAIError):
        return _model_error(exc, model)
    if _is_exhaustion(exc):
        return OutOfResourcesError(type(exc).__name__, redact(str(exc)))
    return UnexpectedError(type(exc).__name__, redact(str(exc)))


def _model_error(exc: openai.OpenAIError, model: str) -> PropertyIntelligenceError:
    if isinstance(exc, openai.APIConnectionError):
        return ModelUnreachableError(model, reason_of(exc))
    transient = isinstance(exc, openai.APIStatusError) and (
        exc.status_code >= 500 or exc.status_code in _STATUS_TRANSIENT
    )
    return (ModelUnreachableError if transient else ModelError)(model, reason_of(exc))


def _is_exhaustion(exc: BaseException) -> bool:
    if isinstance(exc, OSError):
        return exc.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN)
    return isinstance(exc, MemoryError) or (isinstance(exc, RuntimeError) and "start new thread" in str(exc))
