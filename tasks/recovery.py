"""Recovery: every few seconds, send again the jobs whose message or worker was lost."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from celery import Celery, shared_task

from app.property.storage.jobs.models import Recovered
from app.property.storage.jobs.repository import JobStore
from app.services.reports.metrics.instruments import JOBS_RECOVERED
from tasks._celery.context import current
from tasks._celery.publish import send_jobs, waiting_messages
from tasks.base import ScheduledTask

log = logging.getLogger(__name__)

#: The number of jobs that are read and sent together. A run goes on for `_RUN_SECONDS`; the next run sends the
#: remaining jobs.
LIMIT = 1000
_RUN_SECONDS = 2.0


@shared_task(name="tasks.recovery.recover_jobs", bind=True, base=ScheduledTask)
def recover_jobs(self: Any) -> dict[str, int]:
    """Send lost jobs again. Returns `{"sent": n}`.

    A job is sent if its lease ran out (its worker died), if it was deferred and is due, if a stopping worker returned
    it, or if it is queued and its sender died. If the broker holds fewer messages than there are queued jobs, the
    missing number is sent too: all of them if the broker lost its data.
    """
    sent = Counter[str]()
    try:
        for some in _recovered(self.app, current().jobs):
            sent.update(each.reason.value for each in some)
    finally:
        for reason, count in sent.items():
            JOBS_RECOVERED.labels(reason).inc(count)
        if sent:
            reasons = ", ".join(f"{reason}: {count}" for reason, count in sorted(sent.items()))
            log.info("Recovery sent %d jobs again (%s)", sent.total(), reasons)
    return {"sent": sent.total()}


def _recovered(app: Celery, store: JobStore) -> Iterator[list[Recovered]]:
    """Yield the jobs that were sent, up to `LIMIT` at a time."""
    until = time.monotonic() + _RUN_SECONDS
    full = True
    while full and time.monotonic() < until:
        messages = waiting_messages(app)  # counted before the table is read, so that no job is missed
        some = store.recoverable(LIMIT, messages)
        send_jobs(app, store, [each.job for each in some])
        yield some
        full = len(some) == LIMIT
