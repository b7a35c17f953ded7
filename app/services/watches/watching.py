"""Watches for whoever shows or drives them: one tick, and how things stand with the budget."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.property.storage.database import Database
from app.property.storage.jobs.usage import next_day
from app.property.storage.watches.budget import WatchDay, WatchLedger, WatchLimits
from app.property.storage.watches.models import Watch, WatchStatus
from app.property.storage.watches.repository import Watches
from app.property.storage.watches.schedule import Tick
from app.redaction import redact
from app.services.reports.metrics.instruments import WATCH_REFRESHES
from app.services.watches.budget import limits_of
from app.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WatchSummary:
    """How many watches are in each status, what today has cost, and about how many pages a day all of them want."""

    counts: dict[WatchStatus, int]
    today: WatchDay
    limits: WatchLimits
    daily_pages: float
    resets_at: datetime

    def as_json(self) -> dict[str, Any]:
        """The shape that the doors show."""
        return {
            "counts": {str(status): count for status, count in self.counts.items()},
            "budget": {
                "day": self.today.day.isoformat(),
                "resets_at": self._resets_at(),
                "pages": {"used": self.today.pages, "limit": self.limits.pages},
                "model_calls": {"used": self.today.model_calls, "limit": self.limits.model_calls},
            },
        }

    def warning(self) -> str | None:
        """What is to be said of the budget; None if it does."""
        waiting = self.counts[WatchStatus.PUT_OFF]
        if waiting:
            return (
                f"{waiting} watches found no room in today's budget of {self.limits.pages} pages (WATCH_DAILY_PAGES):"
                f" they come first on the next day, at {self._resets_at()}."
            )
        if self.daily_pages > self.limits.pages:
            return (
                f"All watches together want about {self.daily_pages:.0f} pages a day, and WATCH_DAILY_PAGES is"
                f" {self.limits.pages}: they are refreshed later than you asked. Raise it, or watch less."
            )
        return None

    def _resets_at(self) -> str:
        return self.resets_at.isoformat(timespec="seconds")


def summary(database: Database, settings: Settings) -> WatchSummary:
    """How things stand now."""
    watches, now = Watches(database), database.clock.now()
    return WatchSummary(
        counts=watches.counts(),
        today=WatchLedger(database).today(),
        limits=limits_of(settings),
        daily_pages=watches.daily_pages(),
        resets_at=next_day(now),
    )


def tick(database: Database, settings: Settings) -> Tick:
    """One tick: what has ended is accounted for, what is due and within the budget has jobs, which are to be sent."""
    done = Watches(database).tick(limits_of(settings))
    for outcome, count in done.settled.items():
        WATCH_REFRESHES.labels(outcome).inc(count)
    for watch in done.paused:
        _tell_paused(watch)
    if done.tells_put_off:
        log.warning(
            "%d watches found no room in today's budget of %d pages; they come first on the next day. Raise"
            " WATCH_DAILY_PAGES, or watch less",
            done.put_off,
            settings.watch.daily_pages,
        )
    if done.jobs:
        log.info(
            "%d jobs for %d watches and %d pages that want a second look",
            len(done.jobs),
            done.refreshed,
            done.rechecked,
        )
    return done


def _tell_paused(watch: Watch) -> None:
    log.warning("Watch %s of a %s is paused: %s", watch.id, watch.kind, redact(watch.pause_reason or ""))
