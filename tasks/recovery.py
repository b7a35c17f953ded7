"""What beat asks for every few seconds: jobs whose message or worker was lost are sent again."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from celery import Celery, shared_task

from app.errors.broker import BrokerUnavailableError
from app.errors.storage import StoreError
from app.property.storage.jobs.models import Recovered
from app.property.storage.jobs.repository import JobStore
from app.redaction import redact
from app.services.reports.metrics.instruments import JOBS_RECOVERED
from tasks.base import ScheduledTask
from tasks.resources import current
from tasks.sending import send_jobs, waiting_messages

log = logging.getLogger(__name__)

#: jobs that are taken and sent together; what is left after `_PATIENCE_SECONDS` waits for the next run
LIMIT = 1000
_PATIENCE_SECONDS = 2.0


@shared_task(name="tasks.recovery.recover_jobs", bind=True, base=ScheduledTask)
def recover_jobs(self: Any) -> dict[str, int]:
    """Send again what was lost; -> `{"sent": n}`.

    Jobs whose lease ran out (their worker died), deferred ones that are due, those that a worker gave back when it
    ended, queued ones that nobody sent when they should have been, and as many as the broker holds too few messages
    for: all of them if it lost its data.
    """
    sent = Counter[str]()
    try:
        for some in _recovered(self.app, current().jobs):
            counts = Counter(each.reason.value for each in some)
            sent += counts
            for reason, count in counts.items():
                JOBS_RECOVERED.labels(reason).inc(count)
    except (StoreError, BrokerUnavailableError) as exc:
        log.warning("Recovery waits for its next turn: %s", redact(str(exc)))
    if sent:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in sorted(sent.items()))
        log.info("Recovery sent %d jobs again (%s)", sent.total(), reasons)
    return {"sent": sent.total()}


def _recovered(app: Celery, store: JobStore) -> Iterator[list[Recovered]]:
    """What was sent, a part at a time."""
    until = time.monotonic() + _PATIENCE_SECONDS
    full = True
    while full and time.monotonic() < until:
        messages = waiting_messages(app)  # before the table is read: a job that is claimed meanwhile is not missed
        some = store.recoverable(LIMIT, messages)
        send_jobs(app, store, [each.job for each in some])
        yield some
        full = len(some) == LIMIT
