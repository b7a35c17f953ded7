"""Send the messages of the outbox, with exponential backoff.

Callbacks and alerts are given up after almost a day, or at once if another attempt would be useless, such as after HTTP
410. Changes are never given up. An undelivered change blocks later changes, so that the receiver gets changes in order.
After a lost response or a crash, a receiver can get a message twice, with the same `webhook-id`.
"""

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

from app.errors.webhooks import WebhookError
from app.plurals import counted
from app.printable import printable
from app.property.storage.database import Database
from app.property.storage.jobs.batches import BatchStore
from app.property.storage.outbox import Channel, Message, Outbox, put
from app.property.storage.watches.changes import LATEST, ChangeStore, Followed
from app.property.storage.watches.models import Change
from app.redaction import origin_of
from app.services.delivery.webhooks import TIMEOUT_SECONDS, Event, WebhookSender, operators_url
from app.services.reports.metrics.instruments import ALERT_NOTIFICATIONS, CALLBACKS, CHANGE_DELIVERIES
from app.settings import Settings

log = logging.getLogger(__name__)

#: A lease is longer than any attempt. An expired lease therefore means that the process that claimed the message
#: crashed.
LEASE_SECONDS = 6 * TIMEOUT_SECONDS
#: Time after which a run begins no further attempt.
_RUN_SECONDS = 10.0
_FIRST_WAIT_SECONDS = 10.0
_LONGEST_WAIT_SECONDS = 3600.0
#: Waits double from 10 s up to an hour, so attempt 32 is 23.4 hours after the first.
MAX_ATTEMPTS = 32
#: Maximum number of callbacks sent concurrently.
AT_ONCE = 10
#: Id of the outbox row that stores the cursor after the last change sent.
_CHANGES = "changes"
_CHANGE_TYPE = "change.detected"
_MOST_SENTENCES = 20
_HEADINGS = {"alert.fired": ("Alert", "alerts"), "alert.resolved": ("Resolved", "alerts are over")}
_LONGEST_VALUE_CHARS = 80
_COUNTERS = {Channel.BATCH: CALLBACKS, Channel.ALERT: ALERT_NOTIFICATIONS, Channel.CHANGE: CHANGE_DELIVERIES}


def receiver_of(channel: Channel, settings: Settings) -> str | None:
    """Return the URL for alerts or changes in canonical form, or None if it is not set.

    Return None for callbacks, because each batch has its own URL. Raises `ConfigurationError` for an unusable URL.
    """
    alerts, changes = settings.alert.webhook_url, settings.changes.webhook_url
    urls = {Channel.ALERT: ("ALERT_WEBHOOK_URL", alerts), Channel.CHANGE: ("CHANGES_WEBHOOK_URL", changes)}
    return operators_url(*urls[channel]) if channel in urls else None


def follow_changes(settings: Settings, database: Database) -> None:
    """If CHANGES_WEBHOOK_URL is set for the first time, store a cursor, so that only changes from now on are sent."""
    if receiver_of(Channel.CHANGE, settings) is not None and Outbox(database).find(_CHANGES) is None:
        begin = {"type": _CHANGE_TYPE, "payload": {"since": ChangeStore(database).since(LATEST).next_since}}
        now = database.clock.now()
        database.repeat(lambda connection: put(connection, now, Channel.CHANGE, _CHANGES, **begin))


def is_due(channel: Channel, database: Database) -> bool:
    outbox = Outbox(database)
    if channel is not Channel.CHANGE:
        return outbox.is_due(channel)
    return outbox.is_due(channel) and (row := outbox.find(_CHANGES)) is not None and bool(_next(database, row).changes)


def changes_backlog(database: Database) -> dict[str, Any]:
    """Return the number of undelivered changes, the time of the oldest one, and the error of the last attempt."""
    row = Outbox(database).find(_CHANGES)
    if row is None:
        return {"pending": 0, "oldest_at": None, "error": None}
    pending, oldest = ChangeStore(database).count_since(row.payload["since"])
    return {"pending": pending, "oldest_at": oldest.isoformat() if oldest is not None else None, "error": row.error}


