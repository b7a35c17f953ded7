"""What becomes of a job whose run raised: the one place where that is decided, free of Celery and of clocks.

Three answers. `Wait`: the keys have no room, the model's provider is away, the site named a time to come back, or our
own database or broker is away; it costs no retry and ends at the job's deadline. `TryAgain`: something failed that may
pass; it is counted and backs off with jitter. `Fail`: nothing helps.
"""

from __future__ import annotations

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

#: Up to here a wait is a countdown message, beyond it a `due_at` in the jobs table: a countdown is held by one worker,
#: and must stay far below the broker's visibility timeout.
LONGEST_COUNTDOWN_SECONDS = 30.0
#: retries of what failed and may pass
MAX_RETRIES = 4
#: a capacity wait without a named time, and one for our own database or broker
_DEFAULT_WAIT_SECONDS = 5.0
_SHORTEST_WAIT_SECONDS = 0.1
_FIRST_BACKOFF_SECONDS = 2.0
#: between two looks whether a provider that was away is back
_LONGEST_OUTAGE_WAIT_SECONDS = 300.0
#: over so long the jobs come back that wait for the next day's budget
_NEXT_DAY_SPREAD_SECONDS = 300.0
#: a page whose job runs out of time while it is read would do so again: that is the end of it
budget.INTERRUPTIONS.append(SoftTimeLimitExceeded)
_STATUS_TRANSIENT = frozenset({408, 409, 425})


@dataclass(frozen=True, slots=True)
class Wait:
    """Come back in `seconds`, at no cost, because of `reason`; `charged_seconds` count towards the job's deadline."""

    seconds: float
    reason: PropertyIntelligenceError
    charged_seconds: float


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Come back in `seconds`; counted against `max_retries`, and `error` is the end once they are used up."""

    seconds: float
    error: PropertyIntelligenceError


@dataclass(frozen=True, slots=True)
class Fail:
    """The job ends with `error`, which survives pickling."""

    error: PropertyIntelligenceError


Decision = Wait | TryAgain | Fail


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a job has come: counted retries, seconds waited for capacity, and the most it may wait."""

    retries: int
    waited_seconds: float
    deadline_seconds: float
    soft_limit_seconds: float = 270.0


def decide(exc: BaseException, standing: Standing, *, now: datetime, rng: random.Random, model: str) -> Decision:
    """What to do about `exc`. Raises nothing."""
    seconds = capacity_wait_seconds(exc, now)
    if seconds is not None:
        too_late = DeadlineExceededError(standing.waited_seconds, standing.deadline_seconds)
        return _wait(seconds, standing, CapacityError(seconds), too_late)
    error = our_error(exc, standing, model)
    if not error.transient:
        return Fail(error)
    if isinstance(error, ModelUnreachableError | StoreError | BrokerUnavailableError):  # over for all jobs at once
        return _wait(_outage_wait_seconds(exc, error, standing, now, rng), standing, error, error)
    if isinstance(error, HostBusyError):
        return _appointment(error, standing)
    asked = error.facts.get("retry_after_seconds")
    if isinstance(asked, int | float):
        return _asked_to_wait(error, float(asked), standing, rng)
    return TryAgain(backoff_seconds(standing.retries, rng), error)


def _asked_to_wait(
    error: PropertyIntelligenceError, seconds: float, standing: Standing, rng: random.Random
) -> Decision:
    if isinstance(error, WatchBudgetSpentError):  # on however many days: it costs nothing
        return Wait(seconds + rng.uniform(0, _NEXT_DAY_SPREAD_SECONDS), error, 0.0)
    return _wait(seconds, standing, error, error)


def capacity_wait_seconds(exc: BaseException, now: datetime) -> float | None:
    """The server's or the pool's own wait if `exc` says that capacity is missing, else None."""
    if isinstance(exc, CapacityError):
        return float(exc.facts["retry_after_seconds"])
    if not isinstance(exc, openai.RateLimitError):
        return None
    microseconds = parse_retry_after_us(exc.response.headers, now)
    return _DEFAULT_WAIT_SECONDS if microseconds is None else microseconds / 1_000_000


def _outage_wait_seconds(
    exc: BaseException, error: PropertyIntelligenceError, standing: Standing, now: datetime, rng: random.Random
) -> float:
    """Seconds before the next look whether what was away is back.

    A provider is given about as long as the job has waited so far, so that the waits double, or the longer time that it
    names.
    """
    if not isinstance(error, ModelUnreachableError):
        return _DEFAULT_WAIT_SECONDS * rng.uniform(0.8, 1.2)
    named = parse_retry_after_us(exc.response.headers, now) if isinstance(exc, openai.APIStatusError) else None
    doubled = min(_LONGEST_OUTAGE_WAIT_SECONDS, max(_FIRST_BACKOFF_SECONDS, standing.waited_seconds))
    return max((named or 0) / 1_000_000, doubled * rng.uniform(0.75, 1.0))


def _wait(
    seconds: float, standing: Standing, reason: PropertyIntelligenceError, too_late: PropertyIntelligenceError
) -> Decision:
    left = standing.deadline_seconds - standing.waited_seconds
    if left <= 0:
        return Fail(too_late)
    # the last try comes at the deadline itself; a wait of nothing would run in circles without getting nearer to it
    seconds = min(max(seconds, _SHORTEST_WAIT_SECONDS), left)
    return Wait(seconds, reason, seconds)


def _appointment(busy: HostBusyError, standing: Standing) -> Decision:
    """Of ten thousand pages of a site the last has its turn hours later: only what the site refuses is charged."""
    held = float(busy.facts["held_seconds"])
    if held > 0 and standing.waited_seconds >= standing.deadline_seconds:
        return Fail(busy)
    return Wait(max(float(busy.facts["retry_after_seconds"]), _SHORTEST_WAIT_SECONDS), busy, held)


def backoff_seconds(retries: int, rng: random.Random) -> float:
    """Exponential with "equal jitter" (half fixed, half drawn): 1 to 2 s at first, at most the longest countdown."""
    ceiling = min(LONGEST_COUNTDOWN_SECONDS, _FIRST_BACKOFF_SECONDS * 2.0**retries)
    return ceiling / 2 + rng.uniform(0, ceiling / 2)


def our_error(exc: BaseException, standing: Standing, model: str) -> PropertyIntelligenceError:
    """`exc` as an error of our own tree: it can be pickled, names its facts and shows no key."""
    if isinstance(exc, PropertyIntelligenceError):
        return exc
    if isinstance(exc, SoftTimeLimitExceeded):
        return JobTimeoutError(standing.soft_limit_seconds)
    if isinstance(exc, openai.OpenAIError):
        return _model_error(exc, model)
    if _is_exhaustion(exc):
        return OutOfResourcesError(type(exc).__name__, redact(str(exc)))
    return UnexpectedError(type(exc).__name__, redact(str(exc)))


def _model_error(exc: openai.OpenAIError, model: str) -> PropertyIntelligenceError:
    if isinstance(exc, openai.APIConnectionError):
        return ModelUnreachableError(model, redact(str(exc)))
    if isinstance(exc, openai.APIStatusError):
        transient = exc.status_code >= 500 or exc.status_code in _STATUS_TRANSIENT
        kind = ModelUnreachableError if transient else ModelError
        return kind(model, f"HTTP {exc.status_code}, {redact(str(exc.message))}")
    return ModelError(model, redact(str(exc)))


def _is_exhaustion(exc: BaseException) -> bool:
    if isinstance(exc, OSError):
        return exc.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN)
    return isinstance(exc, MemoryError) or (isinstance(exc, RuntimeError) and "start new thread" in str(exc))
