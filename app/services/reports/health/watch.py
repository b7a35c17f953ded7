"""One look at the pool: take in, judge, book. What the scheduled tasks about health are made of."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.property.storage.database import Database
from app.property.storage.keys.alerts import AlertStore, Severity
from app.property.storage.keys.history import KeyHistoryStore
from app.property.storage.keys.tables import Alert
from app.services.keys.store import budget_of
from app.services.openai_client_manager import OpenAIClientManager
from app.services.reports.health.alarms import Thresholds, find_alarms
from app.services.reports.health.taking import budget_uses, take_in, view_of
from app.services.reports.health.view import PoolView
from app.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reading:
    """The stats of the specification, and a moment of the fleet's clock before they were read."""

    at: datetime
    stats: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PoolWatch:
    """What is needed to look at the pool: its manager, and a database."""

    settings: Settings
    manager: OpenAIClientManager
    database: Database

    @property
    def history(self) -> KeyHistoryStore:
        return KeyHistoryStore(self.database)

    @property
    def alerts(self) -> AlertStore:
        return AlertStore(self.database)

    def read(self) -> Reading:
        """How the pool is now. No database is asked."""
        at = self.database.clock.now()
        return Reading(at, self.manager.get_stats())

    def look(self, reading: Reading | None = None) -> PoolView | None:
        """Take in what was counted; -> the view that is judged, None while the figures are not the fleet's.

        The pool is read here if `reading`, made just before, does not say how it is. Raises `StoreError`.
        """
        at = self.database.clock.now()
        figures = take_in(self.manager, self.history)
        if figures is None:
            return None
        at, stats = (at, self.manager.get_stats()) if reading is None else (reading.at, reading.stats)
        if stats["scope"] != "fleet":
            return None
        budgets = budget_uses(stats, figures.stopped, budget_of(self.settings))
        return view_of(self.manager, stats, self.history, budgets, at)

    def check(self) -> tuple[list[Alert], list[Alert]]:
        """Find what is wrong now and book it; log what that changed, and return it. Raises `StoreError`."""
        view = self.look()
        if view is None:
            return [], []
        alerts = self.alerts
        alarms = find_alarms(view, Thresholds.of(self.settings), alerts.firing())
        fired, resolved = alerts.book(alarms, tell=self.settings.alert.webhook_url is not None)
        for alert in fired:
            level = logging.ERROR if alert.severity == Severity.CRITICAL else logging.WARNING
            log.log(level, "Alert %s: %s", alert.kind, alert.message)
        for alert in resolved:
            log.info("Alert %s is over: %s", alert.kind, alert.message)
        return fired, resolved
