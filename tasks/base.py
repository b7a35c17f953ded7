"""The task classes: redacted arguments for all, one run a turn for what beat sends, and for jobs the one retry policy,
which is an override of `retry`.

Celery's own autoretry calls `Task.retry`, so does everything else that wants to come back; what to do is decided in
`policy.py`, and written to the jobs table here. The table comes first, the message second: if this process dies in
between, `recover_jobs` finds a queued job that nobody holds.
"""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any, NoReturn

from celery import Task
from celery.exceptions import Ignore, Reject, Retry
from kombu.exceptions import OperationalError
from openai import RateLimitError
from redis import RedisError
from structlog.contextvars import bind_contextvars

from app.clock import Clock, SystemClock
from app.errors import PropertyIntelligenceError
from app.errors.broker import BrokerUnavailableError
from app.errors.jobs import LeaseLostError, WorkerDiedError
from app.property.storage.jobs.models import Job
from app.property.urls.targets import host_of_target
from app.redaction import redact
from app.redis.embedded_valkey import connect
from app.services.reports.metrics.instruments import RunEnd, count_run
from app.services.runtime.retry import patiently
from app.tracing import current_span, span
from tasks.cleaning import without_secrets
from tasks.config import PRIORITIES, SCRAPE_QUEUE, TURN_HEADER, urgency_of
from tasks.lease import LeaseKeeper, new_owner
from tasks.policy import (
    LONGEST_COUNTDOWN_SECONDS,
    MAX_RETRIES,
    Decision,
    Fail,
    Standing,
    Wait,
    decide,
)
from tasks.resources import current

log = logging.getLogger(__name__)

_CLOCK_TOLERANCE_SECONDS = 5.0
#: how long a database that is busy is asked to take the new state of a job
_NOTE_PATIENCE_SECONDS = 15.0
#: of the time between two of beat's messages: one that comes late must not use up the turn of the next
_TURN_SHARE = 0.2
_UNDER_WAY: dict[str, threading.Lock] = {}


def _is_off(clock: Clock) -> bool:
    """True if this machine's own clock, by which Celery keeps countdowns, differs from the fleet's."""
    return abs((SystemClock().now() - clock.now()).total_seconds()) > _CLOCK_TOLERANCE_SECONDS


def _tell_of(job: Job) -> None:
    """Whose run this is, for its log lines and its span."""
    bind_contextvars(batch=job.batch_id)
    host = host_of_target(job.target)
    current_span().set({"propintel.batch.id": job.batch_id, "propintel.attempt": job.attempts, "server.address": host})


class RedactedTask(Task):
    """A task that a worker tells of with redacted arguments, and whose failure holds no secret: Celery keeps its
    message and its traceback as the result, and sends both to Flower.
    """

    abstract = True
    acks_late = True
    #: by its name: only workers import it
    Request = "tasks.received:RedactedRequest"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run in a context of its own: what is bound to log lines and spans ends with the run."""
        return contextvars.copy_context().run(self._run_clean, args, kwargs)

    def _run_clean(self, args: Any, kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except Exception as exc:  # noqa: BLE001 (whatever it is, Celery shows it)
            caught = without_secrets(exc)
        raise caught


class ScheduledTask(RedactedTask):
    """A task that beat sends, or another of its kind. Messages that piled up while nobody took them run once, not once
    each.

    Celery's `expires` would do the same by the clocks of two machines: a worker whose clock is ahead would drop all.
    """

    abstract = True
    #: a task whose part that may hang sees to it itself that it does so once
    may_overlap = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run, unless another message of this task and argument has just done so, or still does in this process."""
        turn_seconds = getattr(self.request, TURN_HEADER, None)
        if not turn_seconds:
            return super().__call__(*args, **kwargs)
        name = ":".join((self.name, *map(str, args)))
        under_way = threading.Lock() if self.may_overlap else _UNDER_WAY.setdefault(name, threading.Lock())
        if not under_way.acquire(blocking=False):  # what hangs must not take one thread of the pool after the other
            return {"skipped": "it is still running"}
        try:
            if not self._is_first(name, _TURN_SHARE * float(turn_seconds)):
                return {"skipped": "it has just run"}
            return super().__call__(*args, **kwargs)
        finally:
            under_way.release()

    def send_ahead(self, *args: str, turn_seconds: float = 5.0, **options: Any) -> None:
        """Have it run ahead of all jobs, once a turn. Raises what a broker that is away does."""
        self.apply_async(args, priority=PRIORITIES[0], headers={TURN_HEADER: turn_seconds}, **options)

    @staticmethod
    def _is_first(name: str, seconds: float) -> bool:
        try:
            with connect(current().settings, within_seconds=2) as redis:
                return bool(redis.set(f"{{propintel}}:turn:{name}", 1, nx=True, px=max(1, round(seconds * 1000))))
        except (BrokerUnavailableError, RedisError):
            return True


