"""What beat asks for every quarter of a minute: what is wrong is booked, and the webhook is told.

It stands beside the health report, on its queue: alerts matter most when the workers of jobs are in trouble.
"""

from __future__ import annotations

import logging

import redis
from celery import shared_task
from kombu.exceptions import OperationalError

from app.errors.storage import StoreError
from app.property.storage.outbox import Channel
from app.redaction import redact
from tasks.base import ScheduledTask
from tasks.delivery import send_if_due
from tasks.resources import pool_watch

log = logging.getLogger(__name__)


@shared_task(name="tasks.alerts.check_alerts", base=ScheduledTask)
def check_alerts() -> dict[str, int]:
    """Book what began and what is over, and have the webhook told; -> `{"fired": n, "resolved": n}`."""
    watch = pool_watch()
    try:
        fired, resolved = watch.check()
        if watch.settings.alert.webhook_url is not None:
            send_if_due(Channel.ALERT)
    except (StoreError, OperationalError, redis.RedisError) as exc:
        log.warning("Alerts wait for their next turn: %s", redact(str(exc)))
        return {"fired": 0, "resolved": 0}
    return {"fired": len(fired), "resolved": len(resolved)}
