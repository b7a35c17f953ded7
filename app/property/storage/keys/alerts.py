"""The alerts table: what is wrong now and what was, and what the webhook is still to be told.

An alert fires once however many processes find it at the same time, and is told once. Whether something is an alert is
not decided here, nor how the telling is done (`app/services`).
"""

from __future__ import annotations

import builtins
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, or_, select, update

from app.property.storage.database import Database
from app.property.storage.keys.hours import prune
from app.property.storage.outbox import Channel, put
from app.property.storage.paging import Order, Page
from app.property.storage.statements import new_id
from app.property.storage.tables import IS_FIRING, alerts

#: how long alerts that are over are kept
KEPT_DAYS = 400
ORDER = Order("alerts", (alerts.c.resolved_at, alerts.c.id), descending=True)


class Severity(StrEnum):
    """critical: no work is done, or soon none will be · warning: see to it."""

    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Alarm:
    """What is found to be wrong. `kind` and `subject` together name it; `details` holds JSON values."""

    kind: str
    subject: str
    severity: Severity
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alert:
    """An alarm that was booked; `resolved_at` is None while it is firing."""

    id: str
    kind: str
    subject: str
    severity: Severity
    message: str
    details: Mapping[str, Any]
    fired_at: datetime
    resolved_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        """The shape that the doors and the webhook show: JSON types only, times in ISO 8601."""
        return {
            "id": self.id,
            "kind": self.kind,
            "subject": self.subject,
            "severity": str(self.severity),
            "message": self.message,
            "details": dict(self.details),
            "fired_at": self.fired_at.isoformat(),
            "resolved_at": self.resolved_at.isoformat() if self.resolved_at else None,
        }


@dataclass(frozen=True, slots=True)
class Booked:
    """What one evaluation changed: alerts that began or became worse, and alerts that are over."""

    fired: tuple[Alert, ...]
    resolved: tuple[Alert, ...]


class AlertStore:
    """Alerts in a `Database`. Atomic on every method, over all processes; raises errors of `app.errors`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._clock = database.clock

    # --- looking

    def firing(self) -> builtins.list[Alert]:
        """Those that are not over, critical ones first, then the oldest."""
        with self._database.reading() as connection:
            rows = connection.execute(select(alerts).where(IS_FIRING).order_by(alerts.c.fired_at, alerts.c.id)).all()
        found = map(_alert_of, rows)
        return sorted(found, key=lambda alert: alert.severity is not Severity.CRITICAL)

    def resolved(self, cursor: str | None = None, *, limit: int = 100) -> Page[Alert]:
        """Those that are over after `cursor`, the newest end first. Raises `InvalidCursorError`."""
        query = select(alerts).where(alerts.c.resolved_at.is_not(None))
        with self._database.reading() as connection:
            rows = connection.execute(ORDER.page_query(query, cursor, limit)).all()
        return Page([_alert_of(row) for row in rows[:limit]], ORDER.next_cursor(rows, limit))

    def since(self, moment: datetime, kinds: Collection[str]) -> builtins.list[Alert]:
        """Those of these kinds that fired at some time after `moment`, the oldest first."""
        late = or_(alerts.c.resolved_at.is_(None), alerts.c.resolved_at > moment)
        query = select(alerts).where(alerts.c.kind.in_(kinds), late).order_by(alerts.c.fired_at, alerts.c.id)
        with self._database.reading() as connection:
            return [_alert_of(row) for row in connection.execute(query)]

    # --- booking

    def book(self, alarms: Sequence[Alarm], *, tell: bool) -> Booked:
        """Make the table say what an evaluation has found; -> what that changed.

        `alarms` are all that is wrong: what is not among them is over. Of several callers each change goes to one.
        `tell`: the webhook is to be told, in one message what fired, in one what is over.
        """
        with self._database.reading() as connection:  # most of the time nothing changes, and no writer need be stopped
            if not _changes(_firing(connection), alarms):
                return Booked((), ())
        now = self._clock.now()
        return self._database.repeat(lambda connection: self._book(connection, alarms, now, tell))

    def _book(self, connection: Connection, alarms: Sequence[Alarm], now: datetime, tell: bool) -> Booked:
        before = _firing(connection)
        found = {(alarm.kind, alarm.subject): alarm for alarm in alarms}
        over = [row.id for name, row in before.items() if name not in found]
        new = [_row_of(alarm, now) for name, alarm in found.items() if name not in before]
        fired = _insert(connection, new)
        for name, alarm in found.items():
            if (row := before.get(name)) is not None and _differs(row, alarm):
                changed = _rewrite(connection, row.id, alarm)
                fired += changed if alarm.severity is Severity.CRITICAL else []
        resolved = _resolve(connection, over, now)
        if tell:
            for type_, told in (("alert.fired", fired), ("alert.resolved", resolved)):
                if told:
                    payload = {"alerts": [alert.as_json() for alert in told]}
                    put(connection, now, Channel.ALERT, f"alert_{new_id()}", type=type_, payload=payload)
        return Booked(tuple(fired), tuple(resolved))

    def prune(self) -> None:
        """Delete what is older than `KEPT_DAYS`, at most a thousand rows."""
        with self._database.writing() as connection:
            prune(connection, alerts, alerts.c.resolved_at < self._clock.now() - timedelta(days=KEPT_DAYS))


def _firing(connection: Connection) -> dict[tuple[str, str], Row[Any]]:
    return {(row.kind, row.subject): row for row in connection.execute(select(alerts).where(IS_FIRING))}


def _changes(before: Mapping[tuple[str, str], Row[Any]], alarms: Sequence[Alarm]) -> bool:
    found = {(alarm.kind, alarm.subject): alarm for alarm in alarms}
    return found.keys() != before.keys() or any(_differs(before[name], alarm) for name, alarm in found.items())


def _differs(row: Row[Any], alarm: Alarm) -> bool:
    """Is the alarm now of another severity? New figures alone are no reason to write every quarter of a minute."""
    return bool(row.severity != alarm.severity)


def _row_of(alarm: Alarm, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "kind": alarm.kind,
        "subject": alarm.subject,
        "severity": alarm.severity,
        "message": alarm.message,
        "details": dict(alarm.details),
        "fired_at": now,
    }


def _insert(connection: Connection, rows: Sequence[dict[str, Any]]) -> list[Alert]:
    """Raises `IntegrityError` if another process was first with one; then all is looked at anew."""
    if not rows:
        return []
    return [_alert_of(row) for row in connection.execute(alerts.insert().returning(*alerts.c), list(rows))]


def _rewrite(connection: Connection, alert_id: str, alarm: Alarm) -> list[Alert]:
    """The row, unless somebody else has just made it say so."""
    change = {"severity": alarm.severity, "message": alarm.message, "details": dict(alarm.details)}
    as_before = (alerts.c.id == alert_id, IS_FIRING, alerts.c.severity != alarm.severity)
    statement = update(alerts).where(*as_before).values(change).returning(*alerts.c)
    return [_alert_of(row) for row in connection.execute(statement)]


def _resolve(connection: Connection, ids: Sequence[str], now: datetime) -> list[Alert]:
    if not ids:
        return []
    statement = update(alerts).where(alerts.c.id.in_(ids), IS_FIRING).values(resolved_at=now).returning(*alerts.c)
    return [_alert_of(row) for row in connection.execute(statement)]


def _alert_of(row: Row[Any]) -> Alert:
    return Alert(
        id=row.id,
        kind=row.kind,
        subject=row.subject,
        severity=Severity(row.severity),
        message=row.message,
        details=row.details,
        fired_at=row.fired_at,
        resolved_at=row.resolved_at,
    )
