"""Changes of properties: send new ones to the webhook every few seconds and delete old ones."""

from __future__ import annotations

import logging
from datetime import timedelta

import redis
from celery import shared_task
from kombu.exceptions import OperationalError

from app.errors import ConfigurationError
from app.errors.storage import StoreError
from app.property.storage.outbox import Channel
from app.property.storage.watches.changes import ChangeStore
from app.redaction import redact
from app.services.delivery.deliver import follow_changes
from tasks._celery.context import current
from tasks.base import ScheduledTask
from tasks.delivery import send_if_due

log = logging.getLogger(__name__)


@shared_task(name="tasks.changes.check_changes", base=ScheduledTask)
def check_changes() -> dict[str, int]:
    """Send due changes to the webhook and delete changes past their retention. Returns `{"pruned": n}`."""
    resources = current()
    changes, settings = ChangeStore(resources.database), resources.settings
    try:
        kept = timedelta(days=settings.changes.retention_days)
        pruned = changes.prune(resources.database.clock.now() - kept)
        if settings.changes.webhook_url is not None:
            follow_changes(settings, resources.database)
            send_if_due(Channel.CHANGE)
    except (StoreError, ConfigurationError, OperationalError, redis.RedisError) as exc:
        log.warning("Changes were not sent, the next run tries again: %s", redact(str(exc)))
        return {"pruned": 0}
    return {"pruned": pruned}
