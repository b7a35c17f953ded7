"""After an error, the policy waits, retries, or fails the job."""

import errno
import pickle
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import openai
import pytest
from celery.exceptions import SoftTimeLimitExceeded

from app.errors import PropertyIntelligenceError, UnexpectedError
from app.errors.broker import BrokerUnavailableError
from app.errors.fetching import ConnectionFailedError, HostBusyError, TransientHttpStatusError
from app.errors.jobs import DeadlineExceededError, JobTimeoutError, OutOfTimeError
from app.errors.keys import CapacityError
from app.errors.models import ModelError, ModelUnreachableError
from app.errors.pages import PageGoneError
from app.errors.storage import DatabaseLockedError, DiskFullError, NotADatabaseError, RowGoneError
from app.errors.watches import WatchBudgetSpentError
from tasks.retry_policy import Decision, Fail, JobProgress, TryAgain, Wait, backoff_seconds, decide

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FRESH = JobProgress(retries=0, waited_seconds=0.0, deadline_seconds=3600.0)
OVER = replace(FRESH, waited_seconds=3600.0)
REQUEST = httpx2.Request("POST", "https://api.openai.com/v1/chat/completions")


def _decide(exc: BaseException, standing: JobProgress = FRESH) -> Decision:
    return decide(exc, standing, now=NOW, rng=random.Random(7), model="gpt-test")


def _http_date(seconds: float) -> str:
    return format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)


def _status_error(status: int, **headers: str) -> openai.APIStatusError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = httpx2.Response(status, headers=named, request=REQUEST)
    kind = openai.RateLimitError if status == 429 else openai.APIStatusError
    return kind("said the server", response=response, body=None)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after_ms": "4200"}, 4.2),
        ({"retry_after": "42"}, 42.0),
        ({"retry_after_ms": "1500", "retry_after": "2"}, 1.5),
        ({"retry_after": _http_date(90)}, 90.0),
        ({"date": _http_date(3600), "retry_after": _http_date(3690)}, 90.0),  # the provider's clock is ahead
        ({}, 5.0),
        ({"retry_after_ms": "0"}, 0.1),  # with a wait of 0 s, the job would retry forever without reaching the deadline
    ],
)
def test_a_rate_limit_waits_as_long_as_the_server_says(headers: dict[str, str], seconds: float) -> None:
    """`retry-after-ms` takes precedence over `retry-after` (seconds or a date, RFC 9110 section 10.2.3)."""
    decision = _decide(_status_error(429, **headers))
    assert isinstance(decision, Wait)
    assert decision.seconds == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("error", "seconds", "charged", "ends"),
    [
        (TransientHttpStatusError("https://a.example/", 503, 120.0), 120.0, 120.0, True),
        (HostBusyError("https://a.example/", 9000.0, 0.0), 9000.0, 0.0, False),
        (HostBusyError("https://a.example/", 9000.0, 600.0), 9000.0, 600.0, True),
        (OutOfTimeError(1.0), 1.0, 1.0, True),
    ],
)
def test_a_wait_that_an_error_names_is_used_and_counts_no_retry(
    error: PropertyIntelligenceError, seconds: float, charged: float, ends: bool
) -> None:
    """Waiting behind other requests to a site does not count toward the deadline: the last of many pages may wait for
    hours.
    """
    assert _decide(error, replace(FRESH, retries=9)) == Wait(seconds, error, charged)
    assert _decide(error, OVER) == (Fail(error) if ends else Wait(seconds, error, charged))


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (ConnectionFailedError("https://a.example/", "refused"), TryAgain),
        (TransientHttpStatusError("https://a.example/", 503, None), TryAgain),
        (TransientHttpStatusError("https://a.example/", 429, 0.0), TryAgain),
        (PageGoneError("https://a.example/", "410"), Fail),
        (NotADatabaseError("sqlite:///x", "file is not a database"), Fail),
    ],
)
def test_temporary_errors_are_tried_again_and_permanent_ones_fail(
    error: PropertyIntelligenceError, what: type[TryAgain | Fail]
) -> None:
    decision = _decide(error)
    assert type(decision) is what
    assert isinstance(decision, TryAgain | Fail)
    assert decision.error is error
    assert isinstance(decision, Fail) or 1.0 <= decision.seconds <= 2.0


def test_the_last_wait_ends_at_the_deadline_and_the_next_one_fails() -> None:
    """After 3,590 of 3,600 s, the wait is 10 s. After 3,600 s, the job fails and reports the time waited."""
    near = replace(FRESH, waited_seconds=3590.0)
    decision = _decide(_status_error(429, retry_after="42"), near)
    assert isinstance(decision, Wait)
    assert decision.seconds == pytest.approx(10.0)
    ended = _decide(_status_error(429, retry_after="42"), OVER)
    assert isinstance(ended, Fail)
    assert isinstance(ended.error, DeadlineExceededError)
    assert ended.error.facts == {"waited_seconds": 3600.0, "deadline_seconds": 3600.0}


