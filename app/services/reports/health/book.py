"""Turns alarms into alerts: each fires once and ends once, however many processes look; both are logged."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence

from app.property.storage.alerts import Alarm, Alert, AlertStore, Booked, Severity

log = logging.getLogger(__name__)


def book(alerts: AlertStore, alarms: Sequence[Alarm], kinds: Collection[str], *, tell: bool) -> Booked:
    """`alarms` are all that is wrong of these `kinds`; whoever books a change logs it. `tell`: the webhook as well."""
    booked = alerts.book(alarms, kinds, tell=tell)
    for alert in booked.fired:
        log.log(_level(alert), "Alert %s: %s", alert.kind, alert.message)
    for alert in booked.resolved:
        log.info("Alert %s is over: %s", alert.kind, alert.message)
    return booked


def _level(alert: Alert) -> int:
    return logging.ERROR if alert.severity is Severity.CRITICAL else logging.WARNING
