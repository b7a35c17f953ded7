"""Every few seconds, send jobs again whose message or worker was lost."""

import logging
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from celery import Celery, shared_task

from app.plurals import counted
from app.property.storage.jobs.models import Recovered
from app.property.storage.jobs.repository import JobStore
from app.services.reports.metrics.instruments import JOBS_RECOVERED
from tasks._celery.context import current
from tasks._celery.publish import send_jobs, waiting_messages
from tasks.base import ScheduledTask

log = logging.getLogger(__name__)

#: Maximum number of jobs that are read and sent at once. A run repeats this for `_RUN_SECONDS`.
LIMIT = 1000
_RUN_SECONDS = 2.0


@shared_task(name="tasks.recovery.recover_jobs", bind=True, base=ScheduledTask)
def recover_jobs(self: Any) -> dict[str, int]:
    """Send lost jobs again. Returns `{"sent": n}`.

    A job is sent if its lease expired (its worker crashed), if it was deferred and is now due, if a stopping worker
    released it, or if it is queued but was never sent. If a queue has fewer messages than jobs that were sent to it,
    one job is sent again for each missing message.
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
            log.info("Recovery sent %s again (%s)", counted(sent.total(), "job"), reasons)
    return {"sent": sent.total()}


def _recovered(app: Celery, store: JobStore) -> Iterator[list[Recovered]]:
    until = time.monotonic() + _RUN_SECONDS
    full = True
    while full and time.monotonic() < until:
        # counted before the table is read, because a job sent in between would hide a lost message
        messages = waiting_messages(app)
        some = store.recoverable(LIMIT, messages)
        send_jobs(app, store, [each.job for each in some])
        yield some
        full = len(some) == LIMIT
