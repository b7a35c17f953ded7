"""Telling whoever asked that a batch is complete: once if the receiver answers, again and again for a day if not."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from app.clock import Clock
from app.errors.webhooks import WebhookError
from app.property.storage.jobs.batches import BatchStore
from app.property.storage.jobs.models import ClaimedCallback
from app.redaction import origin_of
from app.services.delivery.deliveries import LEASE_SECONDS, PATIENCE_SECONDS, again_at, then
from app.services.delivery.webhooks import Event, WebhookSender
from app.services.reports.metrics.instruments import CALLBACKS

log = logging.getLogger(__name__)

#: batches told about at the same time, so that a receiver that hangs holds up no other
AT_ONCE = 10


def deliver_due(batches: BatchStore, sender: WebhookSender, clock: Clock) -> dict[str, int]:
    """One attempt for each of the callbacks that are due; -> `{"delivered": n, "failed": n}`.

    While there are more, and time, it goes on. A receiver can get the same event twice (its answer was lost, or this
    process died before it noted it); then `webhook-id` is the same.
    """
    until = clock.now() + timedelta(seconds=PATIENCE_SECONDS)
    delivered, tried = 0, 0
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook") as threads:
        while clock.now() <= until and (claims := batches.claim_callbacks(AT_ONCE, LEASE_SECONDS)):
            delivered += sum(threads.map(lambda claim: _deliver(batches, sender, clock, claim), claims))
            tried += len(claims)
    return {"delivered": delivered, "failed": tried - delivered}


def _deliver(batches: BatchStore, sender: WebhookSender, clock: Clock, claim: ClaimedCallback) -> bool:
    try:
        sender.send(claim.url, event_of(claim))
    except WebhookError as exc:
        CALLBACKS.labels("failed").inc()
        again = again_at(claim.attempt, exc, clock.now())
        batches.callback_failed(claim, str(exc), again)
        log.warning("Callback of batch %s, attempt %d, %s: %s", claim.batch.id, claim.attempt, then(again), exc)
        return False
    CALLBACKS.labels("delivered").inc()
    batches.callback_delivered(claim)
    log.info("Batch %s: %s was told (attempt %d)", claim.batch.id, origin_of(claim.url), claim.attempt)
    return True


def event_of(claim: ClaimedCallback) -> Event:
    """The event that one completion is: a batch that was opened again and is complete anew makes another."""
    moment = int(claim.completed_at.timestamp() * 1_000_000)
    id_ = f"batch_{claim.batch.id}_{moment}"
    return Event(id_, "batch.completed", claim.completed_at, claim.batch.outcome())
