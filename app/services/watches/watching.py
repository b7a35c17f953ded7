"""Begin the refreshes of watches that are due, and summarize watches and their budget."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.plurals import counted
from app.property.storage.database import Database
from app.property.storage.jobs.usage import next_day
from app.property.storage.watches.budget import WatchDay, WatchLimits, watch_day
from app.property.storage.watches.models import WatchStatus
from app.property.storage.watches.repository import Watches
from app.property.storage.watches.schedule import Tick
from app.redaction import redact
from app.services.reports.metrics.instruments import WATCH_REFRESHES
from app.services.watches.budget import limits_of
from app.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WatchSummary:
    """The number of watches by status, their usage today, and the approximate pages per day that they need."""

    counts: dict[WatchStatus, int]
    today: WatchDay
    limits: WatchLimits
    daily_pages: float
    resets_at: datetime

    def as_json(self) -> dict[str, Any]:
        return {
            "counts": {str(status): count for status, count in self.counts.items()},
            "budget": {
                "day": self.today.day.isoformat(),
                "resets_at": self.resets_at.isoformat(timespec="seconds"),
                "pages": {"used": self.today.pages, "limit": self.limits.pages},
                "model_calls": {"used": self.today.model_calls, "limit": self.limits.model_calls},
            },
        }

    def warning(self) -> str | None:
        if waiting := self.counts[WatchStatus.PUT_OFF]:
            return (
                f"{counted(waiting, 'watch')} did not fit into today's budget of {counted(self.limits.pages, 'page')}"
                " (WATCH_DAILY_PAGES):"
                f" they come first on the next day, at {self.resets_at.isoformat(timespec='seconds')}."
            )
        if self.daily_pages > self.limits.pages:
            return (
                f"All watches need about {counted(round(self.daily_pages), 'page')} a day, but WATCH_DAILY_PAGES is"
                f" {self.limits.pages}, so refreshes are late. Raise it, or watch less."
            )
        return None


def summary(database: Database, settings: Settings) -> WatchSummary:
    watches, today, limits = Watches(database), watch_day(database), limits_of(settings)
    return WatchSummary(watches.counts(), today, limits, watches.daily_pages(), next_day(database.clock.now()))


def tick(database: Database, settings: Settings) -> Tick:
    """Begin the refreshes that are due. The caller must send the new jobs to the broker."""
    done = Watches(database).tick(limits_of(settings))
    for outcome, count in done.settled.items():
        WATCH_REFRESHES.labels(outcome).inc(count)
    for watch in done.paused:
        log.warning("Watch %s of a %s is paused: %s", watch.id, watch.kind, redact(watch.pause_reason or ""))
    if done.is_first_put_off:
        log.warning(
            "%s did not fit into today's budget of %s; they come first on the next day. Raise"
            " WATCH_DAILY_PAGES, or watch less",
            counted(done.put_off, "watch"),
            counted(settings.watch.daily_pages, "page"),
        )
    if done.jobs:
        log.info("Created %s of watches", counted(len(done.jobs), "job"))
    return done
