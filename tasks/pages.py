"""What beat asks for every ten minutes: copies of pages, names of people, old values, and old jobs are deleted."""

from __future__ import annotations

import logging

from celery import shared_task

from app.errors.storage import StoreError
from app.redaction import redact
from app.services.privacy import retention
from tasks.base import ScheduledTask
from tasks.resources import current

log = logging.getLogger(__name__)


@shared_task(name="tasks.pages.prune_pages", base=ScheduledTask)
def prune_pages() -> dict[str, int]:
    """Remove what is too old or too much; -> `{"bodies": n, "packed_bytes": n, "observations": n, "records": n,
    "jobs": n, "rows": n}`."""
    resources = current()
    settings, database = resources.settings, resources.database
    try:
        pruned = retention.prune_pages(settings, database) | retention.prune_values(settings, database)
        return pruned | retention.prune_jobs(settings, database)
    except StoreError as exc:
        log.warning("Copies of pages and old values wait to be pruned: %s", redact(str(exc)))
        names = ("bodies", "packed_bytes", "observations", "records", "jobs", "rows")
        return dict.fromkeys(names, 0)
