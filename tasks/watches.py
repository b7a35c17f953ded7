"""Watched properties: create and send the jobs of due watches once a minute."""

from __future__ import annotations

import logging
from typing import Any

from celery import shared_task

from app.errors.broker import BrokerUnavailableError
from app.errors.storage import StoreError
from app.redaction import redact
from app.services.watches import watching
from tasks._celery.context import current
from tasks._celery.publish import send_jobs
from tasks.base import ScheduledTask

log = logging.getLogger(__name__)


@shared_task(name="tasks.watches.tick_watches", bind=True, base=ScheduledTask)
def tick_watches(self: Any) -> dict[str, int]:
    """Start the refreshes that are due and within the day's budget. Returns `{"sent": n, "put_off": n}`.

    Jobs that cannot be sent stay in the table, and recovery sends them.
    """
    resources = current()
    sent, put_off = 0, 0
    try:
        done = watching.tick(resources.database, resources.settings)
        put_off = done.put_off
        sent = send_jobs(self.app, resources.jobs, done.jobs)
    except (StoreError, BrokerUnavailableError) as exc:
        log.warning("Not all due watches were started, the next run tries again: %s", redact(str(exc)))
    return {"sent": sent, "put_off": put_off}
