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
    """The kinds of requests that count against the budget."""

    PAGE = "page"  # a request for a page with all its redirects, even if the answer is 304
    MODEL_CALL = "model_call"  # a call of a model, including web searches


SUBJECT = "watches"


@dataclass(frozen=True, slots=True)
class WatchLimits:
    """The maximum number of page requests and model calls per UTC day, for all watches together.

    `daily_targets` is each caller's daily quota of targets (None: no quota). A refresh of a watch counts as one target
    of the caller that added the watch.
    """

    pages: int
    model_calls: int
    daily_targets: int | None = None


@dataclass(frozen=True, slots=True)
class WatchDay:
    """The page requests and model calls of all watches on a UTC day."""

    day: date
    pages: int = 0
    model_calls: int = 0


def charge_watches(database: Database, what: Charge, limit: int) -> bool:
    """Charge one request of the kind `what` to today's budget. Return False if the budget is used up."""
    today = database.clock.now().date()
    return database.repeat(lambda connection: usage.add(connection, today, SUBJECT, what, 1, limit=limit))


def watch_day(database: Database) -> WatchDay:
    """Return the part of today's budget that watches have used."""
    with database.reading() as connection:
        return day_of(connection, database.clock.now().date())


def day_of(connection: Connection, day: date) -> WatchDay:
    """Return the part of the budget of `day` that watches used."""
    used = usage.amounts(connection, day, SUBJECT)
    return WatchDay(day, used.get(Charge.PAGE, 0), used.get(Charge.MODEL_CALL, 0))
