"""The watches table: what is refreshed on a schedule. How its time comes is `watches/schedule.py`.

A watch is of a stored property (all its pages), of a URL, which may be that of a search, or of an address.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Case,
    ColumnElement,
    Connection,
    Row,
    Table,
    bindparam,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from app.errors import NotFoundError
from app.errors.watches import InvalidWatchError, TooManyWatchesError
from app.property.storage.database import Database
from app.property.storage.jobs import usage
from app.property.storage.jobs.enqueue import refuse_named
from app.property.storage.jobs.models import JobState
from app.property.storage.paging import Order, Page
from app.property.storage.statements import chunks, clean, new_id
from app.property.storage.tables import ACTIVE, jobs, properties, records, watches
from app.property.storage.watches.budget import WatchLimits
from app.property.storage.watches.models import Tick, Watch, WatchKind, WatchStatus, watch_of
from app.property.storage.watches.outcomes import forget_failed
from app.property.storage.watches.schedule import MOST_PAGES, TAKEN_IN_ORDER, TICK, TICK_SECONDS, tick
from app.property.storage.watches.slots import due_first
from app.property.urls.targets import is_address, is_property_id, normalise_watched

INTERVAL_DAYS = 7
MOST_INTERVAL_DAYS = 365
MOST_WATCHES = 10_000
ORDER = Order("watches", (watches.c.created_at, watches.c.id))
#: active ones before those that are paused
PLANNED = Order("planned watches", (watches.c.state, watches.c.due_at, watches.c.id))


@dataclass(frozen=True, slots=True)
class Added:
    """The watches of what was named, in its order, each once; `new` counts those that were not there before."""

    watches: list[Watch]
    new: int


@dataclass(frozen=True, slots=True)
class Late:
    """How many watches a day's budget has had no room for, how many are due and nobody began, and how many jobs of
    watches are not over, all for longer than asked about."""

    put_off: int
    untaken: int
    jobs: int


class Watches:
    """Watches in a `Database`, by its clock. Atomic on every method; raises errors of `app.errors`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._clock = database.clock

    def add(
        self,
        named: Sequence[str],
        *,
        interval_days: int = INTERVAL_DAYS,
        who: str = "",
        most: int = MOST_WATCHES,
        requester: usage.Requester | None = None,
    ) -> Added:
        """Watch what is `named`: ids of properties, URLs, addresses. All or nothing.

        One that is watched already gets the new interval, and goes on if it was paused; what is due stays so. Raises
        `InvalidTargetError`, `NotFoundError` for a property that there is none of, `InvalidWatchError` for an interval
        out of range, `TooManyWatchesError` if there would be more than `most`.

        Those that are new, and those that go on, are charged to `requester` like jobs (`QuotaExceededError`): each is
        refreshed soon. Later refreshes are charged when they begin, to whoever added the watch.
        """
        if not 1 <= interval_days <= MOST_INTERVAL_DAYS:
            raise InvalidWatchError(f"an interval of {interval_days} days", f"it has 1 to {MOST_INTERVAL_DAYS} days")
        wanted = [normalise_watched(name) for name in named]

        def work(connection: Connection) -> Added:
            self._database.exclusively(connection, "watches.add")
            refuse_named(self._database, connection, wanted)
            targets = list(dict.fromkeys(_meant(connection, wanted)))
            there = _rows(connection, targets)
            new = [target for target in targets if target not in there]
            count = connection.execute(select(func.count()).select_from(watches)).scalar_one()
            if new and count + len(new) > most:
                raise TooManyWatchesError(count, len(new), most)
            now = self._clock.now()
            _make(connection, new, interval_days, now, who=who, caller=requester.caller if requester else None)
            _change(connection, there.values(), interval_days, now)
            if requester is not None:
                paused = [row.target for row in there.values() if row.state == WatchStatus.PAUSED]
                usage.charge(connection, requester, now, len(new) + len(paused))
                _pay(connection, paused)
            rows = _rows(connection, targets)
            return Added([watch_of(rows[target], now) for target in targets], len(new))

        return self._database.repeat(work)

    def remove(self, name: str) -> int:
        """End a watch, by its id or by what it watches; -> how many of its jobs that no worker had were cancelled.

        One that runs goes on, and what it asks is still charged; a search finds nothing any more. Raises
        `NotFoundError`.
        """

        def work(connection: Connection) -> int:
            # whoever is making jobs of the watch is waited for: a tick, and the end of a search by the row's lock
            self._database.exclusively(connection, TICK)
            found = connection.execute(select(watches.c.id).where(_is(name)).with_for_update()).scalars().all()
            if not found:
                raise NotFoundError("watch", name)
            return _removed(connection, found, self._clock.now())

        return self._database.repeat(work)

    def get(self, name: str) -> Watch:
        """The watch, by its id or by what it watches. Raises `NotFoundError`."""
        with self._database.reading() as connection:
            row = connection.execute(select(watches).where(_is(name))).first()
        if row is None:
            raise NotFoundError("watch", name)
        return watch_of(row, self._clock.now())

    def by_id(self, watch_id: str) -> Watch:
        """The watch of that id. Raises `NotFoundError`."""
        with self._database.reading() as connection:
            row = connection.execute(select(watches).where(watches.c.id == watch_id)).one_or_none()
        if row is None:
            raise NotFoundError("watch", watch_id)
        return watch_of(row, self._clock.now())

    def list(self) -> builtins.list[Watch]:
        """All of them, the oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(ORDER.sorted(select(watches))).all()
        return [watch_of(row, self._clock.now()) for row in rows]

    def page(self, cursor: str | None = None, *, limit: int = 100) -> Page[Watch]:
        """The watches after `cursor`, the oldest first. Raises `InvalidCursorError`."""
        with self._database.reading() as connection:
            rows = connection.execute(ORDER.page_query(select(watches), cursor, limit)).all()
        now = self._clock.now()
        return Page([watch_of(row, now) for row in rows[:limit]], ORDER.next_cursor(rows, limit))

    def planned(self, cursor: str | None = None, *, status: WatchStatus | None = None, limit: int = 100) -> Page[Watch]:
        """The watches after `cursor`, all or those of one status: what is due first, then what comes next, and what is
        paused at the end. Raises `InvalidCursorError`."""
        now = self._clock.now()
        query = PLANNED.page_query(select(watches), cursor, limit)
        if status is not None:
            query = query.where(_status(now) == status.value)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return Page([watch_of(row, now) for row in rows[:limit]], PLANNED.next_cursor(rows, limit))

    def due(self) -> builtins.list[Watch]:
        """Those whose time has come and that are not under way, in the order in which they are taken."""
        now = self._clock.now()
        ready = watches.c.state == "active", watches.c.due_at <= now, watches.c.under_way_since.is_(None)
        with self._database.reading() as connection:
            rows = connection.execute(select(watches).where(*ready).order_by(*TAKEN_IN_ORDER)).all()
        return [watch_of(row, now) for row in rows]

    def counts(self) -> dict[WatchStatus, int]:
        """How many there are in each status."""
        status = _status(self._clock.now()).label("status")
        with self._database.reading() as connection:
            found = {row[0]: row[1] for row in connection.execute(select(status, func.count()).group_by(status))}
        return {one: found.get(one.value, 0) for one in WatchStatus}

    def late(self, since: datetime) -> Late:
        """What waits since `since` or longer."""
        idle = watches.c.state == "active", watches.c.under_way_since.is_(None)
        with self._database.reading() as connection:
            put_off = _count(connection, watches, *idle, watches.c.waiting_since <= since)
            untaken = _count(connection, watches, *idle, watches.c.waiting_since.is_(None), watches.c.due_at <= since)
            began = func.coalesce(jobs.c.started_at, jobs.c.created_at)  # one that is queued again begins anew
            theirs = jobs.c.watch_id.is_not(None), jobs.c.state.in_(ACTIVE), began <= since
            return Late(put_off, untaken, _count(connection, jobs, *theirs))

    def daily_pages(self) -> float:
        """Return about how many requests for pages a day the active watches want: for each page that is known."""
        known = select(func.count()).where(records.c.property_id == watches.c.property_id).scalar_subquery()
        pages = case((watches.c.kind == WatchKind.URL.value, 1), (known > MOST_PAGES, MOST_PAGES), else_=known)
        pages = case((pages < 1, 1), else_=pages)
        share = func.sum(pages * 1.0 / watches.c.interval_days)
        with self._database.reading() as connection:
            return float(connection.execute(select(share).where(watches.c.state == "active")).scalar() or 0)

    def tick(self, limits: WatchLimits, *, seconds: float = TICK_SECONDS) -> Tick:
        """Account for the refreshes that have ended, and begin what is due and within `limits`; see `watch_ticks`."""
        return tick(self._database, limits, seconds=seconds)


def _status(now: datetime) -> Case[str]:
    """As `watch_of` has it."""
    return case(
        (watches.c.state == "paused", WatchStatus.PAUSED.value),
        (watches.c.under_way_since.is_not(None), WatchStatus.UNDER_WAY.value),
        (watches.c.waiting_since.is_not(None), WatchStatus.PUT_OFF.value),
        (watches.c.due_at <= now, WatchStatus.DUE.value),
        else_=WatchStatus.WAITING.value,
    )


def _count(connection: Connection, table: Table, *which: ColumnElement[bool]) -> int:
    return connection.execute(select(func.count()).select_from(table).where(*which)).scalar_one()


def _is(name: str) -> Any:
    text = normalise_watched(name)
    if is_property_id(text):
        home = select(properties.c.merged_into).where(properties.c.id == text).scalar_subquery()
        return or_(watches.c.id == text, watches.c.target == func.coalesce(home, text))
    return watches.c.target == text


def _meant(connection: Connection, wanted: Sequence[str]) -> builtins.list[str]:
    """Properties by the ids that they have now, all else as it is. Raises `NotFoundError`."""
    ids = [one for one in wanted if is_property_id(one)]
    homes: dict[str, str] = {}
    for some in chunks(ids):
        query = select(properties.c.id, properties.c.merged_into).where(properties.c.id.in_(some))
        homes |= {row.id: row.merged_into or row.id for row in connection.execute(query)}
    if (missing := next((one for one in ids if one not in homes), None)) is not None:
        raise NotFoundError("property", missing)
    return [homes.get(one, one) for one in wanted]


def _rows(connection: Connection, targets: Sequence[str]) -> dict[str, Row[Any]]:
    """The watches of `targets`, by these."""
    found: dict[str, Row[Any]] = {}
    for some in chunks(targets):
        found |= {row.target: row for row in connection.execute(select(watches).where(watches.c.target.in_(some)))}
    return found


def _make(
    connection: Connection, targets: Sequence[str], interval_days: int, now: datetime, *, who: str, caller: str | None
) -> None:
    """New watches; `caller` has paid for the first refresh of each."""
    rows = [
        {
            "id": new_id(),
            "kind": kind,
            "target": target,
            "property_id": target if kind is WatchKind.PROPERTY else None,
            "interval_days": interval_days,
            "state": "active",
            "due_at": due_first(target, interval_days, now, is_known=kind is WatchKind.PROPERTY),
            "created_at": now,
            "created_by": clean(who),
            "caller": caller,
            "prepaid": caller is not None,
        }
        for target in targets
        for kind in [_kind(target)]
    ]
    for some in chunks(rows):
        connection.execute(insert(watches), some)


def _pay(connection: Connection, targets: Sequence[str]) -> None:
    """The next refresh of these is paid."""
    for some in chunks(targets):
        connection.execute(update(watches).where(watches.c.target.in_(some)).values(prepaid=True))


def _change(connection: Connection, rows: Iterable[Row[Any]], interval_days: int, now: datetime) -> None:
    """Give the watches of `rows` the interval, and let those go on that are paused."""
    changes = [
        _changed(row, interval_days, now) for row in rows if row.state != "active" or row.interval_days != interval_days
    ]
    nothing = dict.fromkeys(("pause_reason", "failing_since"))
    values: dict[str, Any] = {**nothing, "interval_days": interval_days, "state": "active", "failures": 0}
    values |= {name: bindparam(f"new_{name}") for name in ("due_at", "waiting_since")}
    for some in chunks(changes):
        connection.execute(update(watches).where(watches.c.id == bindparam("its_id")).values(values), some)


def _changed(row: Row[Any], interval_days: int, now: datetime) -> Mapping[str, Any]:
    """What is due, or waits for the next day's budget, keeps its place; what was paused has none."""
    is_known = row.kind == WatchKind.PROPERTY or row.refreshed_at is not None
    due_at = due_first(row.target, interval_days, now, is_known=is_known)
    if row.state == "active":
        return {"its_id": row.id, "new_due_at": min(row.due_at, due_at), "new_waiting_since": row.waiting_since}
    return {"its_id": row.id, "new_due_at": due_at, "new_waiting_since": None}


def _kind(target: str) -> WatchKind:
    if is_property_id(target):
        return WatchKind.PROPERTY
    return WatchKind.ADDRESS if is_address(target) else WatchKind.URL


def _removed(connection: Connection, ids: Sequence[str], now: datetime) -> int:
    cancelled = 0
    untouched = jobs.c.state.in_((JobState.QUEUED, JobState.DEFERRED))
    nothing_left = dict.fromkeys(("due_at", "resend_at", "lease_owner", "lease_expires_at"))
    change = {"state": JobState.CANCELLED, "finished_at": now, **nothing_left}
    for some in chunks(ids):
        forget_failed(connection, jobs.c.watch_id, some)
        theirs = update(jobs).where(jobs.c.watch_id.in_(some), untouched).values(change)
        cancelled += connection.execute(theirs).rowcount
        connection.execute(delete(watches).where(watches.c.id.in_(some)))
    return cancelled
