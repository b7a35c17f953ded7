"""Submit jobs: write their rows and send their messages. The web server and the CLI both use this module."""

import logging
from collections.abc import Sequence

from celery import Celery

from app.errors import PropertyIntelligenceError
from app.plurals import counted
from app.property.storage.jobs.idempotency import RequestKey
from app.property.storage.jobs.models import Enqueued
from app.property.storage.jobs.repository import JobStore
from app.property.storage.jobs.usage import Requester
from app.redis.embedded_valkey import connect
from app.settings import Settings
from tasks import make_celery
from tasks._celery.publish import send_jobs

log = logging.getLogger(__name__)

#: The timeout of each call to the broker. It is short, because a user is waiting.
_BROKER_SECONDS = 3.0


def make_sender(settings: Settings) -> Celery:
    """Return a Celery app that only sends jobs. It ignores the jobs' results, because the jobs table has them.

    By default, Celery subscribes to a task's result before it sends the message. If Redis has just become unavailable,
    the subscription blocks for 20 seconds (seen with 5.7).
    """
    app = make_celery(settings)
    app.conf.task_ignore_result = True
    waits = {"socket_timeout": _BROKER_SECONDS, "socket_connect_timeout": _BROKER_SECONDS}
    app.conf.broker_transport_options = {**app.conf.broker_transport_options, **waits}
    return app


def submit_targets(
    jobs: JobStore,
    celery_app: Celery,
    settings: Settings,
    targets: Sequence[str],
    *,
    priority: int,
    refresh: bool,
    callback_url: str | None = None,
    economy: bool = False,
    requester: Requester | None = None,
) -> Enqueued:
    """Store a batch of jobs and send the new ones to the workers. Priority 0 is the most urgent, 9 the least.

    `callback_url` receives a webhook when all jobs have ended. If `economy`, the jobs may wait for a batch of model
    requests. The new jobs count toward the quota of `requester`.

    Raises `InvalidCallbackError` for a URL that cannot receive a webhook, `InvalidTargetError` for the first invalid
    target, `BrokerUnavailableError`, `StoreError`, and the errors of `JobStore.enqueue` about quotas and idempotency
    keys. After an error, new jobs are canceled, except jobs that a worker has already claimed.

    A request with a repeated idempotency key returns the batch of the first request. If the first request then cannot
    send its jobs, it does not fail, and recovery sends them.
    """
    key = requester.key if requester is not None else None
    if key is not None and (earlier := jobs.earlier(key)) is not None:
        return earlier
    callback = _checked(callback_url) if callback_url is not None else None
    connect(settings, within_seconds=_BROKER_SECONDS).close()
    enqueued = jobs.enqueue(
        targets, priority=priority, refresh=refresh, callback_url=callback, economy=economy, requester=requester
    )
    if enqueued.repeated:
        return enqueued
    new = set(enqueued.new)
    try:
        send_jobs(celery_app, jobs, [job for job in enqueued.jobs if job.id in new])
    except PropertyIntelligenceError as exc:
        if _withdraw(jobs, enqueued, requester):
            raise
        log.warning("A repeated request has already returned batch %s, so recovery sends it: %s", enqueued.batch, exc)
    except BaseException:
        _withdraw(jobs, enqueued, requester)
        raise
    else:
        if key is not None:
            _note_answered(jobs, key)
    return enqueued


def resubmit_jobs(
    jobs: JobStore, celery_app: Celery, settings: Settings, job_ids: Sequence[str], requester: Requester | None = None
) -> list[str]:
    """Queue and send failed and canceled jobs again, and return their ids.

    The jobs count toward the quota of `requester`. Raises `QuotaExceededError` or `BrokerUnavailableError` before any
    job is changed. If the broker fails later, `BrokerUnavailableError` is also raised, but the jobs stay queued and
    `recover_jobs` sends them.
    """
    connect(settings, within_seconds=_BROKER_SECONDS).close()
    chosen = jobs.retry(job_ids, requester)
    send_jobs(celery_app, jobs, chosen)
    return [job.id for job in chosen]


def _checked(callback_url: str) -> str:
    from app.services.delivery.webhooks import check_callback_url  # noqa: PLC0415 (loads the HTTP stack, half a second)

    return check_callback_url(callback_url)


def _note_answered(jobs: JobStore, key: RequestKey) -> None:
    try:
        jobs.note_answered(key)
    except PropertyIntelligenceError as exc:
        log.warning("Retries with this Idempotency-Key are delayed briefly: %s", exc)


def _withdraw(jobs: JobStore, enqueued: Enqueued, requester: Requester | None) -> bool:
    """Cancel the new jobs. Return False if the batch is kept, because a repeated request has already returned it."""
    try:
        return jobs.withdraw(enqueued, requester)
    except PropertyIntelligenceError as exc:
        log.warning("%s could be neither sent nor canceled: %s", counted(len(enqueued.new), "job"), exc)
        return True
