"""What beat asks for every few seconds: batches whose jobs are over are complete, and whoever asked is told.

To note it is a matter of milliseconds and stands beside the health report. A receiver may take ten seconds to answer:
telling is a task with a queue of its own on the side of the jobs, ahead of all of them, so that no hanging receiver
delays a report and no backlog of jobs delays a callback.
"""

from __future__ import annotations

import logging

import redis
from celery import shared_task
from kombu.exceptions import OperationalError

from app.errors.storage import StoreError
from app.property.storage.jobs.models import Batch
from app.redaction import redact
from app.services.delivery.batch_callbacks import deliver_due
from app.services.delivery.webhooks import build_webhook_sender
from app.services.reports.metrics.instruments import BATCHES_COMPLETED
from tasks.base import ScheduledTask
from tasks.resources import current

log = logging.getLogger(__name__)


@shared_task(name="tasks.batches.complete_batches", base=ScheduledTask)
def complete_batches() -> dict[str, int]:
    """Note the batches whose jobs are over, and have callbacks delivered if any is due; -> `{"completed": n}`."""
    batches = current().batches
    try:
        completed = batches.complete()
        BATCHES_COMPLETED.inc(len(completed))
        for batch in completed:
            log.info("Batch %s is complete: %s", batch.id, _outcome(batch))
        if batches.has_due_callback():
            deliver_callbacks.send_ahead()
    except (StoreError, OperationalError, redis.RedisError) as exc:
        log.warning("Batches wait for their next turn: %s", redact(str(exc)))
        return {"completed": 0}
    return {"completed": len(completed)}


@shared_task(name="tasks.batches.deliver_callbacks", base=ScheduledTask)
def deliver_callbacks() -> dict[str, int]:
    """Tell the receivers that are due; -> `{"delivered": n, "failed": n}`. What is left waits for the next message."""
    resources = current()
    clock = resources.database.clock
    try:
        with build_webhook_sender(resources.settings, clock) as sender:
            return deliver_due(resources.batches, sender, clock)
    except StoreError as exc:
        log.warning("Callbacks wait for their next turn: %s", redact(str(exc)))
        return {"delivered": 0, "failed": 0}


def _outcome(batch: Batch) -> str:
    return ", ".join(f"{count} {state}" for state, count in batch.counts.items() if count) or "no job of its own"
