"""Sending what the outbox holds, a message of the broker for each channel.

A receiver may take ten seconds to answer, so this is done beside the jobs and ahead of all of them: no hanging receiver
delays a report, and no backlog of jobs delays a webhook. Alerts go with the reports: they matter most when the workers
of jobs are in trouble.
"""

from __future__ import annotations

import logging

from celery import shared_task

from app.errors import ConfigurationError
from app.errors.storage import StoreError
from app.property.storage.outbox import Channel
from app.redaction import redact
from app.services.delivery import deliver
from tasks.base import ScheduledTask
from tasks.config import CALLBACK_QUEUE, HEALTH_QUEUE
from tasks.resources import current

log = logging.getLogger(__name__)


def send_if_due(channel: Channel) -> None:
    """Have `deliver_due` run if the channel has something to send. Raises what the database and the broker do."""
    if deliver.is_due(channel, current().database):
        queue = HEALTH_QUEUE if channel is Channel.ALERT else CALLBACK_QUEUE
        deliver_due.send_ahead(str(channel), queue=queue)


@shared_task(name="tasks.delivery.deliver_due", base=ScheduledTask)
def deliver_due(channel: str) -> dict[str, int]:
    """Send the webhooks of a channel that are due; -> `{"delivered": n, "failed": n, "given_up": n}`."""
    resources = current()
    try:
        return deliver.deliver_due(Channel(channel), resources.settings, resources.database)
    except (StoreError, ConfigurationError) as exc:
        log.warning("Webhooks (%s) wait for their next turn: %s", channel, redact(str(exc)))
        return {"delivered": 0, "failed": 0, "given_up": 0}
