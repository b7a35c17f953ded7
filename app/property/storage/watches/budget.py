"""The daily budget of page requests and model calls that all watches share.

A request is charged before it is sent, so that the budget is never exceeded. If the process dies after the charge and
before the request, the charge is not refunded.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import Connection

from app.property.storage.database import Database
from app.property.storage.jobs import usage


class Charge(StrEnum):
    """A kind of request that counts against the budget."""

    PAGE = "page"  # one page fetch including redirects, even if the response is 304
    MODEL_CALL = "model_call"  # one model call, with or without web search


SUBJECT = "watches"


@dataclass(frozen=True, slots=True)
class WatchLimits:
    """The daily limits of page requests and model calls for all watches together. Days are in UTC.

    `daily_targets` is each caller's daily quota of targets (None: no quota). Each refresh of a watch uses one target of
    the quota of the caller that added it.
    """

    pages: int
    model_calls: int
    daily_targets: int | None = None


@dataclass(frozen=True, slots=True)
class WatchDay:
    """The number of page requests and model calls of all watches on one UTC day."""

    day: date
    pages: int = 0
    model_calls: int = 0


def charge_watches(database: Database, what: Charge, limit: int) -> bool:
    """Charge one request to today's budget. Return False if the budget for this kind is used up."""
    today = database.clock.now().date()
    return database.repeat(lambda connection: usage.add(connection, today, SUBJECT, what, 1, limit=limit))


def watch_day(database: Database) -> WatchDay:
    with database.reading() as connection:
        return day_of(connection, database.clock.now().date())


def day_of(connection: Connection, day: date) -> WatchDay:
    used = usage.amounts(connection, day, SUBJECT)
    return WatchDay(day, used.get(Charge.PAGE, 0), used.get(Charge.MODEL_CALL, 0))
