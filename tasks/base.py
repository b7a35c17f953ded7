"""The base classes of the tasks.

`RedactedTask` hides secrets. `ScheduledTask` drops duplicate messages from beat. `JobTask` holds a job's lease and
applies the retry policy: it overrides `retry`, which Celery's autoretry also calls. `retry_policy.py` decides what
happens after an error, and this module writes the decision to the jobs table.

The table is written before the message is sent. If the process crashes before it sends the message, `recover_jobs`
finds the queued job and sends it.
"""

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
from app.errors import ConfigurationError, PropertyIntelligenceError
from app.errors.broker import BrokerUnavailableError
from app.errors.jobs import LeaseLostError, WorkerDiedError
from app.errors.storage import StoreError
from app.property.storage.jobs.models import Job
from app.property.urls.targets import host_of_target
from app.redaction import redact
from app.redis.embedded_valkey import connect
from app.services.openai_client_manager import OpenAIClientManager
from app.services.reports.metrics.instruments import RunEnd, count_run
from app.services.runtime.retry import retry_on_store_error
from app.tracing import current_span, span
from tasks._celery.config import INTERVAL_HEADER, PRIORITIES, SCRAPE_QUEUE, message_priority
from tasks._celery.context import current
from tasks._celery.lease import LeaseKeeper, new_owner
from tasks._celery.redaction import without_secrets
from tasks.retry_policy import LONGEST_COUNTDOWN_SECONDS, MAX_RETRIES, Decision, Fail, JobProgress, Wait, decide

log = logging.getLogger(__name__)

_CLOCK_TOLERANCE_SECONDS = 5.0
#: How long a failed write of a job's new state is repeated, in seconds.
_STORE_PATIENCE_SECONDS = 15.0
#: A message is dropped if its task ran less than this share of the interval ago. The share is small, because the
#: message after a delayed one comes early.
_DUPLICATE_SHARE = 0.2
_RUNNING: dict[str, threading.Lock] = {}


def _local_clock_is_wrong(clock: Clock) -> bool:
    """Return whether this machine's clock, which Celery uses for countdowns, differs from the fleet's clock."""
    return abs((SystemClock().now() - clock.now()).total_seconds()) > _CLOCK_TOLERANCE_SECONDS


def _label_run(job: Job) -> None:
    bind_contextvars(batch=job.batch_id)
    host = host_of_target(job.target)
    current_span().set({"propintel.batch.id": job.batch_id, "propintel.attempt": job.attempts, "server.address": host})


