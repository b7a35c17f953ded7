"""What beat asks for every few seconds: parked requests become batches of the model, and batches are looked after.

To see whether there is anything to do stands beside the health report. Doing it has a queue of its own on the side of
the jobs, ahead of all of them: an upload or a large result takes minutes, and must delay no report; a backlog of jobs
must delay no batch.
"""

from __future__ import annotations

import logging
import time
from functools import partial

import redis
from celery import shared_task
from kombu.exceptions import OperationalError

from app.errors.jobs import LeaseLostError
from app.errors.storage import StoreError
from app.property.storage.llm.batches import LlmBatchStore
from app.redaction import redact
from app.services.batches.collecting import collect, tidy
from app.services.batches.parts import Parts, open_parts
from app.services.batches.runner import BatchRunner
from tasks.base import ScheduledTask
from tasks.lease import LeaseKeeper, new_owner
from tasks.resources import current

log = logging.getLogger(__name__)

#: one turn begins no further batch after this time: what is due waits for the next turn, seconds later
_TURN_SECONDS = 60.0
#: messages that nobody took pile up and run once
_BEAT_SECONDS = 1.0
#: a run that takes longer than a task may has lost its batch to another
_LONGEST_HOLD_SECONDS = 290.0


@shared_task(name="tasks.model_batches.look_at_batches", base=ScheduledTask)
def look_at_batches() -> dict[str, bool]:
    """Have what is parked or due taken in hand; -> `{"due": is there any}`. Stands beside the health report."""
    try:
        due = LlmBatchStore(current().database).has_work()
        if due:
            tend_batches.send_ahead(turn_seconds=_BEAT_SECONDS)
    except (StoreError, OperationalError, redis.RedisError) as exc:
        log.warning("Batches of the model wait for their next turn: %s", redact(str(exc)))
        return {"due": False}
    return {"due": due}


@shared_task(name="tasks.model_batches.tend_batches", base=ScheduledTask)
def tend_batches() -> dict[str, int]:
    """Send what is parked and look after what was sent; -> `{"begun": n, "tended": n}` batches."""
    resources = current()
    parts = open_parts(resources.settings, resources.database, resources.manager)
    if parts is None:
        return {"begun": 0, "tended": 0}
    begun, tended, until = 0, 0, time.monotonic() + _TURN_SECONDS
    try:
        tidy(parts)
        begun = len(collect(parts))
        while time.monotonic() < until and _tend_one(parts):
            tended += 1
    except (StoreError, redis.RedisError) as exc:
        log.warning("Batches of the model wait for their next turn: %s", redact(str(exc)))
    return {"begun": begun, "tended": tended}


def _tend_one(parts: Parts) -> bool:
    """One that is due; False if none is."""
    owner, lease = new_owner(), parts.settings.jobs.job_lease_seconds
    batch = parts.batches.claim(owner, lease)
    if batch is None:
        return False
    renew = partial(parts.batches.renew, batch.id, owner, lease)
    with LeaseKeeper(renew, lease / 3, _LONGEST_HOLD_SECONDS):
        try:
            BatchRunner(parts, owner).advance(batch)
        except LeaseLostError:
            log.info("Batch %s is another process's by now", batch.id)
    return True