class JobTask(RedactedTask):
    """A task whose first argument is a job's id. Its run happens inside `working_on(job_id)`."""

    abstract = True
    max_retries = MAX_RETRIES
    #: A message whose process died comes back when the dead run's lease is likely over. If it is not, the message finds
    #: the lease and ends, and `recover_jobs` sends another.
    default_retry_delay = 31

    def __call__(self, job_id: str, *args: Any, **kwargs: Any) -> Any:
        """Run as one span of the trace whose id is the job's: there all its runs are found, wherever they were."""
        self.request.began = time.monotonic()
        about = {"propintel.job.id": job_id}
        with span("job", about, trace_id=job_id, expected=(Ignore, Reject, Retry)) as run:
            try:
                answer = super().__call__(job_id, *args, **kwargs)
            except Retry as exc:
                run.set({"propintel.outcome": "waiting", "propintel.reason": getattr(exc.exc, "code", None)})
                raise
            except PropertyIntelligenceError as exc:
                run.set({"propintel.outcome": "failed", "propintel.reason": exc.code})
                raise
            run.set({"propintel.outcome": answer.get("state") if isinstance(answer, dict) else None})
            return answer

    @contextmanager
    def working_on(self, job_id: str) -> Iterator[Job | None]:
        """Hold the job's lease for the block; None if there is nothing to do (held by another run, or ended).

        A block that raises `LeaseLostError` ends there: what it found is not stored. What else it raises goes through
        `retry`, so that the job's row never stays in "running".
        """
        bind_contextvars(job=job_id)
        try:
            owner, jobs, lease = new_owner(), current().jobs, current().settings.jobs.job_lease_seconds
            job = jobs.claim(job_id, owner, lease)
            self.request.job, self.request.owner = job, owner
            if job is None:
                yield None
                return
            _tell_of(job)
            self.request.claimed = time.monotonic()
            if job.attempts > self.max_retries + 1:  # every run before ended without a word: its process had died
                raise WorkerDiedError(job.attempts - 1)
            with LeaseKeeper(lambda: jobs.renew(job_id, owner, lease), lease / 3, self._longest_seconds()):
                yield job
        except LeaseLostError as exc:
            log.info("%s What this run found is not stored", exc)
            self.count_end("lost")
        except (Ignore, Reject, Retry, RateLimitError):
            raise  # autoretry takes RateLimitError to `retry`
        except Exception as exc:
            raise self.retry(exc=exc) from exc

    def retry(self, *args: Any, exc: Exception | None = None, **options: Any) -> Any:
        """Carry out what `policy.decide` says of `exc`; without one, as Celery's."""
        if exc is None or self.request.called_directly:
            return super().retry(*args, exc=exc, **options)
        decision = decide(
            exc,
            self._standing(),
            now=current().database.clock.now(),
            rng=current().rng,
            model=current().settings.openai.model,
        )
        return self._carry_out(decision, exc, lambda **more: super(JobTask, self).retry(*args, **more, **options))

    def _carry_out(self, decision: Decision, cause: Exception, resend: Callable[..., Any]) -> Any:
        if isinstance(decision, Fail):
            self._fail(decision.error, cause)
        if isinstance(decision, Wait):
            self._set_back(decision.seconds, decision.reason, counted=False, charged=decision.charged_seconds)
            with self._uncounted():
                return self._come_back(resend, decision.seconds, decision.reason)
        if self._standing().retries >= self.max_retries:
            self._fail(decision.error, cause)
        self._set_back(decision.seconds, decision.error, counted=True)
        return self._come_back(resend, decision.seconds, decision.error)

    @contextmanager
    def _uncounted(self) -> Iterator[None]:
        """A message that is sent again in the block costs no retry: Celery adds the one that is taken off here."""
        self.request.retries -= 1
        try:
            yield
        finally:
            self.request.retries += 1

    def _come_back(self, resend: Callable[..., Any], seconds: float, reason: PropertyIntelligenceError) -> Any:
        """Send the message ahead of others: its countdown begins only when a worker takes it from its queue."""
        job, _ = self._held()
        ahead = {} if job is None else {"priority": urgency_of(job)}
        try:
            return resend(exc=reason, countdown=seconds, queue=SCRAPE_QUEUE, **ahead)
        except (Reject, OperationalError, RedisError, OSError) as exc:  # Celery wraps what it could not send in Reject
            # the table knows when the job should have come back: recovery sends it then
            cause = exc.reason if isinstance(exc, Reject) else exc
            log.warning("The broker is away (%s); job %s waits in the table", type(cause).__name__, self.request.id)
            raise Retry(f"in {seconds:.0f} s, by recovery", reason, seconds) from exc

    def _set_back(
        self, seconds: float, reason: PropertyIntelligenceError, *, counted: bool, charged: float = 0.0
    ) -> None:
        """Give the lease back: queued for a countdown, or deferred for a longer wait, and then the task ends here.

        Deferred as well on a machine whose clock is wrong: a countdown is judged by the clock of whoever takes it.
        """
        job, owner = self._held()
        if job is None:
            return
        ended = partial(self.count_end, "retried" if counted else "deferred", reason.code)
        waited = job.waited_seconds + charged
        jobs = current().jobs
        clock = current().database.clock
        if seconds <= LONGEST_COUNTDOWN_SECONDS and not _is_off(clock):
            release = partial(jobs.release, job.id, owner, waited, SCRAPE_QUEUE, again_seconds=seconds, counted=counted)
            self._note(release, ended)
            return
        due_at = clock.now() + timedelta(seconds=seconds)
        defer = partial(jobs.defer, job.id, owner, due_at, waited, counted=counted)
        self._note(defer, ended)
        log.info("Job %s is deferred for %.0f s: %s", job.id, seconds, redact(str(reason)))
        raise Retry(f"deferred for {seconds:.0f} s", reason, due_at)

    def _fail(self, error: PropertyIntelligenceError, cause: Exception) -> NoReturn:
        job, owner = self._held()
        if job is not None:
            fail = partial(current().jobs.fail, job.id, error, owner)
            self._note(fail, partial(self.count_end, "failed", error.code))
            log.warning("Job %s failed (%s): %s", job.id, error.code, redact(str(error)))
        raise error from (None if cause is error else cause)

    def _note(self, write: Callable[[], bool], ended: Callable[[], None]) -> None:
        """Write to the jobs table, and count the run as `ended` if that took it.

        If it cannot be written the lease runs out and the job is recovered, so nothing is lost.
        """
        taken = False
        try:
            taken = patiently(write, current().database.clock, _NOTE_PATIENCE_SECONDS)
        except PropertyIntelligenceError as exc:
            log.warning("The state of a job could not be written, it will be recovered: %s", exc)
        if taken:
            ended()
        else:
            self.count_end("lost")

    def count_end(self, outcome: RunEnd, code: str = "") -> None:
        """Count the end of this run; once, and after what it led to is written."""
        count_run(outcome, time.monotonic() - self.request.claimed, code)

    def _held(self) -> tuple[Job | None, str]:
        return getattr(self.request, "job", None), getattr(self.request, "owner", "")

    def seconds_left(self) -> float:
        """What is left of this run until it is stopped (its soft time limit)."""
        began: float = self.request.began
        return self._soft_limit_seconds() - (time.monotonic() - began)

    def _soft_limit_seconds(self) -> float:
        return float(self.soft_time_limit or self.app.conf.task_soft_time_limit)

    def _longest_seconds(self) -> float:
        return float(self.time_limit or self.app.conf.task_time_limit)

    def _standing(self) -> Standing:
        job, _ = self._held()
        deadline = current().settings.jobs.scrape_deadline_seconds
        soft = self._soft_limit_seconds()
        if job is None:  # the claim itself failed: only Celery's count is known
            return Standing(self.request.retries, 0.0, deadline, soft)
        # the table's count outlives a message that was lost; it holds this run too
        return Standing(job.attempts - 1, job.waited_seconds, deadline, soft)