class RedactedTask(Task):
    """A task whose shown arguments and raised exceptions contain no secrets.

    This is necessary because Celery stores exceptions as results and sends them to Flower.
    """

    abstract = True
    acks_late = True
    #: Errors that are only logged as a warning, because the task soon runs again.
    passing_errors: tuple[type[Exception], ...] = ()
    #: The class of received messages. It is given by name, so that only workers import it.
    Request = "tasks._celery.redacted_request:RedactedRequest"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run in a copy of the context, so that values bound to log lines and spans are dropped after the run."""
        return contextvars.copy_context().run(self._run_clean, args, kwargs)

    def _run_clean(self, args: Any, kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except self.passing_errors as exc:
            log.warning("%s did not finish; the next run tries again: %s", self.name, redact(str(exc)))
            return {"error": type(exc).__name__}
        except Exception as exc:  # noqa: BLE001 (Celery shows every exception)
            caught = without_secrets(exc)
        raise caught


class ScheduledTask(RedactedTask):
    """A task that beat sends at an interval. If several messages have accumulated, only the first one runs.

    If the database or the broker is unavailable, a run logs a warning and returns `{"error": name of the exception}`.
    Celery's `expires` is not used, because a worker whose clock is far ahead of beat's would drop every message.
    """

    abstract = True
    passing_errors = (StoreError, ConfigurationError, BrokerUnavailableError, OperationalError, RedisError)
    #: True if runs of the task in one process may overlap. The task must then limit how many of them block.
    may_overlap = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        interval_seconds = getattr(self.request, INTERVAL_HEADER, None)
        if not interval_seconds:
            return super().__call__(*args, **kwargs)
        name = ":".join((self.name, *map(str, args)))
        running = threading.Lock() if self.may_overlap else _RUNNING.setdefault(name, threading.Lock())
        if not running.acquire(blocking=False):  # messages of a hanging task must not block more and more threads
            return {"skipped": "it is still running"}
        try:
            if not self._is_first(name, _DUPLICATE_SHARE * float(interval_seconds)):
                return {"skipped": "it has just run"}
            return super().__call__(*args, **kwargs)
        finally:
            running.release()

    def send_ahead(self, *args: str, interval_seconds: float = 5.0, **options: Any) -> None:
        """Send a message for this task with the highest priority. It is skipped if the task has just run.

        Raises errors of the broker.
        """
        self.apply_async(args, priority=PRIORITIES[0], headers={INTERVAL_HEADER: interval_seconds}, **options)

    @staticmethod
    def _is_first(name: str, seconds: float) -> bool:
        try:
            with connect(current().settings, within_seconds=2) as redis:
                return bool(redis.set(f"{{propintel}}:ran:{name}", 1, nx=True, px=max(1, round(seconds * 1000))))
        except (BrokerUnavailableError, RedisError):
            return True


class JobTask(RedactedTask):
    """A task whose first argument is a job id. Its body must run inside `working_on(job_id)`."""

    abstract = True
    max_retries = MAX_RETRIES
    #: If a worker process crashes, Celery sends the job's message again after this many seconds, when the crashed run's
    #: lease has probably expired. If the lease has not expired, the message is skipped, and `recover_jobs` later sends
    #: another.
    default_retry_delay = 31

    def __call__(self, job_id: str, *args: Any, **kwargs: Any) -> Any:
        """Run inside a tracing span. All runs of a job, on any machine, belong to the trace with the job's id."""
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

    @property
    def manager(self) -> OpenAIClientManager:
        return current().manager

    @contextmanager
    def working_on(self, job_id: str) -> Iterator[Job | None]:
        """Hold the job's lease during the `with` block. Yield None if another run holds the job or the job has ended.

        A `LeaseLostError` in the block is only logged. The job's other errors go through `retry`, so that the job does
        not stay in the state "running".
        """
        bind_contextvars(job=job_id)
        try:
            owner, jobs, lease = new_owner(), current().jobs, current().settings.jobs.job_lease_seconds
            job = jobs.claim(job_id, owner, lease)
            self.request.job, self.request.owner = job, owner
            if job is None:
                yield None
                return
            _label_run(job)
            self.request.claimed = time.monotonic()
            if job.attempts > self.max_retries + 1:  # the last allowed run did not fail the job, so its process crashed
                raise WorkerDiedError(job.attempts - 1)
            with LeaseKeeper(lambda: jobs.renew(job_id, owner, lease), lease / 3, self._longest_seconds()):
                yield job
        except LeaseLostError as exc:
            log.info("%s The results of this run are not stored", exc)
            self.count_end("lost")
        except (Ignore, Reject, Retry, RateLimitError):
            raise  # autoretry passes RateLimitError to `retry`
        except Exception as exc:
            raise self.retry(exc=exc) from exc

    def retry(self, *args: Any, exc: Exception | None = None, **options: Any) -> Any:
        """Apply the decision of `retry_policy.decide` about `exc`.

        If `exc` is None, or the task was called without a worker, retry as Celery does.
        """
        if exc is None or self.request.called_directly:
            return super().retry(*args, exc=exc, **options)
        decision = decide(
            exc,
            self._progress(),
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
        if self._progress().retries >= self.max_retries:
            self._fail(decision.error, cause)
        self._set_back(decision.seconds, decision.error, counted=True)
        return self._come_back(resend, decision.seconds, decision.error)

    @contextmanager
    def _uncounted(self) -> Iterator[None]:
        """Lower Celery's retry count by 1 during the block, because Celery adds 1 in the message sent there."""
        self.request.retries -= 1
        try:
            yield
        finally:
            self.request.retries += 1

    def _come_back(self, resend: Callable[..., Any], seconds: float, reason: PropertyIntelligenceError) -> Any:
        """Send the message for the next run.

        Its priority is higher, because its countdown begins when a worker receives it.
        """
        job, _ = self._held()
        ahead = {} if job is None else {"priority": message_priority(job)}
        try:
            return resend(exc=reason, countdown=seconds, queue=SCRAPE_QUEUE, **ahead)
        except (Reject, OperationalError, RedisError, OSError) as exc:  # Celery wraps a failed send in Reject
            cause = exc.reason if isinstance(exc, Reject) else exc
            log.warning("The broker is away (%s); recovery sends job %s again", type(cause).__name__, self.request.id)
            raise Retry(f"in {seconds:.0f} s, by recovery", reason, seconds) from exc

    def _set_back(
        self, seconds: float, reason: PropertyIntelligenceError, *, counted: bool, charged: float = 0.0
    ) -> None:
        """Release the lease, and queue the job with a countdown.

        Defer the job and raise `Retry` if the wait is too long for a countdown, or if this machine's clock, which
        countdowns use, is wrong.
        """
        job, owner = self._held()
        if job is None:
            return
        ended = partial(self.count_end, "retried" if counted else "deferred", reason.code)
        waited = job.waited_seconds + charged
        jobs = current().jobs
        clock = current().database.clock
        if seconds <= LONGEST_COUNTDOWN_SECONDS and not _local_clock_is_wrong(clock):
            release = partial(jobs.release, job.id, owner, waited, SCRAPE_QUEUE, again_seconds=seconds, counted=counted)
            self._store(release, ended)
            return
        due_at = clock.now() + timedelta(seconds=seconds)
        defer = partial(jobs.defer, job.id, owner, due_at, waited, counted=counted)
        self._store(defer, ended)
        log.info("Job %s is deferred for %.0f s: %s", job.id, seconds, redact(str(reason)))
        raise Retry(f"deferred for {seconds:.0f} s", reason, due_at)

    def _fail(self, error: PropertyIntelligenceError, cause: Exception) -> NoReturn:
        job, owner = self._held()
        if job is not None:
            fail = partial(current().jobs.fail, job.id, error, owner)
            self._store(fail, partial(self.count_end, "failed", error.code))
            log.warning("Job %s failed (%s): %s", job.id, error.code, redact(str(error)))
        raise error from (None if cause is error else cause)

    def _store(self, write: Callable[[], bool], ended: Callable[[], None]) -> None:
        """Write to the jobs table, and call `ended` if this run still holds the job.

        If the write fails, the lease expires, and `recover_jobs` sends the job again.
        """
        written = False
        try:
            written = retry_on_store_error(write, current().database.clock, _STORE_PATIENCE_SECONDS)
        except PropertyIntelligenceError as exc:
            log.warning("The state of a job could not be stored; the job will be recovered: %s", exc)
        if written:
            ended()
        else:
            self.count_end("lost")

    def count_end(self, outcome: RunEnd, code: str = "") -> None:
        """Count the end of this run in the metrics. Call this once per run, after the result is stored."""
        count_run(outcome, time.monotonic() - self.request.claimed, code)

    def _held(self) -> tuple[Job | None, str]:
        return getattr(self.request, "job", None), getattr(self.request, "owner", "")

    def seconds_left(self) -> float:
        began: float = self.request.began
        return self._soft_limit_seconds() - (time.monotonic() - began)

    def _soft_limit_seconds(self) -> float:
        return float(self.soft_time_limit or self.app.conf.task_soft_time_limit)

    def _longest_seconds(self) -> float:
        return float(self.time_limit or self.app.conf.task_time_limit)

    def _progress(self) -> JobProgress:
        job, _ = self._held()
        deadline = current().settings.jobs.scrape_deadline_seconds
        soft = self._soft_limit_seconds()
        if job is None:  # claiming the job failed, so only Celery's retry count is known
            return JobProgress(self.request.retries, 0.0, deadline, soft)
        # the jobs table counts runs even if messages are lost; `attempts` includes this run
        return JobProgress(job.attempts - 1, job.waited_seconds, deadline, soft)