def deliver_due(channel: Channel, settings: Settings, database: Database) -> dict[str, int]:
    """Send the channel's due messages for up to `_RUN_SECONDS`. Return the number of messages by outcome.

    Alerts and changes have one receiver each, so sending them stops at the first failure. Raises the errors of
    `receiver_of` and `StoreError`.
    """
    url, clock, outbox = receiver_of(channel, settings), database.clock, Outbox(database)
    counts = {"delivered": 0, "failed": 0, "given_up": 0}
    if channel is not Channel.BATCH and url is None:
        return counts
    at_once = AT_ONCE if channel is Channel.BATCH else 1
    until = clock.now() + timedelta(seconds=_RUN_SECONDS)
    with closing(WebhookSender(settings, clock)) as sender, ThreadPoolExecutor(at_once, "webhook") as threads:
        while clock.now() <= until and is_due(channel, database):
            claims = outbox.claim(channel, at_once, LEASE_SECONDS)
            outcomes = list(threads.map(lambda claim: _deliver(claim, url, sender, database), claims))
            for outcome in filter(None, outcomes):
                counts[outcome] += 1
            if not claims or (url is not None and outcomes != ["delivered"]):
                break  # another process has claimed the messages, or the only receiver has failed
    return counts


def _deliver(message: Message, url: str | None, sender: WebhookSender, database: Database) -> str | None:
    channel, outbox = Channel(message.channel), Outbox(database)
    to = url if message.batch_id is None else BatchStore(database).callback_url(message.batch_id)
    if to is None:
        return None
    following = _next(database, message) if channel is Channel.CHANGE else None
    if following is not None and not following.changes:
        outbox.advance(message, message.payload)
        return None
    event = change_event(following.changes[0]) if following is not None else event_of(message)
    outcome, again = "delivered", None
    try:
        sender.send(to, event)
    except WebhookError as exc:
        again = _again_at(message, exc, database.clock.now())
        outcome = "failed" if again is not None else "given_up"
        outbox.failed(message, str(exc), again)
        then = f"next attempt at {again.isoformat(timespec='seconds')}" if again is not None else "given up"
        log.warning("Webhook %s, attempt %d, %s: %s", event.id, message.attempts, then, exc)
    else:
        if following is not None:
            outbox.advance(message, {"since": following.next_since})
        else:
            outbox.delivered(message)
        log.info("Webhook %s was delivered to %s (attempt %d)", event.id, origin_of(to), message.attempts)
    _COUNTERS[channel].labels(outcome).inc()
    return outcome


def wait_after(attempt: int) -> float | None:
    """Return the seconds to wait after the failed attempt number `attempt` (from 1), or None after the last attempt."""
    if attempt >= MAX_ATTEMPTS:
        return None
    return min(_FIRST_WAIT_SECONDS * 2.0 ** (attempt - 1), _LONGEST_WAIT_SECONDS)


def _again_at(message: Message, error: WebhookError, now: datetime) -> datetime | None:
    seconds = wait_after(message.attempts) if error.transient else None
    if seconds is None and message.channel == Channel.CHANGE:
        seconds = _LONGEST_WAIT_SECONDS
    return now + timedelta(seconds=seconds) if seconds is not None else None


def _next(database: Database, message: Message) -> Followed:
    """Return the next change to send, if any. Call this just before sending, so that no purged change is sent."""
    return ChangeStore(database).since(message.payload["since"], limit=1)


def event_of(message: Message) -> Event:
    text = _alerts_text(message.type, message.payload["alerts"]) if message.channel == Channel.ALERT else None
    return Event(message.event_id, message.type, message.created_at, message.payload, text)


def change_event(change: Change) -> Event:
    """Return the event of a change, with a text such as `ListPrice of 3f2c...: 500000 → 480000`."""
    old, new = (_short(value) for value in (change.old, change.new))
    text = f"{change.field} of {change.property_id}: {old} → {new}"
    return Event(f"change_{change.id}", _CHANGE_TYPE, change.published_at, change.as_json(), text)


def _alerts_text(type_: str, alerts: Sequence[Mapping[str, Any]]) -> str:
    one, many = _HEADINGS[type_]
    if len(alerts) == 1:
        return f"{one} {alerts[0]['kind']}: {alerts[0]['message']}"
    lines = [f"• {alert['kind']}: {alert['message']}" for alert in alerts[:_MOST_SENTENCES]]
    more = [f"... and {len(alerts) - _MOST_SENTENCES} more"] if len(alerts) > _MOST_SENTENCES else []
    return "\n".join([f"{len(alerts)} {many}:", *lines, *more])


def _short(value: Any) -> str:
    is_rows = isinstance(value, list) and any(isinstance(part, dict) for part in value)
    text = "nothing" if value is None else counted(len(value), "row") if is_rows else printable(str(value))
    return text if len(text) <= _LONGEST_VALUE_CHARS else f"{text[: _LONGEST_VALUE_CHARS - 1]}…"