@pytest.mark.parametrize(
    "error",
    [
        DatabaseLockedError("sqlite:///x", "busy"),
        RowGoneError("sqlite:///x", "FOREIGN KEY constraint failed"),
        DiskFullError("sqlite:///x", "full"),
        BrokerUnavailableError("redis://x", "refused"),
    ],
)
def test_outages_cost_no_retry_and_end_at_the_deadline(error: PropertyIntelligenceError) -> None:
    decision = _decide(error, replace(FRESH, retries=9))
    assert isinstance(decision, Wait)
    assert 4.0 <= decision.seconds <= 6.0
    assert decision.reason is error
    assert _decide(error, OVER) == Fail(error)


def test_a_job_waits_for_the_next_day_s_budget_on_any_number_of_days() -> None:
    """The wait does not count toward the job's deadline. The end of the wait is spread over five minutes."""
    spent = WatchBudgetSpentError("10 page requests", "WATCH_DAILY_PAGES", "2026-01-02T00:00:00+00:00", 3600.0)
    for standing in (FRESH, replace(FRESH, waited_seconds=FRESH.deadline_seconds)):
        decision = _decide(spent, standing)
        assert isinstance(decision, Wait)
        assert (decision.reason, decision.charged_seconds) == (spent, 0.0)
        assert 3600 < decision.seconds <= 3900


@pytest.mark.parametrize(
    ("exc", "kind", "what"),
    [
        (openai.APIConnectionError(request=REQUEST), ModelUnreachableError, Wait),
        (openai.APITimeoutError(request=REQUEST), ModelUnreachableError, Wait),
        (_status_error(500), ModelUnreachableError, Wait),
        (_status_error(401), ModelError, Fail),
        (_status_error(400), ModelError, Fail),
        (SoftTimeLimitExceeded(), JobTimeoutError, TryAgain),
        (CapacityError(12.5), CapacityError, Wait),
        (ValueError("Authorization: Bearer sk-proj-0123456789abcdefghij"), UnexpectedError, Fail),
    ],
)
def test_errors_of_libraries_become_errors_of_the_project(
    exc: Exception, kind: type[PropertyIntelligenceError], what: type[Wait | TryAgain | Fail]
) -> None:
    """Unlike `openai` errors, the project's errors keep their details when pickled and contain no key."""
    decision = _decide(exc)
    assert type(decision) is what
    error = decision.reason if isinstance(decision, Wait) else decision.error
    assert type(error) is kind
    assert "0123456789" not in str(error)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 (our own bytes)
    assert (type(again), again.args, str(again)) == (kind, error.args, str(error))


@pytest.mark.parametrize(("waited", "longest"), [(0.0, 2.0), (100.0, 100.0), (3000.0, 300.0)])
def test_waits_double_during_an_outage_of_the_provider(waited: float, longest: float) -> None:
    """The waits count toward the deadline, but not as retries."""
    decision = _decide(_status_error(503), replace(FRESH, waited_seconds=waited, retries=9))
    assert isinstance(decision, Wait)
    assert longest * 0.75 <= decision.seconds <= longest
    assert decision.charged_seconds == decision.seconds


def test_a_failing_provider_is_asked_again_at_the_time_that_it_names() -> None:
    decision = _decide(_status_error(503, retry_after="42"))
    assert isinstance(decision, Wait)
    assert decision.seconds == 42
    at_once = _decide(_status_error(503, retry_after="0"))
    assert isinstance(at_once, Wait)
    assert at_once.seconds >= 1.5


def test_backoff_doubles_has_jitter_and_a_ceiling() -> None:
    """The wait is random between half of the step and the whole step. A step is at most 30 s."""
    rng = random.Random(1)
    for retries, step in enumerate([2, 4, 8, 16, 30, 30]):
        drawn = [backoff_seconds(retries, rng) for _ in range(200)]
        assert all(step / 2 <= seconds <= step for seconds in drawn)
        assert max(drawn) - min(drawn) > step / 4


@pytest.mark.parametrize(
    "exc", [MemoryError(), RuntimeError("can't start new thread"), OSError(errno.EMFILE, "Too many open files")]
)
def test_missing_resources_cost_a_retry_and_not_the_job(exc: Exception) -> None:
    decision = _decide(exc)
    assert isinstance(decision, TryAgain)
    assert decision.error.code == "out_of_resources"
    assert type(exc).__name__ in str(decision.error)
