"""Batches of model requests: send waiting requests to OpenAI's batch API and collect the answers.

The check for work runs on the maintenance queue. The work has its own queue on the workers for jobs, which serve it
before all jobs: uploading a file or reading a large result takes minutes, which must not delay a report, and a backlog
of jobs must not delay a batch.
"""

from __future__ import annotations

import logging
import time
from functools import partial

from celery import shared_task

from app.errors.jobs import LeaseLostError
from app.property.storage.llm.batches import LlmBatchStore
from app.services.batches.collecting import collect, tidy
from app.services.batches.parts import Parts, open_parts
from app.services.batches.runner import BatchRunner
from tasks._celery.context import current
from tasks._celery.lease import LeaseKeeper, new_owner
from tasks.base import ScheduledTask

log = logging.getLogger(__name__)

#: A run starts no further batch after this time. The next run, seconds later, takes the remaining batches.
_RUN_SECONDS = 60.0
#: The interval of `tend_batches` messages. Duplicates within a share of it are skipped (`tasks/base.py`).
_INTERVAL_SECONDS = 1.0
#: A run that takes longer than this is stuck, because its soft time limit has passed. Its lease is then no longer
#: renewed.
_LONGEST_LEASE_SECONDS = 290.0


@shared_task(name="tasks.model_batches.look_at_batches", base=ScheduledTask)
def look_at_batches() -> dict[str, bool]:
    """Send a `tend_batches` message if a request waits or a batch is due. Returns `{"due": is there work}`."""
    due = LlmBatchStore(current().database).has_work()
    if due:
        tend_batches.send_ahead(interval_seconds=_INTERVAL_SECONDS)
    return {"due": due}


@shared_task(name="tasks.model_batches.tend_batches", base=ScheduledTask)
def tend_batches() -> dict[str, int]:
    """Create batches of the waiting requests and advance those that are due. Returns `{"begun": n, "tended": n}`."""
    resources = current()
    parts = open_parts(resources.settings, resources.database, resources.manager)
    if parts is None:
        return {"begun": 0, "tended": 0}
    tidy(parts)
    begun, tended, until = len(collect(parts)), 0, time.monotonic() + _RUN_SECONDS
    while time.monotonic() < until and _advance_one(parts):
        tended += 1
    return {"begun": begun, "tended": tended}


def _advance_one(parts: Parts) -> bool:
    """Advance one due batch. Returns False if none is due."""
    owner, lease = new_owner(), parts.settings.jobs.job_lease_seconds
    batch = parts.batches.claim(owner, lease)
    if batch is None:
        return False
    renew = partial(parts.batches.renew, batch.id, owner, lease)
    with LeaseKeeper(renew, lease / 3, _LONGEST_LEASE_SECONDS):
        try:
            BatchRunner(parts, owner).advance(batch)
        except LeaseLostError:
            log.info("Another process has taken over batch %s", batch.id)
    return True
