"""Retention: delete old page copies, names of people, values, and jobs every ten minutes."""

from __future__ import annotations

import logging

from celery import shared_task

from app.errors.storage import StoreError
from app.redaction import redact
from app.services.privacy import retention
from tasks._celery.context import current
from tasks.base import ScheduledTask

log = logging.getLogger(__name__)


@shared_task(name="tasks.pages.prune_pages", base=ScheduledTask)
def prune_pages() -> dict[str, int]:
    """Delete data that is past its retention time or over its size limit.

    Returns `{"bodies": n, "packed_bytes": n, "observations": n, "records": n, "jobs": n, "rows": n}`.
    """
    resources = current()
    settings, database = resources.settings, resources.database
    try:
        pruned = retention.prune_pages(settings, database) | retention.prune_values(settings, database)
        return pruned | retention.prune_jobs(settings, database)
    except StoreError as exc:
        log.warning("Old data was not deleted, the next run tries again: %s", redact(str(exc)))
        return dict.fromkeys(("bodies", "packed_bytes", "observations", "records", "jobs", "rows"), 0)
