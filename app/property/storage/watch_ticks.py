"""One tick of the clock of watches: what has ended is accounted for, what is due and within the budget is begun.

All of it is one transaction, and one at a time in the fleet: whoever dies in it has done nothing, and of two that tick
at once the second finds nothing left to do. What a watch's pages and questions really cost is charged when they are
asked (`watch_budget.py`); here is reckoned what they will, so that few jobs find the budget spent.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from math import ceil
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, case, delete, exists, func, select, update

from app.property.storage import quotas
from app.property.storage.engine import Database
from app.property.storage.enqueueing import batch_row, make_batch
from app.property.storage.models import Job
from app.property.storage.purge_marks import PURGE
from app.property.storage.rebuilding import alive
from app.property.storage.rows import chunks, upsert
from app.property.storage.tables import ACTIVE, jobs, properties, records, watch_days, watches
from app.property.storage.watch_budget import WatchLimits, day_of
from app.property.storage.watch_ends import Settled, settle
from app.property.storage.watch_models import Tick, Watch, watch_of
from app.property.storage.watch_rechecks import (
    begun,
    due,
    look_if_nobody_does,
    put_off,
    refreshed,
    settle_rechecks,
)
from app.property.storage.watch_times import due_next

#: what beat ticks by
TICK_SECONDS = 60.0
#: the lock of whoever makes jobs of watches, or takes them away
TICK = "watches.tick"
#: jobs of watches are less urgent than those that somebody waits for
PRIORITY = 8
#: pages of a property that are refreshed, those that were read last
MOST_PAGES = 20
#: many are due at the same moment, when a day begins that has room for them again
TAKEN_IN_ORDER = (watches.c.due_at, watches.c.refreshed_at.asc().nulls_first(), watches.c.id)
#: after an outage, or when a day's budget begins, watches are taken so many times as fast as they come due
_CATCH_UP = 2.0
_LEAST_A_TICK = 5
#: what is in somebody else's hands is looked at again after that
_BUSY = timedelta(minutes=10)
#: by then the tick has handed its jobs over, else recovery does
_RESEND = timedelta(seconds=30)
_DAYS_KEPT = timedelta(days=62)


def tick(database: Database, limits: WatchLimits, *, seconds: float = TICK_SECONDS) -> Tick:
    """Settle, then begin: pages that show a change first, then the watches that are due, those due for longest first,
    and with what is left the pages that could not be read before.

    `seconds` is how long it takes to the next tick. What does not fit into the day's `limits` keeps its place, so that
    it is first when the next day begins.
    """

    def work(connection: Connection) -> Tick:
        database.exclusively(connection, TICK)
        database.together(connection, PURGE)  # what is purged meanwhile is not asked for afterwards
        now = database.clock.now()
        return _Turn(connection, now, limits, seconds).take(settle(connection, now))

    return database.repeat(work)


class _Turn:
    """One tick's transaction."""

    def __init__(self, connection: Connection, now: datetime, limits: WatchLimits, seconds: float) -> None:
        self._connection = connection
        self._now = now
        self._limits = limits
        self._seconds = seconds
        #: by target the watch that it is for, in the order in which they were taken
        self._wanted: dict[str, str] = {}
        self._lost: list[Watch] = []

    def take(self, settled: Settled) -> Tick:
        """Begin what is due."""
        self._left = room(self._connection, self._limits, self._now)
        most = self._most()
        settle_rechecks(self._connection, self._now)
        rechecked = self._look(most, failed=False)
        taken, is_short = self._refresh(most)
        rechecked += self._look(most, failed=True)
        new = self._make_jobs(taken)
        put_off, tells = self._put_off() if is_short else (0, False)
        self._forget_days()
        paused = [*settled.paused, *self._lost]
        return Tick(new, len(taken), rechecked, settled.outcomes, paused, put_off, tells)

    def _most(self) -> int:
        """How many watches one tick takes: as many as come due in the time, and some more to catch up."""
        a_day = self._connection.execute(
            select(func.sum(1.0 / watches.c.interval_days)).where(watches.c.state == "active")
        ).scalar()
        return max(_LEAST_A_TICK, ceil(_CATCH_UP * float(a_day or 0) * self._seconds / 86_400))

    # --- what is due

    def _look(self, most: int, *, failed: bool) -> int:
        """Take the pages that want a further look, those whose last one `failed` or the others; -> how many."""
        rows = {row.url: row.watch_id for row in due(self._connection, self._now, most=most, failed=failed)}
        busy = _active(self._connection, list(rows)) | (rows.keys() & self._wanted.keys())
        put_off(self._connection, busy, self._now + _BUSY)
        left = self._left - (self._due_today() if failed else 0)
        free = [url for url in rows if url not in busy][: max(0, left)]
        self._wanted |= {url: rows[url] for url in free}
        self._left -= len(free)
        begun(self._connection, free, self._now)
        return len(free)

    def _due_today(self) -> int:
        """Requests that the watches that are due before the day's budget ends are reckoned to make."""
        ends = datetime.combine(self._now, time.max, UTC)
        query = select(func.sum(watches.c.expected_pages)).where(_is_due(ends))
        return int(self._connection.execute(query).scalar() or 0)

    def _refresh(self, most: int) -> tuple[list[Row[Any]], bool]:
        """The watches that are taken, and whether the day's budget left one out."""
        theirs = exists().where(jobs.c.watch_id == watches.c.id, jobs.c.state.in_(ACTIVE))
        query = select(watches).where(_is_due(self._now), ~theirs).order_by(*TAKEN_IN_ORDER)
        taken, is_short = list[Row[Any]](), False
        for row in self._connection.execute(query.limit(most)).all():
            targets = self._targets(row)
            expected = max(len(targets), row.expected_pages if row.kind != "property" else 0)
            if not targets:
                self._lose(row)
            elif self._has_room(row, expected):
                busy = _active(self._connection, targets) | (set(targets) & set(self._wanted))
                if len(busy) == len(targets):
                    self._set(row, due_at=self._now + _BUSY, put_off_at=None)
                    continue
                if not self._is_paid(row):
                    self._set(row, due_at=quotas.next_day(self._now), put_off_at=None)
                    continue
                look_if_nobody_does(self._connection, busy, row.id, self._now + _BUSY)
                refreshed(self._connection, targets)
                self._wanted |= {target: row.id for target in targets if target not in busy}
                self._left -= expected
                taken.append(row)
                self._expect(row, expected)
            else:
                is_short = True
                if self._left <= 0:
                    break
        return taken, is_short

    def _has_room(self, row: Row[Any], expected: int) -> bool:
        """A whole day's budget is room for every watch. One that was put off on an earlier day goes with what there is,
        and its jobs take from the next day what they lack: smaller ones would else be before it day after day."""
        if row.put_off_at is not None and row.put_off_at < datetime.combine(self._now, time.min, UTC):
            return self._left > 0
        return self._left >= min(expected, max(1, self._limits.pages))

    def _is_paid(self, row: Row[Any]) -> bool:
        """Charge a refresh to the quota of whoever added the watch; False if that has no room today."""
        if row.caller is None or row.prepaid:
            return True
        caller = quotas.Requester(row.caller, self._limits.daily_targets)
        return quotas.charge_up_to(self._connection, caller, self._now, 1) == 1

    def _targets(self, row: Row[Any]) -> list[str]:
        """What is asked for to refresh the watch."""
        if row.kind != "property":
            return [row.target]
        home = alive(self._connection, row.target)
        newest = func.coalesce(records.c.checked_at, records.c.fetched_at).desc()
        query = select(records.c.url).where(records.c.property_id == home).order_by(newest, records.c.id)
        return list(self._connection.execute(query.limit(MOST_PAGES)).scalars())

    def _lose(self, row: Row[Any]) -> None:
        """Of the property nothing is left that could be asked."""
        there = select(properties.c.id).where(properties.c.id == row.target)
        why = "No page is left of the property." if self._connection.execute(there).first() else "The property is gone."
        self._set(row, state="paused", pause_reason=why)
        after = self._connection.execute(select(watches).where(watches.c.id == row.id)).one()
        self._lost.append(watch_of(after, self._now))

    # --- what becomes of it

    def _make_jobs(self, taken: Sequence[Row[Any]]) -> list[Job]:
        if not self._wanted:
            return []
        wanted = list(self._wanted)
        batch = batch_row(self._now, PRIORITY, len(wanted))
        made = make_batch(self._connection, batch, wanted, self._now + _RESEND, None, watch_of=self._wanted)
        for row in taken:
            next_at = due_next(row.target, row.interval_days, self._now)
            begun_now = {"under_way_since": self._now, "batch_id": made.batch, "prepaid": False}
            self._set(row, due_at=next_at, put_off_at=None, **begun_now)
        new = set(made.new)
        return [job for job in made.jobs if job.id in new]

    def _expect(self, row: Row[Any], pages: int) -> None:
        if pages != row.expected_pages:
            self._set(row, expected_pages=pages)

    def _set(self, row: Row[Any], **change: Any) -> None:
        self._connection.execute(update(watches).where(watches.c.id == row.id).values(change))

    def _put_off(self) -> tuple[int, bool]:
        """Note which watches wait for the next day; -> how many, and whether that is news today."""
        late = _is_due(self._now)
        news = update(watches).where(late, watches.c.put_off_at.is_(None)).values(put_off_at=self._now)
        self._connection.execute(news)
        count = self._connection.execute(select(func.count()).select_from(watches).where(late)).scalar_one()
        today = self._now.date()
        upsert(self._connection, watch_days, {"day": today}, {"day": today})
        mine = update(watch_days).where(watch_days.c.day == today)
        self._connection.execute(mine.where(watch_days.c.put_off < count).values(put_off=count))
        first = mine.where(watch_days.c.put_off_told_at.is_(None)).values(put_off_told_at=self._now)
        return count, self._connection.execute(first).rowcount == 1

    def _forget_days(self) -> None:
        self._connection.execute(delete(watch_days).where(watch_days.c.day < self._now.date() - _DAYS_KEPT))


