"""What beat asks for every ten minutes: copies of pages are not kept for ever, nor without limit."""

from __future__ import annotations

import logging

from celery import shared_task

from app.errors import StoreError
from app.property.store import Retention
from app.redaction import redact
from app.services import retention
from tasks.base import ScheduledTask
from tasks.resources import current

log = logging.getLogger(__name__)


@shared_task(name="tasks.pages.prune_pages", base=ScheduledTask)
def prune_pages() -> dict[str, int]:
    """Remove what is too old or too much; -> `{"bodies": n, "packed_bytes": n, "answers": n}`."""
    resources = current()
    try:
        return retention.prune_pages(resources.settings, Retention(resources.database), resources.database.clock)
    except StoreError as exc:
        log.warning("Copies of pages wait to be pruned: %s", redact(str(exc)))
        return {"bodies": 0, "packed_bytes": 0, "answers": 0}
