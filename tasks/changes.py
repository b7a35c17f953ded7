"""What beat asks for every few seconds: whoever is to be told of changes is told.

Telling is a task with a queue of its own on the side of the jobs, ahead of all of them, as that of batches: a receiver
that hangs holds up neither a report nor a job.
"""

from __future__ import annotations

import logging
from datetime import timedelta

import redis
from celery import shared_task
from kombu.exceptions import OperationalError

from app.errors import ConfigurationError
from app.errors.storage import StoreError
from app.property.storage.watches.changes import ChangeStore
from app.redaction import redact
from app.services.delivery.change_delivery import RECEIVER, tell_due, webhook_url
from app.services.delivery.webhooks import build_webhook_sender
from tasks.base import ScheduledTask
from tasks.resources import current

log = logging.getLogger(__name__)


@shared_task(name="tasks.changes.check_changes", base=ScheduledTask)
def check_changes() -> dict[str, int]:
    """Have the webhook told if anything is due, and let go of what is old; -> `{"pruned": n}` changes."""
    resources = current()
    changes, settings = ChangeStore(resources.database), resources.settings
    try:
        kept = timedelta(days=settings.changes.retention_days)
        pruned = changes.prune(resources.database.clock.now() - kept)
        if settings.changes.webhook_url is not None:
            changes.begin(RECEIVER)
            if changes.is_due(RECEIVER):
                tell_changes.send_ahead()
    except (StoreError, OperationalError, redis.RedisError) as exc:
        log.warning("Changes wait for their next turn: %s", redact(str(exc)))
        return {"pruned": 0}
    return {"pruned": pruned}


@shared_task(name="tasks.changes.tell_changes", base=ScheduledTask)
def tell_changes() -> dict[str, int]:
    """Tell the webhook what is due; -> `{"delivered": n, "failed": n}`. What is left waits for the next message."""
    resources = current()
    clock = resources.database.clock
    try:
        url = webhook_url(resources.settings)
        if url is None:
            return {"delivered": 0, "failed": 0}
        with build_webhook_sender(resources.settings, clock) as sender:
            return tell_due(ChangeStore(resources.database), sender, url, clock)
    except (StoreError, ConfigurationError) as exc:
        log.warning("The webhook of changes waits for its next turn: %s", redact(str(exc)))
        return {"delivered": 0, "failed": 0}
