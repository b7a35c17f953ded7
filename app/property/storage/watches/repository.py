"""Store watches. A watch regularly refreshes a property, an address, or the URL of a page or search.

`watches/schedule.py` decides which watches are due.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Case, ColumnElement, Connection, Select, case, delete, func, or_, select
from sqlalchemy.orm import with_expression

from app.errors import NotFoundError
from app.errors.targets import InvalidTargetError
from app.errors.watches import InvalidWatchError, TooManyWatchesError
from app.property.storage.jobs import usage
from app.property.storage.jobs.batches import cancel_jobs
from app.property.storage.jobs.enqueue import refuse_named
from app.property.storage.jobs.models import Job, JobState
from app.property.storage.paging import Order, Page
from app.property.storage.privacy.suppressions import PURGE
from app.property.storage.properties.tables import Property, SourceRow
from app.property.storage.statements import Store, chunks, clean, entities, insert_all, new_id
from app.property.storage.types import ACTIVE
from app.property.storage.watches.budget import WatchLimits
from app.property.storage.watches.models import Watch, WatchKind, WatchStatus, write
from app.property.storage.watches.outcomes import forget_failed
from app.property.storage.watches.schedule import MOST_PAGES, TICK, TICK_SECONDS, Tick, TickRun, due_first
from app.property.urls.targets import is_address, is_property_id, normalize_watched

INTERVAL_DAYS = 7
MOST_INTERVAL_DAYS = 365
MOST_WATCHES = 10_000
ORDER = Order("watches", (Watch.created_at, Watch.id))
#: Active watches by due time, then paused watches.
PLANNED = Order("planned watches", (Watch.state, Watch.due_at, Watch.id))
_IDLE = (Watch.state == "active", Watch.under_way_since.is_(None))


@dataclass(frozen=True, slots=True)
class Added:
    """One watch per target, in the order of the targets. `new` is the number of watches that were created."""

    watches: list[Watch]
    new: int


class Watches(Store):
    """Stores the watches in a database. Each method runs one transaction."""

    def add(
        self,
        named: Sequence[str],
        *,
        interval_days: int = INTERVAL_DAYS,
        who: str = "",
        most: int = MOST_WATCHES,
        requester: usage.Requester | None = None,
    ) -> Added:
        """Add watches for the `named` property ids, URLs, and addresses. If an error is raised, no watch is added.

        An existing watch gets the new interval, and is resumed if it was paused. Each new or resumed watch uses one job
        of the quota of `requester`, for its first refresh.

        Raises `InvalidTargetError`, `NotFoundError` for an unknown property, `InvalidWatchError` for an interval out of
        range, `TooManyWatchesError` if there would be more than `most` watches, and `QuotaExceededError`.
        """
        if not 1 <= interval_days <= MOST_INTERVAL_DAYS:
            raise InvalidWatchError(f"an interval of {interval_days} days", f"use 1 to {MOST_INTERVAL_DAYS} days")
        wanted, now = [normalize_watched(name) for name in named], self._clock.now()

        def work(connection: Connection) -> Added:
            self._database.advisory_lock(connection, "watches.add")
            refuse_named(self._database, connection, wanted)
            targets = list(dict.fromkeys(_meant(connection, wanted)))
            known = _watches(connection, targets, now)
            caller = requester.caller if requester is not None else None
            new = [_new(target, caller, who, now) for target in targets if target not in known]
            if new and (count := _count(connection, Watch.id)) + len(new) > most:
                raise TooManyWatchesError(count, len(new), most)
            changed = [one for one in known.values() if one.state == "paused" or one.interval_days != interval_days]
            if requester is not None:
                begun = [watch for watch in (*new, *changed) if watch.state == "paused"]
                usage.charge(connection, requester, now, len(begun))
                for watch in begun:
                    watch.prepaid = True
            for watch in (*new, *changed):
                _plan(watch, interval_days, now)
            insert_all(connection, new)
            write(connection, changed)
            made = _watches(connection, targets, now)
            return Added([made[target] for target in targets], len(new))

        return self._database.repeat(work)

    def remove(self, name: str) -> int:
        """Remove a watch, given its id or target. Cancel its waiting jobs, and return the number canceled.

        Running jobs continue and still use the budget of watches, but a running search creates no more jobs. Raises
        `NotFoundError`.
        """
        which, now = _is(name), self._clock.now()

        def work(connection: Connection) -> int:
            # the lock TICK excludes ticks, and the row lock below excludes searches, because both create jobs of
            # watches
            self._database.advisory_lock(connection, TICK)
            found = connection.execute(select(Watch.id).where(which).with_for_update()).scalar()
            if found is None:
                raise NotFoundError("watch", name)
            forget_failed(connection, Job.watch_id, [found])
            untouched = Job.watch_id == found, Job.state.in_((JobState.QUEUED, JobState.DEFERRED))
            canceled = cancel_jobs(connection, *untouched, now=now)
            connection.execute(delete(Watch).where(Watch.id == found))
            return canceled

        return self._database.repeat(work)

    def get(self, name: str) -> Watch:
        """Return a watch, given its id or target. Raises `NotFoundError`."""
        found = self._read(_all(self._clock.now()).where(_is(name)))
        if not found:
            raise NotFoundError("watch", name)
        return found[0]

    def page(
        self, cursor: str | None = None, *, order: Order = ORDER, status: WatchStatus | None = None, limit: int = 100
    ) -> Page[Watch]:
        """Return a page of watches after `cursor`. Raises `InvalidCursorError`."""
        now = self._clock.now()
        query = _all(now) if status is None else _all(now).where(_status_at(now) == status.value)
        return self._page(order, query, cursor, limit)

    def counts(self) -> dict[WatchStatus, int]:
        status = _status_at(self._clock.now()).label("status")
        found = {row[0]: row[1] for row in self._rows(select(status, func.count()).group_by(status))}
        return {one: found.get(one.value, 0) for one in WatchStatus}

    def late(self, since: datetime) -> tuple[int, int, int]:
        """Count work that has waited since `since` or longer.

        Return the numbers of watches that wait for budget, of other due watches, and of active jobs of watches.
        """
        began = func.coalesce(Job.started_at, Job.created_at)  # retrying a failed job resets `started_at`
        theirs = Job.watch_id.is_not(None), Job.state.in_(ACTIVE), began <= since
        with self._database.reading() as connection:
            put_off = _count(connection, Watch.id, *_IDLE, Watch.put_off_at <= since)
            untaken = _count(connection, Watch.id, *_IDLE, Watch.put_off_at.is_(None), Watch.due_at <= since)
            return put_off, untaken, _count(connection, Job.id, *theirs)

    def daily_pages(self) -> float:
        """Return the approximate number of page requests per day of all active watches."""
        known = select(func.count()).where(SourceRow.property_id == Watch.property_id).scalar_subquery()
        is_url = Watch.kind == WatchKind.URL.value
        pages = case((is_url, 1), (known < 1, 1), (known > MOST_PAGES, MOST_PAGES), else_=known)
        share = func.sum(pages * 1.0 / Watch.interval_days)
        return float(self._scalar(select(share).where(Watch.state == "active")) or 0)

    def tick(self, limits: WatchLimits, *, seconds: float = TICK_SECONDS) -> Tick:
        """Process ended refreshes, and create jobs for due ones. `seconds` is the planned time until the next tick.

        Today's budget (`limits`) is used first for pages with pending changes, then for due watches (longest overdue
        first), then for retries of failed jobs. Watches that exceed the budget are first in line the next day.
        """

        def work(connection: Connection) -> Tick:
            self._database.advisory_lock(connection, TICK)
            # purges wait for this lock, so no job is created for a page during its purge
            self._database.advisory_lock(connection, PURGE, shared=True)
            return TickRun(connection, now, limits, seconds).run()

        now = self._clock.now()
        return self._database.repeat(work)


def _all(now: datetime) -> Select[Watch]:
    return select(Watch).options(with_expression(Watch.status, _status_at(now)))


def _status_at(now: datetime) -> Case[str]:
    return case(
        (Watch.state == "paused", WatchStatus.PAUSED.value),
        (Watch.under_way_since.is_not(None), WatchStatus.UNDER_WAY.value),
        (Watch.put_off_at.is_not(None), WatchStatus.PUT_OFF.value),
        (Watch.due_at <= now, WatchStatus.DUE.value),
        else_=WatchStatus.WAITING.value,
    )


def _count(connection: Connection, key: Any, *which: ColumnElement[bool]) -> int:
    return connection.execute(select(func.count(key)).where(*which)).scalar_one()


def _is(name: str) -> Any:
    try:
        text = normalize_watched(name)
    except InvalidTargetError:
        raise NotFoundError("watch", name) from None
    if is_property_id(text):
        canonical = select(Property.merged_into).where(Property.id == text).scalar_subquery()
        return or_(Watch.id == text, Watch.target == func.coalesce(canonical, text))
    return Watch.target == text


def _meant(connection: Connection, wanted: Sequence[str]) -> list[str]:
    ids = [one for one in wanted if is_property_id(one)]
    canonical_ids: dict[str, str] = {}
    for some in chunks(ids):
        query = select(Property.id, Property.merged_into).where(Property.id.in_(some))
        locked = query.with_for_update(read=True, key_share=True)
        canonical_ids |= {row.id: row.merged_into or row.id for row in connection.execute(locked)}
    if (missing := next((one for one in ids if one not in canonical_ids), None)) is not None:
        raise NotFoundError("property", missing)
    return [canonical_ids.get(one, one) for one in wanted]


def _watches(connection: Connection, targets: Sequence[str], now: datetime) -> dict[str, Watch]:
    found: dict[str, Watch] = {}
    for some in chunks(targets):
        found |= {watch.target: watch for watch in entities(connection, _all(now).where(Watch.target.in_(some)))}
    return found


def _new(target: str, caller: str | None, who: str, now: datetime) -> Watch:
    is_property = is_property_id(target)
    return Watch(
        id=new_id(),
        kind=WatchKind.PROPERTY if is_property else WatchKind.ADDRESS if is_address(target) else WatchKind.URL,
        target=target,
        property_id=target if is_property else None,
        state="paused",
        created_at=now,
        created_by=clean(who),
        caller=caller,
    )


def _plan(watch: Watch, interval_days: int, now: datetime) -> None:
    is_known = watch.kind == WatchKind.PROPERTY or watch.refreshed_at is not None
    due_at = due_first(watch.target, interval_days, now, is_known=is_known)
    if watch.state == "active":
        watch.due_at = min(watch.due_at, due_at)
    else:
        watch.due_at, watch.put_off_at = due_at, None
    watch.state, watch.interval_days, watch.failures = "active", interval_days, 0
    watch.pause_reason = watch.failing_since = None
