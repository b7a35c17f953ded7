"""Send waiting model requests to OpenAI's Batch API, and collect the responses.

`look_at_batches` runs on the maintenance queue. `tend_batches` has its own queue, because uploading a file or reading a
large result may take minutes, and must not delay reports. The workers that run jobs serve this queue first, so that a
backlog of jobs does not delay a batch.
"""

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

#: A run advances no further batch after this time. The next run, seconds later, advances the others.
_RUN_SECONDS = 60.0
#: The interval of `tend_batches` messages, by which duplicates are recognized (`tasks/base.py`).
_INTERVAL_SECONDS = 1.0
#: A run's lease is renewed for at most this time. A longer run must be hanging, because the soft time limit has passed.
_LONGEST_LEASE_SECONDS = 290.0


@shared_task(name="tasks.model_batches.look_at_batches", base=ScheduledTask)
def look_at_batches() -> dict[str, bool]:
    """Send a `tend_batches` message if a request is waiting or a batch is due. Returns `{"due": bool}`."""
    due = LlmBatchStore(current().database).has_work()
    if due:
        tend_batches.send_ahead(interval_seconds=_INTERVAL_SECONDS)
    return {"due": due}


@shared_task(name="tasks.model_batches.tend_batches", base=ScheduledTask)
def tend_batches() -> dict[str, int]:
    """Create batches of waiting requests, and advance due batches. Returns `{"begun": n, "tended": n}`."""
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
