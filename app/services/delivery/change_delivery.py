"""Tells CHANGES_WEBHOOK_URL what changed: one change a message, in the order of the feed, each again until it is heard.

Nothing is given up: a change that the receiver has not taken holds up those after it, so that the last message that it
took of a field has its newest value. What is told is read from the feed then: what was purged meanwhile is not told.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from app.clock import Clock
from app.errors.webhooks import WebhookError
from app.printable import printable
from app.property.storage.watches.change_rows import Change
from app.property.storage.watches.changes import ChangeStore
from app.redaction import origin_of
from app.services.delivery.deliveries import LEASE_SECONDS, LONGEST_WAIT_SECONDS, PATIENCE_SECONDS, then, wait_after
from app.services.delivery.webhooks import Event, WebhookSender, operators_url
from app.services.reports.metrics.instruments import CHANGE_DELIVERIES
from app.settings import Settings

log = logging.getLogger(__name__)

#: whom CHANGES_WEBHOOK_URL leads to: one receiver, wherever it moves
RECEIVER = "webhook"
EVENT_TYPE = "change.detected"
_LONGEST_VALUE_CHARS = 80


def webhook_url(settings: Settings) -> str | None:
    """CHANGES_WEBHOOK_URL; as `operators_url` has it."""
    return operators_url("CHANGES_WEBHOOK_URL", settings.changes.webhook_url)


def begin(settings: Settings, changes: ChangeStore) -> None:
    """From now on the webhook is to be told, if there is one; a worker that has begun has it told all that it finds.

    Raises as `webhook_url`, and errors of the database.
    """
    if webhook_url(settings) is not None:
        changes.begin(RECEIVER)


def tell_due(changes: ChangeStore, sender: WebhookSender, url: str, clock: Clock) -> dict[str, int]:
    """One attempt for each change that is due, until one fails; -> how many were `delivered` and `failed`.

    A receiver can get a change twice (its answer was lost, or this process died before it noted it); then `webhook-id`
    is the same, and so is the body.
    """
    counts = {"delivered": 0, "failed": 0}
    until = clock.now() + timedelta(seconds=PATIENCE_SECONDS)
    while clock.now() <= until and (claim := changes.claim(RECEIVER, LEASE_SECONDS)) is not None:
        outcome = "delivered"
        try:
            sender.send(url, event_of(claim.change))
        except WebhookError as exc:
            outcome = "failed"
            seconds = (wait_after(claim.attempt) if exc.transient else None) or LONGEST_WAIT_SECONDS
            again = clock.now() + timedelta(seconds=seconds)
            changes.failed(claim, str(exc), again)
            log.warning("A change could not be told, attempt %d, %s: %s", claim.attempt, then(again), exc)
        else:
            changes.delivered(claim)
            log.info("%s was told of a change (attempt %d)", origin_of(url), claim.attempt)
        counts[outcome] += 1
        CHANGE_DELIVERIES.labels(outcome).inc()
        if outcome == "failed":
            break
    return counts


def event_of(change: Change) -> Event:
    """The event of a change: the same in all attempts. `data` is the change as the doors show it."""
    return Event(f"change_{change.id}", EVENT_TYPE, change.told_at, change.as_json(), text_of(change))


def text_of(change: Change) -> str:
    """What people read: `ListPrice of 3f2c...: 500000 → 480000`."""
    old, new = (_short(value) for value in (change.old, change.new))
    return f"{change.field} of {change.property}: {old} → {new}"


def _short(value: Any) -> str:
    text = "nothing" if value is None else f"{len(value)} rows" if _is_rows(value) else printable(str(value))
    return text if len(text) <= _LONGEST_VALUE_CHARS else f"{text[: _LONGEST_VALUE_CHARS - 1]}…"


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(part, dict) for part in value)
