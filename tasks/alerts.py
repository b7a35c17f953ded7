"""Alerts about the OpenAI keys: check the pool every 15 seconds and send the webhook.

The task runs on the maintenance queue: alerts matter most when the workers for jobs are in trouble.
"""

from __future__ import annotations

import logging

import redis
from celery import shared_task
from kombu.exceptions import OperationalError

from app.errors.storage import StoreError
from app.property.storage.outbox import Channel
from app.redaction import redact
from tasks._celery.context import pool_monitor
from tasks.base import ScheduledTask
from tasks.delivery import send_if_due

log = logging.getLogger(__name__)


@shared_task(name="tasks.alerts.check_alerts", base=ScheduledTask)
def check_alerts() -> dict[str, int]:
    """Record new and resolved alerts and send the webhook. Returns `{"fired": n, "resolved": n}`."""
    monitor = pool_monitor()
    try:
        fired, resolved = monitor.check()
        if monitor.settings.alert.webhook_url is not None:
            send_if_due(Channel.ALERT)
    except (StoreError, OperationalError, redis.RedisError) as exc:
        log.warning("Alerts were not checked, the next run tries again: %s", redact(str(exc)))
        return {"fired": 0, "resolved": 0}
    return {"fired": len(fired), "resolved": len(resolved)}
