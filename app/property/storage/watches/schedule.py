"""One tick of the clock of watches: what has ended is accounted for, what is due and within the budget is begun.

All of it is one transaction, and one at a time in the fleet: whoever dies in it has done nothing, and of two that tick
at once the second finds nothing left to do. What a watch's pages and questions really cost is charged when they are
asked (`watches/budget.py`). The number of statements does not grow with the number of watches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from math import ceil
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, exists, func, or_, select, update
from sqlalchemy.orm import aliased

from app.property.storage.database import Database
from app.property.storage.jobs import usage
from app.property.storage.jobs.enqueue import batch_row, make_batch
from app.property.storage.jobs.models import Job, JobState
from app.property.storage.jobs.models import Job as JobRow
from app.property.storage.jobs.repository import queue_again
from app.property.storage.privacy.suppressions import PURGE
from app.property.storage.properties.tables import Property, SourceRow
from app.property.storage.statements import chunks, entities
from app.property.storage.types import ACTIVE
from app.property.storage.watches.budget import WatchLimits, day_of
from app.property.storage.watches.models import Change, Watch, WatchKind, write
from app.property.storage.watches.outcomes import forget_failed, settle
from app.property.storage.watches.slots import due_next
from app.property.urls.rows import is_row

#: what beat ticks by
TICK_SECONDS = 60.0
#: the lock of whoever makes jobs of watches, or takes them away
TICK = "watches.tick"
#: jobs of watches are less urgent than those that somebody waits for
PRIORITY = 8
#: pages of a property that are refreshed, those that were read last
MOST_PAGES = 20
#: many are due at the same moment, when a day begins that has room for them again
_TAKEN_IN_ORDER = (Watch.due_at, Watch.refreshed_at.asc().nulls_first(), Watch.id)
#: after an outage, or when a day's budget begins, watches are taken so many times as fast as they come due
_CATCH_UP = 2.0
_LEAST_A_TICK = 5
#: what is in somebody else's hands is looked at again after that
_BUSY = timedelta(minutes=10)
#: a look that came to nothing is due again after this time
_LOOK_AGAIN = timedelta(minutes=30)
#: by then the tick has handed its jobs over, else recovery does
_RESEND = timedelta(seconds=30)
_CHANGED = ("state", "pause_reason", "due_at", "put_off_at", "under_way_since", "prepaid")


@dataclass(frozen=True, slots=True)
class Tick:
    """What one tick did: `jobs` are to be sent, for `refreshed` watches and `rechecked` pages.

    `settled` says how many refreshes ended, by outcome (done, failed, cancelled); `paused` are the watches that they
    paused. `put_off` watches wait for the next day; `tells_put_off` if they are the first of today.
    """

    jobs: list[Job] = field(default_factory=list)
    refreshed: int = 0
    rechecked: int = 0
    settled: Mapping[str, int] = field(default_factory=dict)
    paused: list[Watch] = field(default_factory=list)
    put_off: int = 0
    tells_put_off: bool = False


def tick(database: Database, limits: WatchLimits, *, seconds: float = TICK_SECONDS) -> Tick:
    """Settle, then begin: pages that show a change first, then the watches that are due, those due for longest first,
    and with what is left the pages that could not be read before.

    `seconds` is how long it takes to the next tick. What does not fit into the day's `limits` keeps its place, so that
    it is first when the next day begins.
    """

    def work(connection: Connection) -> Tick:
        database.exclusively(connection, TICK)
        database.together(connection, PURGE)  # what is purged meanwhile is not asked for afterwards
        return _Turn(connection, now, limits, seconds).take()

    now = database.clock.now()
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

    def take(self) -> Tick:
        """Account for what ended, and begin what is due."""
        outcomes, paused = settle(self._connection, self._now)
        self._left = self._room()
        most = self._most()
        rechecked = self._look(most)
        due = self._due(most)
        taken, is_short = self._refresh(due)
        write(self._connection, due, _CHANGED)
        made = self._make_jobs()
        again = self._repeat_failed(most)
        put_off, tells = self._put_off() if is_short else (0, False)
        paused += [watch for watch in due if watch.state == "paused"]
        return Tick([*made, *again], taken, rechecked + len(again), outcomes, paused, put_off, tells)

    def _room(self) -> int:
        """How many requests for pages today has left, less one for each job under way. It binds nobody."""
        theirs = JobRow.watch_id.is_not(None), JobRow.state.in_(ACTIVE)
        under_way = self._connection.execute(select(func.count()).select_from(JobRow).where(*theirs)).scalar_one()
        return self._limits.pages - day_of(self._connection, self._now.date()).pages - under_way

    def _most(self) -> int:
        """How many watches one tick takes: as many as come due in the time, and some more to catch up."""
        query = select(func.sum(1.0 / Watch.interval_days)).where(Watch.state == "active")
        a_day = self._connection.execute(query).scalar()
        return max(_LEAST_A_TICK, ceil(_CATCH_UP * float(a_day or 0) * self._seconds / 86_400))

    # --- what is due

    def _look(self, most: int) -> int:
        """Take pages that show a change and need one more look, those due for longest first; -> how many.

        The watch of their property that comes most often pays; where there is none nobody looks before somebody asks.
        One of several properties in an answer cannot be asked for by itself: it is looked at when its address is. Of a
        search's listings the search's watch is not known: only those are looked at that are watched themselves.
        """
        payers = select(Watch.id).where(Watch.property_id == Change.property_id, Watch.state == "active")
        payer = payers.order_by(Watch.interval_days, Watch.id).limit(1).scalar_subquery().label("payer")
        query = select(Change.property_id, Change.url, payer).where(Change.look_at <= self._now)
        query = query.group_by(Change.property_id, Change.url).order_by(func.min(Change.look_at), Change.url)
        looks = self._connection.execute(query.limit(most)).all()
        busy = self._busy([look.url for look in looks], or_failed=True)
        next_at = list[dict[str, Any]]()
        for look in looks:
            again_at: datetime | None = self._now + _LOOK_AGAIN
            if look.payer is None:
                again_at = None
            elif look.url in busy:
                again_at = self._now + _BUSY
            elif look.url not in self._wanted and self._left <= 0:
                continue
            elif not is_row(look.url) and look.url not in self._wanted:
                self._wanted[look.url] = look.payer
                self._left -= 1
            next_at.append({"of": look.property_id, "at": look.url, "again_at": again_at})
        if next_at:
            due = Change.property_id == bindparam("of"), Change.url == bindparam("at"), Change.look_at <= self._now
            self._connection.execute(update(Change).where(*due).values(look_at=bindparam("again_at")), next_at)
        return len(self._wanted)

    def _due(self, most: int) -> list[Watch]:
        theirs = exists().where(JobRow.watch_id == Watch.id, JobRow.state.in_(ACTIVE))
        query = select(Watch).where(_is_due(self._now), ~theirs).order_by(*_TAKEN_IN_ORDER)
        return entities(self._connection, query.limit(most).with_for_update())

    def _refresh(self, due: Sequence[Watch]) -> tuple[int, bool]:
        """Take what is due; -> how many watches, and whether the day's budget left one out."""
        pages = self._pages([watch.target for watch in due if watch.kind == WatchKind.PROPERTY])
        targets = {watch: pages.get(watch.target, [watch.target]) for watch in due}
        busy = self._busy([target for its in targets.values() for target in its])
        payer = {watch: watch.caller for watch in due if watch.caller is not None and not watch.prepaid}
        quota = None
        if self._limits.daily_targets is not None:
            day = self._now.date()
            quota = usage.left(self._connection, set(payer.values()), self._limits.daily_targets, day)
        paid, taken, is_short = Counter[str](), 0, False
        for watch, its in targets.items():
            if not its:
                watch.pause("No page is left of the property.")
                continue
            if not self._has_room(watch, len(its)):
                is_short = True
                continue
            watch.put_off_at = None
            if any(target in busy or target in self._wanted for target in its):
                watch.due_at = self._now + _BUSY
            elif watch in payer and quota is not None and quota[payer[watch]] <= paid[payer[watch]]:
                watch.due_at = usage.next_day(self._now)
            else:
                if watch in payer:
                    paid[payer[watch]] += 1
                watch.due_at = due_next(watch.target, watch.interval_days, self._now)
                watch.under_way_since, watch.prepaid = self._now, False
                self._wanted |= dict.fromkeys(its, watch.id)
                self._left -= len(its)
                taken += 1
        for caller, count in paid.items():
            usage.charge(self._connection, usage.Requester(caller), self._now, count)
        return taken, is_short

    def _has_room(self, watch: Watch, pages: int) -> bool:
        """A whole day's budget is room for every watch. One that was put off on an earlier day goes with what there is,
        and its jobs take from the next day what they lack: smaller ones would else be before it day after day."""
        if watch.put_off_at is not None and watch.put_off_at < _midnight(self._now):
            return self._left > 0
        return self._left >= min(pages, max(1, self._limits.pages))

    def _pages(self, property_ids: Sequence[str]) -> dict[str, list[str]]:
        """The pages of each property that are refreshed."""
        pages: dict[str, list[str]] = {one: [] for one in property_ids}
        read_at = func.coalesce(SourceRow.checked_at, SourceRow.fetched_at)
        place = func.row_number().over(partition_by=Property.id, order_by=(read_at.desc(), SourceRow.id))
        its = SourceRow.property_id == func.coalesce(Property.merged_into, Property.id)
        for some in chunks(property_ids):
            query = select(Property.id, SourceRow.url, place.label("place")).join(SourceRow, its)
            ranked = query.where(Property.id.in_(some)).subquery()
            newest = select(ranked).where(ranked.c.place <= MOST_PAGES).order_by(ranked.c.id, ranked.c.place)
            for row in self._connection.execute(newest):
                pages[row.id].append(row.url)
        return pages

    def _busy(self, targets: Sequence[str], *, or_failed: bool = False) -> set[str]:
        """Those of `targets` that a job has in hand, or whose failed job is to be queued again."""
        found = set[str]()
        in_hand: ColumnElement[bool] = JobRow.state.in_(ACTIVE)
        if or_failed:
            in_hand = or_(in_hand, _HAS_FAILED)
        for some in chunks(targets):
            query = select(JobRow.target).where(JobRow.target.in_(some), in_hand)
            found |= set(self._connection.execute(query).scalars())
        return found

    # --- what becomes of it

    def _make_jobs(self) -> list[Job]:
        if not self._wanted:
            return []
        wanted = list(self._wanted)
        batch = batch_row(self._now, PRIORITY, len(wanted))
        made = make_batch(self._connection, batch, wanted, self._now + _RESEND, None, watch_of=self._wanted)
        forget_failed(self._connection, JobRow.target, wanted)
        new = set(made.new)
        return [job for job in made.jobs if job.id in new]

    def _repeat_failed(self, most: int) -> list[Job]:
        """Queue failed jobs again that are due, with what the day has left."""
        is_due = and_(_HAS_FAILED, JobRow.due_at <= self._now)
        goes_on = select(Watch.id).where(Watch.state == "active")
        over = update(JobRow).where(is_due, JobRow.watch_id.not_in(goes_on))
        self._connection.execute(over.values(due_at=None))
        other = aliased(JobRow)
        in_hand = exists().where(other.target == JobRow.target, other.state.in_(ACTIVE))
        query = select(JobRow.id, JobRow.target).where(is_due, ~in_hand).order_by(JobRow.due_at, JobRow.id)
        rows = self._connection.execute(query.limit(max(0, min(most, self._left)))).all()
        job_of = {row.target: row.id for row in reversed(rows)}
        queued = queue_again(self._connection, list(job_of.values()), _HAS_FAILED, self._now + _RESEND)
        forget_failed(self._connection, JobRow.target, [job.target for job in queued])
        return queued

    def _put_off(self) -> tuple[int, bool]:
        """Note which watches wait for the next day; -> how many, and whether they are the first of today."""
        at, late = Watch.put_off_at, _is_due(self._now)
        query = select(func.count(Watch.id), func.count(at), func.max(at)).where(late)
        count, before, newest = self._connection.execute(query).one()
        self._connection.execute(update(Watch).where(late, at.is_(None)).values(put_off_at=self._now))
        return count, before < count and (newest is None or newest < _midnight(self._now))


_HAS_FAILED = and_(JobRow.watch_id.is_not(None), JobRow.state == JobState.FAILED, JobRow.due_at.is_not(None))


def _is_due(now: datetime) -> ColumnElement[bool]:
    return and_(Watch.state == "active", Watch.due_at <= now, Watch.under_way_since.is_(None))


def _midnight(now: datetime) -> datetime:
    return datetime.combine(now, time.min, UTC)
