"""What all watches together have cost on a UTC day: charged before a site or a model is asked, so it is never exceeded.

One UPDATE that holds only as long as there is room: however many workers charge at once, the sum stays within the
limit. A process that dies between the charge and the request has charged too much, never too little.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.property.storage.engine import Database
from app.property.storage.tables import jobs, watch_days


class Charge(StrEnum):
    """page: a request to a site for a page, also one that is answered 304, with all its redirects · model_call: a
    question to a model, a search of the web among them."""

    PAGE = "page"
    MODEL_CALL = "model_call"


_DAY_COLUMN = {Charge.PAGE: watch_days.c.pages, Charge.MODEL_CALL: watch_days.c.model_calls}
_JOB_COLUMN = {Charge.PAGE: jobs.c.watch_pages, Charge.MODEL_CALL: jobs.c.watch_model_calls}


@dataclass(frozen=True, slots=True)
class WatchLimits:
    """How many requests for pages and calls of the model watches may cost a UTC day, all together; and the daily quota
    of each caller, toward which refreshes of his watches count (None: none)."""

    pages: int
    model_calls: int
    daily_targets: int | None = None

    def of(self, what: Charge) -> int:
        """The limit of one of the two."""
        return self.pages if what is Charge.PAGE else self.model_calls


@dataclass(frozen=True, slots=True)
class WatchDay:
    """What a day has cost so far, and the most watches that it had no room for at one time."""

    day: date
    pages: int = 0
    model_calls: int = 0
    put_off: int = 0


class WatchLedger:
    """The budget of watches in a `Database`. Raises errors of the database only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def charge(self, job_id: str, what: Charge, limit: int) -> date | None:
        """Charge one of `what` to today, for a job of a watch; -> the day, None if that has no room for it."""

        def work(connection: Connection) -> date | None:
            today = self._database.clock.now().date()
            if limit < 1 or not _charged(connection, today, what, limit):
                return None
            mine = _JOB_COLUMN[what]
            connection.execute(update(jobs).where(jobs.c.id == job_id).values({mine: mine + 1}))
            return today

        return self._database.repeat(work)

    def refund(self, job_id: str, what: Charge, day: date) -> None:
        """Take back a charge: nobody was asked after all."""

        def work(connection: Connection) -> None:
            column, mine = _DAY_COLUMN[what], _JOB_COLUMN[what]
            connection.execute(
                update(watch_days).where(watch_days.c.day == day, column > 0).values({column: column - 1})
            )
            connection.execute(update(jobs).where(jobs.c.id == job_id, mine > 0).values({mine: mine - 1}))

        self._database.repeat(work)

    def today(self) -> WatchDay:
        """What today has cost so far."""
        with self._database.reading() as connection:
            return day_of(connection, self._database.clock.now().date())


def day_of(connection: Connection, day: date) -> WatchDay:
    """What `day` has cost."""
    row = connection.execute(select(watch_days).where(watch_days.c.day == day)).one_or_none()
    return WatchDay(day) if row is None else WatchDay(day, row.pages, row.model_calls, row.put_off)


def _charged(connection: Connection, today: date, what: Charge, limit: int) -> bool:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    column = _DAY_COLUMN[what]
    counted = dialect.insert(watch_days).values({"day": today, column.name: 1})
    counted = counted.on_conflict_do_update(
        index_elements=[watch_days.c.day], set_={column.name: column + 1}, where=column < limit
    )
    return connection.execute(counted.returning(column)).first() is not None