def room(connection: Connection, limits: WatchLimits, now: datetime) -> int:
    """How many requests for pages today has left that no job under way is reckoned to make. It binds nobody."""
    return limits.pages - day_of(connection, now.date()).pages - _reckoned(connection)


def _is_due(now: datetime) -> ColumnElement[bool]:
    return and_(watches.c.state == "active", watches.c.due_at <= now, watches.c.under_way_since.is_(None))


def _active(connection: Connection, targets: Sequence[str]) -> set[str]:
    """Those of `targets` that a job has in hand."""
    found = set[str]()
    for some in chunks(targets):
        query = select(jobs.c.target).where(jobs.c.target.in_(some), jobs.c.state.in_(ACTIVE))
        found |= set(connection.execute(query).scalars())
    return found


def _reckoned(connection: Connection) -> int:
    """How many requests for pages the jobs that are under way will still make."""
    is_whole = and_(watches.c.kind != "property", watches.c.target == jobs.c.target)
    expected = case((is_whole, watches.c.expected_pages), else_=1)
    left = case((expected > jobs.c.watch_pages, expected - jobs.c.watch_pages), else_=0)
    theirs = jobs.outerjoin(watches, watches.c.id == jobs.c.watch_id)
    query = select(func.sum(left)).select_from(theirs).where(jobs.c.watch_id.is_not(None), jobs.c.state.in_(ACTIVE))
    return int(connection.execute(query).scalar() or 0)
