"""What beat asks for every few seconds: jobs whose message or worker was lost are sent again."""

from __future__ import annotations

import logging
from typing import Any

from celery import Celery, shared_task

from app.errors import BrokerUnavailableError, StoreError
from app.logs import redact
from app.services.embedded_valkey import connect
from tasks.base import RedactedTask
from tasks.resources import current
from tasks.sending import send_jobs

log = logging.getLogger(__name__)

#: jobs a run; what is left waits for the next
LIMIT = 1000
#: A Redis without this name lost its data (or is new): no message of a queued job can be in it.
_MARK = "{propintel}:courier"


@shared_task(name="tasks.recovery.recover_jobs", bind=True, base=RedactedTask)
def recover_jobs(self: Any) -> dict[str, int]:
    """Send again what was lost; -> `{"sent": n}`.

    Jobs whose lease ran out (their worker died), deferred ones that are due, queued ones that nobody claimed for long,
    and every queued one if the broker lost its data.
    """
    try:
        sent = _recover(self.app)
    except (StoreError, BrokerUnavailableError) as exc:
        log.warning("Recovery waits for its next turn: %s", redact(str(exc)))
        return {"sent": 0}
    if sent:
        log.info("Recovery sent %d jobs again", sent)
    return {"sent": sent}


def _recover(app: Celery) -> int:
    resources = current()
    with connect(resources.settings) as redis:
        lost_its_data = not redis.exists(_MARK)
        jobs = resources.jobs.recoverable(LIMIT, broker_is_empty=lost_its_data)
        sent = send_jobs(app, jobs)
        if lost_its_data and len(jobs) < LIMIT:
            redis.set(_MARK, 1)
    return sent
