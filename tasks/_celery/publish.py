"""Send the messages of queued jobs to the broker, and count the messages that are waiting in its queues."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import redis
from celery import Celery
from kombu.exceptions import BatchPublishError, ChannelError, OperationalError

from app.property.storage.jobs.models import Job
from app.property.storage.jobs.repository import JobStore
from app.property.storage.statements import chunks
from app.redis.embedded_valkey import broker_error
from tasks._celery.config import LANES, lane_of, message_priority

#: How many jobs are sent in one round trip and then marked as sent.
_CHUNK = 500
_TRIES = 3


def send_jobs(celery_app: Celery, store: JobStore, jobs: Sequence[Job]) -> int:
    """Send one message per job, mark the jobs as sent, and return the number of jobs.

    The message's id is the job's id, so that Flower shows it. Workers skip duplicate messages. Raises
    `BrokerUnavailableError` or `StoreError`; the jobs then stay queued in the table until `recover_jobs` sends them.
    """
    celery_app.loader.import_default_modules()
    with broker_errors(celery_app):
        for some in chunks(jobs, _CHUNK):
            _send_together(celery_app, some)
            for lane in LANES:
                store.mark_sent([job for job in some if lane_of(job) == lane], lane)
    return len(jobs)


def _send_together(celery_app: Celery, jobs: Sequence[Job]) -> None:
    task = celery_app.tasks["tasks.scrape.scrape_property"]
    for attempt in range(1, _TRIES + 1):
        try:
            with celery_app.producer_pool.acquire(block=True) as producer:
                for lane in LANES:  # not inside the batch, because declaring a queue may replace the channel
                    producer.maybe_declare(celery_app.amqp.queues[lane], retry=True)
                with producer.batch(4 * _CHUNK):
                    for job in jobs:
                        lane = lane_of(job)
                        task.apply_async(
                            (job.id,), task_id=job.id, priority=message_priority(job), queue=lane, producer=producer
                        )
        except BatchPublishError:
            if attempt == _TRIES:
                raise
        else:
            return


def waiting_messages(celery_app: Celery, queues: Iterable[str] = LANES) -> dict[str, int]:
    """Return the number of waiting messages per queue, or raise `BrokerUnavailableError`."""
    with broker_errors(celery_app), celery_app.pool.acquire(block=True) as connection:
        connection.ensure_connection(max_retries=1)
        return {queue: _length(connection.default_channel, queue) for queue in queues}


def _length(channel: object, queue: str) -> int:
    try:
        return int(channel.queue_declare(queue, passive=True).message_count)  # type: ignore[attr-defined]
    except ChannelError:  # the queue does not exist before its first message
        return 0


@contextmanager
def broker_errors(celery_app: Celery) -> Iterator[None]:
    """Convert connection errors in the `with` block to `BrokerUnavailableError`."""
    try:
        yield
    except (OperationalError, BatchPublishError, redis.RedisError, OSError) as exc:
        raise broker_error(str(celery_app.conf.broker_url), exc) from exc
