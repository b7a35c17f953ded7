"""Every few seconds, send new changes of properties to the webhook and delete old changes."""

from datetime import timedelta

from celery import shared_task

from app.property.storage.outbox import Channel
from app.property.storage.watches.changes import ChangeStore
from app.services.delivery.deliver import follow_changes
from tasks._celery.context import current
from tasks.base import ScheduledTask
from tasks.delivery import send_if_due


@shared_task(name="tasks.changes.check_changes", base=ScheduledTask)
def check_changes() -> dict[str, int]:
    """Send due changes to the webhook, and delete changes past their retention. Returns `{"pruned": n}`."""
    settings, database = current().settings, current().database
    kept = timedelta(days=settings.changes.retention_days)
    pruned = ChangeStore(database).prune(database.clock.now() - kept)
    if settings.changes.webhook_url is not None:
        follow_changes(settings, database)
        send_if_due(Channel.CHANGE)
    return {"pruned": pruned}
