"""What beat asks for every few seconds: jobs whose message or worker was lost are sent again."""

from __future__ import annotations

import logging
import time
from typing import Any

from celery import Celery, shared_task

from app.errors import BrokerUnavailableError, StoreError
from app.property.store import JobStore
from app.redaction import redact
from app.services.metrics.instruments import JOBS_RECOVERED
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

    Jobs whose lease ran out (their worker died), deferred ones that are due, queued ones that nobody claimed when they
    should have been, and as many as the broker holds too few messages for: all of them if it lost its data.
    """
    sent = 0
    try:
        for some in _recovered(self.app, current().jobs):
            sent += some
            JOBS_RECOVERED.inc(some)
    except (StoreError, BrokerUnavailableError) as exc:
        log.warning("Recovery waits for its next turn: %s", redact(str(exc)))
    if sent:
        log.info("Recovery sent %d jobs again", sent)
    return {"sent": sent}


def _recovered(app: Celery, store: JobStore) -> Any:
    until = time.monotonic() + _PATIENCE_SECONDS
    some = LIMIT
    while some == LIMIT and time.monotonic() < until:
        messages = waiting_messages(app)  # before the table is read: a job that is claimed meanwhile is not missed
        some = send_jobs(app, store, store.recoverable(LIMIT, messages))
        yield some
