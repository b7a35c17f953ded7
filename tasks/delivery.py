"""Webhooks: deliver those of the outbox that are due, with one task message per channel.

A receiver may take ten seconds to answer. Deliveries therefore have their own queue, which is served before all jobs:
a hanging receiver delays no report, and a backlog of jobs delays no webhook. Alerts use the maintenance queue: they
matter most when the workers for jobs are in trouble.
"""

from __future__ import annotations

from celery import shared_task

from app.property.storage.outbox import Channel
from app.services.delivery import deliver
from tasks._celery.config import CALLBACK_QUEUE, MAINTENANCE_QUEUE
from tasks._celery.context import current
from tasks.base import ScheduledTask


def send_if_due(channel: Channel) -> None:
    """Send a `deliver_due` message if the channel has a due webhook. Raises errors of the database and the broker."""
    if deliver.is_due(channel, current().database):
        queue = MAINTENANCE_QUEUE if channel is Channel.ALERT else CALLBACK_QUEUE
        deliver_due.send_ahead(str(channel), queue=queue)


@shared_task(name="tasks.delivery.deliver_due", base=ScheduledTask)
def deliver_due(channel: str) -> dict[str, int]:
    """Send the due webhooks of a channel. Returns `{"delivered": n, "failed": n, "given_up": n}`."""
    resources = current()
    return deliver.deliver_due(Channel(channel), resources.settings, resources.database)
