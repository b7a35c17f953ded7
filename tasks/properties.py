"""What beat asks for four times a minute: properties that are filed by older rules are filed anew, a part at a time."""

from __future__ import annotations

import logging

from celery import shared_task

from app.errors.storage import StoreError
from app.redaction import redact
from app.services.reports.refiling import refile_properties as refile
from tasks.base import ScheduledTask
from tasks.resources import current

log = logging.getLogger(__name__)

#: recovery waits behind it, on the same queue
_PATIENCE_SECONDS = 4.0


@shared_task(name="tasks.properties.refile_properties", base=ScheduledTask)
def refile_properties() -> dict[str, int]:
    """File anew what is due, for some seconds; -> `{"refiled": n, "joined": n, "left": n}`."""
    database = current().database
    try:
        run = refile(database, database.clock, seconds=_PATIENCE_SECONDS)
    except StoreError as exc:
        log.warning("Properties wait to be filed anew: %s", redact(str(exc)))
        return {"refiled": 0, "joined": 0, "left": 0}
    if run.refiled:
        log.info("%d properties were filed anew, %d are due yet", run.refiled, run.left)
    return {"refiled": run.refiled, "joined": len(run.joined), "left": run.left}
