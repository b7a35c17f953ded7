"""Check the OpenAI keys at least every 15 seconds, record alerts about them, and send due webhooks.

The task runs on the maintenance queue, because alerts matter most when the workers that run jobs have problems.
"""

from celery import shared_task

from app.property.storage.outbox import Channel
from tasks._celery.context import pool_monitor
from tasks.base import ScheduledTask
from tasks.delivery import send_if_due


@shared_task(name="tasks.alerts.check_alerts", base=ScheduledTask)
def check_alerts() -> dict[str, int]:
    """Record new and resolved alerts, and send due webhooks. Returns `{"fired": n, "resolved": n}`."""
    monitor = pool_monitor()
    fired, resolved = monitor.check()
    if monitor.settings.alert.webhook_url is not None:
        send_if_due(Channel.ALERT)
    return {"fired": len(fired), "resolved": len(resolved)}
