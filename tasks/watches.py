"""What beat asks for every minute: watches whose time has come get their jobs."""

from __future__ import annotations

import logging
from typing import Any

from celery import shared_task

from app.errors.broker import BrokerUnavailableError
from app.errors.storage import StoreError
from app.redaction import redact
from app.services.watches import watching
from tasks.base import ScheduledTask
from tasks.resources import current
from tasks.sending import send_jobs

log = logging.getLogger(__name__)


@shared_task(name="tasks.watches.tick_watches", bind=True, base=ScheduledTask)
def tick_watches(self: Any) -> dict[str, int]:
    """Begin the refreshes that are due and within the day's budget; -> `{"sent": n, "put_off": n}`.

    Jobs that cannot be sent are in the table all the same: recovery sends them.
    """
    resources = current()
    sent, put_off = 0, 0
    try:
        done = watching.tick(resources.database, resources.settings)
        put_off = done.put_off
        sent = send_jobs(self.app, resources.jobs, done.jobs)
    except (StoreError, BrokerUnavailableError) as exc:
        log.warning("Watches wait for the next tick: %s", redact(str(exc)))
    return {"sent": sent, "put_off": put_off}
