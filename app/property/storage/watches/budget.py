"""The daily budget of all watches: charged before a site or a model is asked, so it is never exceeded.

A process that dies between the charge and the request has charged too much, never too little.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import Connection

from app.property.storage.database import Database
from app.property.storage.jobs import usage


class Charge(StrEnum):
    """page: a request to a site for a page, also one that is answered 304, with all its redirects · model_call: a
    question to a model, a search of the web among them."""

    PAGE = "page"
    MODEL_CALL = "model_call"


SUBJECT = "watches"


@dataclass(frozen=True, slots=True)
class WatchLimits:
    """How many requests for pages and model calls all watches together may cost a UTC day; and each caller's daily
    quota, toward which refreshes of the caller's watches count (None: none)."""

    pages: int
    model_calls: int
    daily_targets: int | None = None


@dataclass(frozen=True, slots=True)
class WatchDay:
    """What a day has cost so far."""

    day: date
    pages: int = 0
    model_calls: int = 0


def charge_watches(database: Database, what: Charge, limit: int) -> bool:
    """Charge one of `what` to today; False if the day has no room for it."""
    today = database.clock.now().date()
    return database.repeat(lambda connection: usage.add(connection, today, SUBJECT, what, 1, limit=limit))


def watch_day(database: Database) -> WatchDay:
    """Return what today has cost so far."""
    with database.reading() as connection:
        return day_of(connection, database.clock.now().date())


def day_of(connection: Connection, day: date) -> WatchDay:
    """Return what `day` has cost."""
    used = usage.amounts(connection, day, SUBJECT)
    return WatchDay(day, used.get(Charge.PAGE, 0), used.get(Charge.MODEL_CALL, 0))
