"""The daily budget that all watches share. A request is charged before it is sent, so the budget is not exceeded.

If a process dies between charge and request, the charge stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import Connection

from app.property.storage.database import Database
from app.property.storage.jobs import usage


class Charge(StrEnum):
    """The kinds of requests that a watch is charged for."""

    PAGE = "page"  # a request for a page with all its redirects, even if the answer is 304
    MODEL_CALL = "model_call"  # a call of a model, including web searches


SUBJECT = "watches"


@dataclass(frozen=True, slots=True)
class WatchLimits:
    """The budget of pages and model calls per UTC day, shared by all watches.

    `daily_targets` is each caller's daily quota (None: no quota), to which refreshes of the caller's watches count.
    """

    pages: int
    model_calls: int
    daily_targets: int | None = None


@dataclass(frozen=True, slots=True)
class WatchDay:
    """The budget that watches used on a UTC day."""

    day: date
    pages: int = 0
    model_calls: int = 0


def charge_watches(database: Database, what: Charge, limit: int) -> bool:
    """Charge one unit of `what` to today's budget. Return False if the budget is used up."""
    today = database.clock.now().date()
    return database.repeat(lambda connection: usage.add(connection, today, SUBJECT, what, 1, limit=limit))


def watch_day(database: Database) -> WatchDay:
    """Return the budget that watches have used today."""
    with database.reading() as connection:
        return day_of(connection, database.clock.now().date())


def day_of(connection: Connection, day: date) -> WatchDay:
    """Return the budget that watches used on `day`."""
    used = usage.amounts(connection, day, SUBJECT)
    return WatchDay(day, used.get(Charge.PAGE, 0), used.get(Charge.MODEL_CALL, 0))
