"""Tells ALERT_WEBHOOK_URL what fired and what is over: all of one look in one message, again until it is heard."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from app.clock import Clock
from app.errors.webhooks import WebhookError
from app.property.storage.keys.alerts import AlertStore, ClaimedNotice
from app.redaction import origin_of
from app.services.delivery.deliveries import LEASE_SECONDS, PATIENCE_SECONDS, again_at, then
from app.services.delivery.webhooks import Event, WebhookSender, operators_url
from app.services.reports.metrics.instruments import ALERT_NOTIFICATIONS
from app.settings import Settings

log = logging.getLogger(__name__)

#: sentences in one message; the data have all alerts
_MOST_SENTENCES = 20
_HEADINGS = {"alert.fired": ("Alert", "alerts"), "alert.resolved": ("Resolved", "alerts are over")}


def webhook_url(settings: Settings) -> str | None:
    """ALERT_WEBHOOK_URL; as `operators_url` has it."""
    return operators_url("ALERT_WEBHOOK_URL", settings.alert.webhook_url)


def tell_due(alerts: AlertStore, sender: WebhookSender, url: str, clock: Clock) -> dict[str, int]:
    """One attempt for each message that is due; -> how many were `delivered`, `failed` and `given_up`.

    The oldest first, and after a failure no more: it is the same receiver. It can get a message twice (its answer was
    lost, or this process died before it noted it); then `webhook-id` is the same.
    """
    counts = {"delivered": 0, "failed": 0, "given_up": 0}
    until = clock.now() + timedelta(seconds=PATIENCE_SECONDS)
    while clock.now() <= until and (claim := alerts.claim_notice(LEASE_SECONDS)) is not None:
        outcome = _tell(alerts, sender, url, clock, claim)
        counts[outcome] += 1
        ALERT_NOTIFICATIONS.labels(outcome).inc()
        if outcome != "delivered":
            break
    return counts


def _tell(alerts: AlertStore, sender: WebhookSender, url: str, clock: Clock, claim: ClaimedNotice) -> str:
    try:
        sender.send(url, event_of(claim))
    except WebhookError as exc:
        again = again_at(claim.attempt, exc, clock.now())
        alerts.notice_failed(claim, str(exc), again)
        log.warning("Alerts could not be told, attempt %d, %s: %s", claim.attempt, then(again), exc)
        return "failed" if again else "given_up"
    alerts.notice_delivered(claim)
    log.info("%s was told of %d alerts (%s, attempt %d)", origin_of(url), len(claim.alerts), claim.type, claim.attempt)
    return "delivered"


def event_of(claim: ClaimedNotice) -> Event:
    """The event of one message: the same in all attempts. `data` is `{"alerts": [...]}`, as the doors show them."""
    data = {"alerts": list(claim.alerts)}
    return Event(f"alert_{claim.id}", claim.type, claim.created_at, data, text_of(claim.type, claim.alerts))


def text_of(type_: str, alerts: Sequence[Mapping[str, Any]]) -> str:
    """What people read: `Alert key_dead: sentence`, or a line for each of several."""
    one, many = _HEADINGS[type_]
    if len(alerts) == 1:
        return f"{one} {alerts[0]['kind']}: {alerts[0]['message']}"
    lines = [f"• {alert['kind']}: {alert['message']}" for alert in alerts[:_MOST_SENTENCES]]
    more = [f"... and {len(alerts) - _MOST_SENTENCES} more"] if len(alerts) > _MOST_SENTENCES else []
    return "\n".join([f"{len(alerts)} {many}:", *lines, *more])
