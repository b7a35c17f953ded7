"""Compute due times of watches, and run ticks. A tick processes ended refreshes and begins due ones.

A tick is one transaction, which is rolled back if its process crashes. Only one tick runs at a time across all
processes. A tick does not charge the budget: each page request and model call is charged just before it is sent
(`budget.py`).
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from math import ceil, inf
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, exists, func, or_, select, update

from app.property.storage.jobs import usage
from app.property.storage.jobs.enqueue import make_batch
from app.property.storage.jobs.models import Job
from app.property.storage.jobs.repository import TARGET_IS_ACTIVE, queue_again
from app.property.storage.properties.tables import AS_OF, Property, SourceRow
from app.property.storage.statements import chunks, entities
from app.property.storage.types import ACTIVE
from app.property.storage.watches.budget import WatchLimits, day_of
from app.property.storage.watches.models import Change, Watch, WatchKind, write
from app.property.storage.watches.outcomes import HAS_FAILED, UNDER_WAY, forget_failed, settle
from app.property.urls.rows import is_row

TICK_SECONDS = 60.0
#: Name of the advisory lock that is held while jobs of watches are created or canceled.
TICK = "watches.tick"
#: Less urgent than the default 5 of jobs that clients request.
PRIORITY = 8
#: A refresh of a property requests at most this many pages: the most recently read or confirmed ones.
MOST_PAGES = 20
_TAKEN_IN_ORDER = (Watch.due_at, Watch.refreshed_at.asc().nulls_first(), Watch.id)
#: A tick begins up to this many times the average number of watches that come due per tick, but at least
#: `_LEAST_A_TICK`. The surplus clears the backlog after an outage or at the start of a day's budget.
_CATCH_UP = 2.0
_LEAST_A_TICK = 5
#: Maximum number of watches per tick, because one statement reads the pages of all of them.
_MOST_A_TICK = 1000
#: If a due watch's target already has an active job, the watch is due again after this time.
_BUSY = timedelta(minutes=10)
#: A page is requested again if its change is still pending this long after the last request.
_LOOK_AGAIN = timedelta(minutes=30)
#: If a tick's jobs were not sent to the task queue within this time, recovery sends them.
_RESEND = timedelta(seconds=30)
#: Days within which a new watch is first due if its target was never read.
_FIRST_WITHIN_DAYS = 1
#: A refresh is due a twelfth of the interval early, but at most half a day (in seconds). The time gained is for
#: confirming a change before the interval ends.
_EARLY_SHARE, _EARLY_SECONDS = 12, 43_200


def slot_after(target: str, interval_days: int, moment: datetime) -> datetime:
    """Return the target's first slot (a possible due time) after `moment`.

    Slots are one interval apart, minus the time by which refreshes are early (`_EARLY_SHARE`). A hash of the target
    determines its slots, so that targets are spread evenly over time.
    """
    period = interval_days * 86_400 - _early(interval_days)
    phase = int.from_bytes(hashlib.sha256(target.encode()).digest()[:8]) % period
    second = int(moment.timestamp())
    return datetime.fromtimestamp(second - (second - phase) % period + period, UTC)


def _early(interval_days: int) -> int:
    return min(_EARLY_SECONDS, interval_days * 86_400 // _EARLY_SHARE)


def due_first(target: str, interval_days: int, now: datetime, *, is_known: bool) -> datetime:
    """Return when a new watch is first due: within its interval if its target was read before, else within a day."""
    slot = slot_after(target, interval_days, now)
    return slot if is_known else min(slot, slot_after(target, _FIRST_WITHIN_DAYS, now))


def _due_next(watch: Watch, now: datetime) -> datetime:
    return slot_after(watch.target, watch.interval_days, now + timedelta(seconds=_early(watch.interval_days) / 2))


@dataclass(frozen=True, slots=True)
class Tick:
    """The result of a tick. The caller must send `jobs` to the queue.

    `settled` counts ended refreshes by outcome (done, failed, cancelled). `put_off` is the number of watches that wait
    for the next day's budget. `is_first_put_off` is True if this tick is the day's first to put off a watch.
    """

    jobs: list[Job]
    settled: Mapping[str, int]
    paused: list[Watch]
    put_off: int
    is_first_put_off: bool


@dataclass
class TickRun:
    """One tick. The caller's transaction must hold the lock `TICK`, and the lock `PURGE` in shared mode.

    `seconds` is the time between two ticks.
    """

    connection: Connection
    now: datetime
    limits: WatchLimits
    seconds: float
    #: Maps each target to request to the id of its watch.
    wanted: dict[str, str] = field(default_factory=dict)
    #: Estimated number of page requests left today after all active jobs have ended.
    left: int = 0

    def run(self) -> Tick:
        outcomes, paused = settle(self.connection, self.now)
        theirs = Job.watch_id.is_not(None), Job.state.in_(ACTIVE)
        under_way = self.connection.execute(select(func.count()).select_from(Job).where(*theirs)).scalar_one()
        self.left = self.limits.pages - day_of(self.connection, self.now.date()).pages - under_way
        most = self._most()
        self._look(most)
        due, is_short = self._refresh(most)
        write(self.connection, due)
        jobs = self._make_jobs() + self._repeat_failed(most)
        put_off, is_first = self._put_off() if is_short else (0, False)
        paused += [watch for watch in due if watch.state == "paused"]
        return Tick(jobs, outcomes, paused, put_off, is_first)

    def _most(self) -> int:
        query = select(func.sum(1.0 / Watch.interval_days)).where(Watch.state == "active")
        a_day = self.connection.execute(query).scalar()
        wanted = ceil(_CATCH_UP * float(a_day or 0) * self.seconds / 86_400)
        return min(_MOST_A_TICK, max(_LEAST_A_TICK, wanted))

    def _look(self, most: int) -> None:
        """Add pages with pending changes to `wanted`, so that they are fetched again.

        The request is made for the property's active watch with the shortest interval.
        """
        payers = select(Watch.id).where(Watch.property_id == Change.property_id, Watch.state == "active")
        payer = payers.order_by(Watch.interval_days, Watch.id).limit(1).scalar_subquery().label("payer")
        busy = exists().where(Job.target == Change.url, or_(Job.state.in_(ACTIVE), HAS_FAILED)).label("is_busy")
        query = select(Change.property_id, Change.url, payer, busy).where(Change.look_at <= self.now)
        query = query.group_by(Change.property_id, Change.url).order_by(func.min(Change.look_at), Change.url)
        next_at = list[dict[str, Any]]()
        for look in self.connection.execute(query.limit(most)):
            is_new = look.payer is not None and not look.is_busy and look.url not in self.wanted
            if is_new and not is_row(look.url):
                if self.left <= 0:
                    continue
                self._want([look.url], look.payer)
            again_at = self.now + _LOOK_AGAIN if look.payer is not None else None
            next_at.append({"of": look.property_id, "at": look.url, "again_at": again_at})
        if next_at:
            due = Change.property_id == bindparam("of"), Change.url == bindparam("at"), Change.look_at <= self.now
            self.connection.execute(update(Change).where(*due).values(look_at=bindparam("again_at")), next_at)

    def _want(self, targets: Sequence[str], watch_id: str) -> None:
        self.wanted |= dict.fromkeys(targets, watch_id)
        self.left -= len(targets)

    def _refresh(self, most: int) -> tuple[list[Watch], bool]:
        query = select(Watch).where(_is_due(self.now), ~UNDER_WAY).order_by(*_TAKEN_IN_ORDER)
        due = entities(self.connection, query.limit(most).with_for_update())
        targets = self._targets(due)
        wanted = [target for its in targets.values() for target in its]
        in_hand = select(Job.target).where(Job.state.in_(ACTIVE))
        busy = set(self.wanted)
        for some in chunks(wanted):
            busy |= set(self.connection.execute(in_hand.where(Job.target.in_(some))).scalars())
        payers = {watch.caller for watch in due if watch.caller is not None and not watch.prepaid}
        quota: dict[str, float] = dict.fromkeys(payers, inf)
        if self.limits.daily_targets is not None:
            quota |= usage.left(self.connection, payers, self.limits.daily_targets, self.now.date())
        paid, is_short = Counter[str](), False
        for watch, its in targets.items():
            payer = None if watch.prepaid else watch.caller
            if not its:
                watch.pause("The property has no pages left.")
                continue
            if not self._has_room(watch, len(its)):
                is_short = True
                continue
            watch.put_off_at = None
            if not busy.isdisjoint(its):
                watch.due_at = self.now + _BUSY
                continue
            if payer is not None and quota[payer] <= paid[payer]:
                watch.due_at = usage.next_day(self.now)
                continue
            if payer is not None:
                paid[payer] += 1
            watch.due_at, watch.under_way_since, watch.prepaid = _due_next(watch, self.now), self.now, False
            self._want(its, watch.id)
            busy.update(its)
        for caller, count in paid.items():
            usage.charge(self.connection, usage.Requester(caller), self.now, count)
        return due, is_short

    def _has_room(self, watch: Watch, pages: int) -> bool:
        """Return whether today's remaining budget is enough to refresh a watch with this many pages.

        If the watch was put off on an earlier day, return True as long as the budget allows one page. Without this
        rule, watches with fewer pages could use up the budget first every day.
        """
        if watch.put_off_at is not None and watch.put_off_at < _midnight(self.now):
            return self.left > 0
        return self.left >= min(pages, max(1, self.limits.pages))

    def _targets(self, due: Sequence[Watch]) -> dict[Watch, list[str]]:
        pages = defaultdict[str, list[str]](list)
        properties = [watch.target for watch in due if watch.kind == WatchKind.PROPERTY]
        its = SourceRow.property_id == func.coalesce(Property.merged_into, Property.id)
        place = func.row_number().over(partition_by=Property.id, order_by=(AS_OF.desc(), SourceRow.id)).label("place")
        query = select(Property.id, SourceRow.url, place).join(SourceRow, its).where(Property.id.in_(properties))
        found = query.subquery()
        for row in self.connection.execute(select(found).where(found.c.place <= MOST_PAGES).order_by(found.c.place)):
            pages[row.id].append(row.url)
        return {watch: pages[watch.target] if watch.kind == WatchKind.PROPERTY else [watch.target] for watch in due}

    def _make_jobs(self) -> list[Job]:
        if not self.wanted:
            return []
        targets = list(self.wanted)
        resend_at = self.now + _RESEND
        made = make_batch(
            self.connection, self.now, targets, priority=PRIORITY, resend_at=resend_at, watch_of=self.wanted
        )
        forget_failed(self.connection, Job.target, targets)
        new = set(made.new)
        return [job for job in made.jobs if job.id in new]

    def _repeat_failed(self, most: int) -> list[Job]:
        is_due = and_(HAS_FAILED, Job.due_at <= self.now)
        active = select(Watch.id).where(Watch.state == "active")
        ended = update(Job).where(is_due, Job.watch_id.not_in(active))
        self.connection.execute(ended.values(due_at=None))
        query = select(Job.id, Job.target).where(is_due, ~TARGET_IS_ACTIVE).order_by(Job.due_at, Job.id)
        rows = self.connection.execute(query.limit(max(0, min(most, self.left)))).all()
        job_of = {row.target: row.id for row in reversed(rows)}
        queued = queue_again(self.connection, list(job_of.values()), HAS_FAILED, self.now + _RESEND)
        forget_failed(self.connection, Job.target, [job.target for job in queued])
        return queued

    def _put_off(self) -> tuple[int, bool]:
        at, late = Watch.put_off_at, _is_due(self.now)
        count, newest = self.connection.execute(select(func.count(), func.max(at)).where(late)).one()
        new = self.connection.execute(update(Watch).where(late, at.is_(None)).values(put_off_at=self.now)).rowcount
        return count, new > 0 and (newest is None or newest < _midnight(self.now))


def _is_due(now: datetime) -> ColumnElement[bool]:
    return and_(Watch.state == "active", Watch.due_at <= now, Watch.under_way_since.is_(None))


def _midnight(now: datetime) -> datetime:
    return datetime.combine(now, time.min, UTC)
