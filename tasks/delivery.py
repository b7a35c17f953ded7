"""Deliver the webhooks in the outbox that are due, with one task message per channel.

A receiver may take ten seconds to answer. Deliveries therefore have their own queue, which workers serve before jobs: a
slow receiver does not delay reports, and a backlog of jobs does not delay webhooks. Alerts use the maintenance queue,
because they matter most when the workers that run jobs have problems.
"""

from celery import shared_task

from app.property.storage.outbox import Channel
from app.services.delivery import deliver
from tasks._celery.config import CALLBACK_QUEUE, MAINTENANCE_QUEUE
from tasks._celery.context import current
from tasks.base import ScheduledTask


def send_if_due(channel: Channel) -> None:
    """Send a `deliver_due` message if a webhook of the channel is due. Raises errors of the database and the broker."""
    if deliver.is_due(channel, current().database):
        queue = MAINTENANCE_QUEUE if channel is Channel.ALERT else CALLBACK_QUEUE
        deliver_due.send_ahead(str(channel), queue=queue)


@shared_task(name="tasks.delivery.deliver_due", base=ScheduledTask)
def deliver_due(channel: str) -> dict[str, int]:
    """Send the due webhooks of a channel. Returns `{"delivered": n, "failed": n, "given_up": n}`."""
    resources = current()
    return deliver.deliver_due(Channel(channel), resources.settings, resources.database)
