"""The daily budget of page requests and model calls that all watches share.

A request is charged before it is sent, so that the budget is never exceeded.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import Connection

from app.property.storage.database import Database
from app.property.storage.jobs import usage


class Charge(StrEnum):
    PAGE = "page"  # one page fetch including redirects, even if the response is 304
    MODEL_CALL = "model_call"


SUBJECT = "watches"


@dataclass(frozen=True, slots=True)
class WatchLimits:
    """Limits for all watches together: page requests and model calls per UTC day.

    `daily_targets` is each caller's daily quota of targets (None: no quota). Each refresh uses one target of the quota
    of the caller that added the watch.
    """

    pages: int
    model_calls: int
    daily_targets: int | None = None


@dataclass(frozen=True, slots=True)
class WatchDay:
    day: date
    pages: int = 0
    model_calls: int = 0


def charge_watches(database: Database, what: Charge, limit: int) -> bool:
    """Charge one request to today's budget. Return False if today's limit for this kind of request is reached."""
    today = database.clock.now().date()
    return database.repeat(lambda connection: usage.add(connection, today, SUBJECT, what, 1, limit=limit))


def watch_day(database: Database) -> WatchDay:
    with database.reading() as connection:
        return day_of(connection, database.clock.now().date())


def day_of(connection: Connection, day: date) -> WatchDay:
    used = usage.amounts(connection, day, SUBJECT)
    return WatchDay(day, used.get(Charge.PAGE, 0), used.get(Charge.MODEL_CALL, 0))
