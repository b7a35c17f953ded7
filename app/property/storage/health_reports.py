"""The health reports: one small row each, with the advice of the newest."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.sql import null

from app.property.storage.engine import Database
from app.property.storage.hours import prune
from app.property.storage.tables import health_reports

KEPT_DAYS = 30
#: in the last of the `unhealthy`, if not all of them are there
_LEFT_OFF = "left_off"


@dataclass(frozen=True, slots=True)
class StoredReport:
    """One report: `unhealthy` keys as `{"key": mask, "state", "failures"}`, and how many more of them are not named.

    `advice` is None but for the newest.
    """

    at: datetime
    healthy: int
    total: int
    unhealthy: Sequence[Mapping[str, Any]]
    summary: str
    advice: Sequence[Mapping[str, Any]] | None
    unhealthy_left_off: int = 0

    def as_json(self) -> dict[str, Any]:
        """The shape that the HTTP door shows."""
        return {
            "reported_at": self.at.isoformat(),
            "healthy_keys": self.healthy,
            "total_keys": self.total,
            "unhealthy": [dict(key) for key in self.unhealthy],
            "unhealthy_left_off": self.unhealthy_left_off,
            "summary": self.summary,
            "advice": [dict(piece) for piece in self.advice or ()],
        }


class ReportStore:
    """Reports in a `Database`; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, report: StoredReport) -> None:
        """Keep it as the newest. The one that was so loses its advice; no other row is read or written."""
        c = health_reports.c
        left_off = [{_LEFT_OFF: report.unhealthy_left_off}] if report.unhealthy_left_off else []
        row = {
            "at": report.at,
            "healthy": report.healthy,
            "total": report.total,
            "unhealthy": [*report.unhealthy, *left_off],
            "summary": report.summary,
            "advice": None if report.advice is None else [*report.advice],
        }
        with self._database.writing() as connection:
            self._database.exclusively(connection, "health_reports")
            newest = select(func.max(c.id)).scalar_subquery()
            connection.execute(update(health_reports).where(c.id == newest).values(advice=null()))
            connection.execute(insert(health_reports).values(row))

    def latest(self) -> StoredReport | None:
        """The newest; None if there never was one."""
        found = self.list(limit=1)
        return found[0] if found else None

    def list(self, *, limit: int = 100) -> builtins.list[StoredReport]:
        """The newest first."""
        query = select(health_reports).order_by(health_reports.c.id.desc()).limit(limit)
        with self._database.reading() as connection:
            return [_report_of(row) for row in connection.execute(query)]

    def prune(self) -> None:
        """Delete what is older than `KEPT_DAYS`, at most a thousand rows."""
        oldest = self._database.clock.now() - timedelta(days=KEPT_DAYS)
        with self._database.writing() as connection:
            prune(connection, health_reports, health_reports.c.at < oldest)


def _report_of(row: Row[Any]) -> StoredReport:
    keys = [key for key in row.unhealthy if _LEFT_OFF not in key]
    left_off = sum(key.get(_LEFT_OFF, 0) for key in row.unhealthy)
    return StoredReport(row.at, row.healthy, row.total, keys, row.summary, row.advice, left_off)
