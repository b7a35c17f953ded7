"""From targets to jobs on their way: the one sequence by which every door enqueues.

Leaves the rows to the job store and the messages to `sending`; sees to it that a call which fails leaves no job behind.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from celery import Celery

from app.errors import PropertyIntelligenceError
from app.property.storage.jobs.idempotency import RequestKey
from app.property.storage.jobs.models import Enqueued
from app.property.storage.jobs.repository import JobStore
from app.property.storage.jobs.usage import Requester
from app.redis.embedded_valkey import connect
from app.settings import Settings
from tasks import make_celery
from tasks.sending import send_jobs

log = logging.getLogger(__name__)

#: for so long a door waits for each answer of the broker: its caller waits too, and a broker that hangs answers nobody
_BROKER_SECONDS = 3.0


def make_sender(settings: Settings) -> Celery:
    """The Celery app of a door, which sends jobs and never waits for their results: the jobs table has them.

    Otherwise Celery subscribes to the result of each message before it sends it; when Redis has just gone away it tries
    that for 20 seconds and then raises an error of its own (seen with Celery 5.7).
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
    """Write a batch of jobs and send the new ones. Priority 0 is the most urgent, 9 the least.

    `callback_url` is told when all of them are over; `economy` jobs may wait for the model's batch. Raises
    `InvalidCallbackError` for one that no webhook can be sent to, `InvalidTargetError` for the first target that is
    none, `BrokerUnavailableError`, or `StoreError`; then no job is left to run: the broker is asked before a row is
    written, and rows that could not be sent are cancelled. But for those that a worker has had meanwhile: whoever asks
    again is told of them.

    The new jobs are charged to `requester`; one that repeats its request with the same key is told of the first batch,
    for which nothing is needed any more. If that happens before the first request has failed, the batch stands and
    recovery sends it, and the first request is told of it too. Raises what `JobStore.enqueue` does about quotas and
    keys.
    """
    key = requester.key if requester is not None else None
    if key is not None and (earlier := jobs.earlier(key)) is not None:
        return earlier
    told = _checked(callback_url) if callback_url is not None else None
    connect(settings, within_seconds=_BROKER_SECONDS).close()
    enqueued = jobs.enqueue(
        targets, priority=priority, refresh=refresh, callback_url=told, economy=economy, requester=requester
    )
    if enqueued.repeated:
        return enqueued
    new = set(enqueued.new)
    try:
        send_jobs(celery_app, jobs, [job for job in enqueued.jobs if job.id in new])
    except PropertyIntelligenceError as exc:
        if _withdraw(jobs, enqueued, requester):
            raise
        log.warning("Batch %s was promised to a repetition of its request; recovery sends it: %s", enqueued.batch, exc)
    except BaseException:
        _withdraw(jobs, enqueued, requester)
        raise
    else:
        if key is not None:
            _note_answered(jobs, key)
    return enqueued


def resubmit_jobs(
    jobs: JobStore,
    celery_app: Celery,
    settings: Settings,
    job_ids: Sequence[str],
    requester: Requester | None = None,
) -> list[str]:
    """Queue failed and cancelled jobs anew and send them; -> the ids of those that were. They count for `requester`.

    Raises `QuotaExceededError` if they are more than are left, and `BrokerUnavailableError`, before one is changed.
    If the broker goes away after that, the jobs stay queued and `recover_jobs` sends them.
    """
    connect(settings, within_seconds=_BROKER_SECONDS).close()
    chosen = jobs.retry(job_ids, requester)
    send_jobs(celery_app, jobs, chosen)
    return [job.id for job in chosen]


def _checked(callback_url: str) -> str:
    from app.services.delivery.webhooks import check_callback_url  # noqa: PLC0415 (the HTTP stack: half a second that few need)

    return check_callback_url(callback_url)


def _note_answered(jobs: JobStore, key: RequestKey) -> None:
    try:
        jobs.note_answered(key)
    except PropertyIntelligenceError as exc:  # the jobs are on their way all the same
        log.warning("Whoever repeats the request with the same key has to wait a little: %s", exc)


def _withdraw(jobs: JobStore, enqueued: Enqueued, requester: Requester | None) -> bool:
    """False if the batch stands. True if nobody knows: whoever asks again finds out."""
    try:
        return jobs.withdraw(enqueued, requester)
    except PropertyIntelligenceError as exc:
        log.warning("%d jobs were not sent and could not be cancelled either: %s", len(enqueued.new), exc)
        return True
