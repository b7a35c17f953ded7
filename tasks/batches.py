"""Every few seconds, mark finished batches of jobs as complete and send their webhooks."""

import logging

from celery import shared_task

from app.property.storage.jobs.models import Batch
from app.property.storage.outbox import Channel
from app.services.reports.metrics.instruments import BATCHES_COMPLETED
from tasks._celery.context import current
from tasks.base import ScheduledTask
from tasks.delivery import send_if_due

log = logging.getLogger(__name__)


@shared_task(name="tasks.batches.complete_batches", base=ScheduledTask)
def complete_batches() -> dict[str, int]:
    """Mark batches whose jobs have all ended as complete, and send due webhooks. Returns `{"completed": n}`."""
    completed = current().batches.complete()
    BATCHES_COMPLETED.inc(len(completed))
    for batch in completed:
        log.info("Batch %s is complete: %s", batch.id, _outcome(batch))
    send_if_due(Channel.BATCH)
    return {"completed": len(completed)}


def _outcome(batch: Batch) -> str:
    return ", ".join(f"{count} {state}" for state, count in batch.counts.items() if count) or "no job of its own"
