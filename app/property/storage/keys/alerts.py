"""Store firing and resolved alerts.

An alert fires once, even if several processes find the problem at the same time. In the same transaction, its message
is put into the outbox.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, insert, or_, select, update

from app.property.storage.keys.tables import IS_FIRING, Alert
from app.property.storage.outbox import Channel, put
from app.property.storage.paging import Order, Page
from app.property.storage.statements import Store, entities, new_id

_c = Alert.__table__.c
ORDER = Order("alerts", (_c.resolved_at, _c.id), descending=True)


class Severity(StrEnum):
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Alarm:
    kind: str
    subject: str
    severity: Severity
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)


class AlertStore(Store):
    def firing(self) -> list[Alert]:
        """Return the firing alerts: critical ones first, then the oldest first."""
        # alphabetical order: "critical" is before "warning"
        return self._read(select(Alert).where(IS_FIRING).order_by(Alert.severity, Alert.fired_at, Alert.id))

    def resolved(self, cursor: str | None = None, *, limit: int = 100) -> Page[Alert]:
        """Return a page of resolved alerts, the last resolved first. Raises `InvalidCursorError`."""
        return self._page(ORDER, select(Alert).where(Alert.resolved_at.is_not(None)), cursor, limit)

    def since(self, moment: datetime, kinds: Collection[str]) -> list[Alert]:
        late = or_(Alert.resolved_at.is_(None), Alert.resolved_at > moment)
        query = select(Alert).where(Alert.kind.in_(kinds), late).order_by(Alert.fired_at, Alert.id)
        return self._read(query)

    def record(self, alarms: Sequence[Alarm], *, notify: bool) -> tuple[list[Alert], list[Alert]]:
        """Store the current problems. Return the alerts that began or became critical, and the resolved alerts.

        Firing alerts that are not in `alarms` are resolved, so `alarms` must be complete. Of several processes that
        call this at the same time, only one returns each change. With `notify`, one webhook message lists the new
        alerts, and another the resolved ones.
        """
        found = {(alarm.kind, alarm.subject): alarm for alarm in alarms}
        with self._database.reading() as connection:  # usually nothing changes, so no write transaction is needed
            before = _firing(connection)
        if {name: alert.severity for name, alert in before.items()} == {n: a.severity for n, a in found.items()}:
            return [], []  # new messages or details alone are not stored, because they may change at each call
        now = self._database.clock.now()
        return self._database.repeat(lambda connection: _record(connection, found, now, notify))


Name = tuple[str, str]


def _firing(connection: Connection) -> dict[Name, Alert]:
    found = entities(connection, select(Alert).where(IS_FIRING))
    return {(alert.kind, alert.subject): alert for alert in found}


def _record(
    connection: Connection, found: Mapping[Name, Alarm], now: datetime, notify: bool
) -> tuple[list[Alert], list[Alert]]:
    before = _firing(connection)
    fired, over = [], [alert.id for name, alert in before.items() if name not in found]
    for name, alarm in found.items():
        values = asdict(alarm)
        if name not in before:
            row = {"id": new_id(), "fired_at": now, **values}
            fired += entities(connection, insert(Alert).values(row).returning(Alert))
        elif before[name].severity != alarm.severity:  # `as_before` matches no row if another process changed it first
            as_before = (Alert.id == before[name].id, IS_FIRING, Alert.severity != alarm.severity)
            changed = entities(connection, update(Alert).where(*as_before).values(values).returning(Alert))
            fired += changed if alarm.severity is Severity.CRITICAL else []
    end = update(Alert).where(Alert.id.in_(over), IS_FIRING).values(resolved_at=now)
    resolved = entities(connection, end.returning(Alert)) if over else []
    for type_, alerts in (("alert.fired", fired), ("alert.resolved", resolved)):
        if alerts and notify:
            payload = {"alerts": [alert.as_json() for alert in alerts]}
            put(connection, now, Channel.ALERT, f"alert_{new_id()}", type=type_, payload=payload)
    return fired, resolved
