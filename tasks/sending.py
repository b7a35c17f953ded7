"""From the jobs table to the broker: how a door, or recovery, sends the messages of queued jobs."""

from __future__ import annotations

from collections.abc import Iterable

import redis
from celery import Celery
from kombu.exceptions import OperationalError

from app.errors import BrokerUnavailableError
from app.property.store import Job
from app.services.embedded_valkey import without_password


def send_jobs(celery_app: Celery, jobs: Iterable[Job]) -> int:
    """Send one message per job, over one connection; -> how many were sent.

    The message's id is the job's, so that Flower shows it; its priority too (0 is the most urgent, 9 the least). A
    message sent twice does no harm. Raises `BrokerUnavailableError`; the jobs stay queued in the table, and
    `recover_jobs` sends them later.
    """
    celery_app.loader.import_default_modules()
    task = celery_app.tasks["tasks.scrape.scrape_property"]
    sent = 0
    try:
        with celery_app.producer_pool.acquire(block=True) as producer:
            for job in jobs:
                task.apply_async((job.id,), task_id=job.id, priority=job.priority, producer=producer)
                sent += 1
    except (OperationalError, redis.RedisError, OSError) as exc:
        url = without_password(str(celery_app.conf.broker_url))
        raise BrokerUnavailableError(url, str(exc) or type(exc).__name__) from exc
    return sent
