"""What beat asks for every quarter of a minute: what is wrong is booked, and the webhook is told.

Both stand beside the health report, on its queue: alerts matter most when the workers of jobs are in trouble. A
receiver that hangs holds up one run of the telling, never the looking.
"""

from __future__ import annotations

import logging

import redis
from celery import shared_task
from kombu.exceptions import OperationalError

from app.errors import ConfigurationError
from app.errors.storage import StoreError
from app.redaction import redact
from app.services.reports.health.watch import tell
from tasks.base import ScheduledTask
from tasks.resources import current, pool_watch

log = logging.getLogger(__name__)


@shared_task(name="tasks.alerts.check_alerts", base=ScheduledTask)
def check_alerts() -> dict[str, int]:
    """Book what began and what is over, and have the webhook told; -> `{"fired": n, "resolved": n}`."""
    watch = pool_watch()
    try:
        booked = watch.check()
        if watch.settings.alert.webhook_url is not None and watch.stores.alerts.has_due_notice():
            tell_alerts.send_ahead()
    except (StoreError, OperationalError, redis.RedisError) as exc:
        log.warning("Alerts wait for their next turn: %s", redact(str(exc)))
        return {"fired": 0, "resolved": 0}
    return {"fired": len(booked.fired), "resolved": len(booked.resolved)}


@shared_task(name="tasks.alerts.tell_alerts", base=ScheduledTask)
def tell_alerts() -> dict[str, int]:
    """Tell the webhook what is due; -> `{"delivered": n, "failed": n, "given_up": n}` messages."""
    watch = pool_watch()
    try:
        return tell(watch.settings, watch.stores.alerts, current().database.clock)
    except (StoreError, ConfigurationError) as exc:
        log.warning("The webhook of alerts waits for its next turn: %s", redact(str(exc)))
        return {"delivered": 0, "failed": 0, "given_up": 0}
