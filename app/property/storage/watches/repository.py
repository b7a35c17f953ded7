"""Store watches. A watch regularly refreshes a property, an address, or the URL of a page or search.

`watches/schedule.py` decides which watches are due.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Case, ColumnElement, Connection, Select, case, delete, func, or_, select
from sqlalchemy.orm import with_expression

from app.errors import NotFoundError
from app.errors.targets import InvalidTargetError
from app.errors.watches import InvalidWatchError, TooManyWatchesError
from app.property.storage.ids import PROPERTY, find_id
from app.property.storage.jobs import usage
from app.property.storage.jobs.batches import cancel_jobs
from app.property.storage.jobs.enqueue import refuse_named
from app.property.storage.jobs.models import Job, JobState
from app.property.storage.pages.index import EVER
from app.property.storage.pages.tables import PageAlias
from app.property.storage.paging import Order, Page
from app.property.storage.privacy.suppressions import PURGE
from app.property.storage.properties.fresh import fresh_properties
from app.property.storage.properties.tables import Property, SourceRow
from app.property.storage.statements import Store, chunks, clean, entities, insert_all, new_id
from app.property.storage.types import ACTIVE
from app.property.storage.watches.budget import WatchLimits
from app.property.storage.watches.models import Watch, WatchKind, WatchStatus, write
from app.property.storage.watches.outcomes import forget_failed
from app.property.storage.watches.schedule import MOST_PAGES, TICK, TICK_SECONDS, Tick, TickRun, due_first
from app.property.urls.targets import address_of_target, is_address, is_property_id, normalize_watched

INTERVAL_DAYS = 7
MOST_INTERVAL_DAYS = 365
MOST_WATCHES = 10_000
#: Maximum number of known watches that a note names.
MOST_NAMED = 5
ORDER = Order("watches", (Watch.created_at, Watch.id))
#: Active watches by due time, then paused watches.
PLANNED = Order("planned watches", (Watch.state, Watch.due_at, Watch.id))
_IDLE = (Watch.state == "active", Watch.under_way_since.is_(None))


@dataclass(frozen=True, slots=True)
class Added:
    """One watch per home, in the order of the targets. `new` is the number of watches that were created.

    `known` maps each target whose home was watched before, by whatever name, to its watch.
    """

    watches: list[Watch]
    new: int
    known: Mapping[str, Watch]

    def as_json(self) -> dict[str, Any]:
        known = [{"target": target, "watch": watch.id} for target, watch in self.known.items()]
        return {"new": self.new, "already_watched": known, "watches": [watch.as_json() for watch in self.watches]}

    def note(self) -> str | None:
        """Return a sentence that names watches that existed, or None if there are none."""
        names = [
            target if watch.target == target else f"{target} (as {watch.target})"
            for target, watch in self.known.items()
        ]
        more = f", and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
        named = "; ".join(names[:MOST_NAMED])
        return f"Watched already, so no second watch was added: {named}{more}." if names else None


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

        A home has one watch: another name of a watched home gets the existing watch. An existing watch gets the new
        interval, and is resumed if it was paused. Each new or resumed watch uses one job of the quota of `requester`,
        for its first refresh.

        Raises `InvalidTargetError`, `NotFoundError` for an unknown property, `AmbiguousIdError`, `InvalidWatchError`
        for an interval out of range, `TooManyWatchesError` if there would be more than `most` watches, and
        `QuotaExceededError`.
        """
        if not 1 <= interval_days <= MOST_INTERVAL_DAYS:
            raise InvalidWatchError(f"an interval of {interval_days} days", f"use 1 to {MOST_INTERVAL_DAYS} days")
        wanted, now = [self._full(normalize_watched(name)) for name in named], self._clock.now()

        def work(connection: Connection) -> Added:
            self._database.advisory_lock(connection, "watches.add")
            refuse_named(self._database, connection, wanted)
            targets = list(dict.fromkeys(_meant(connection, wanted)))
            homes = _homes(connection, targets)
            watch_of = _watches(connection, targets, now)
            by_home = _watches_of_homes(connection, set(homes.values()), now)
            new = list[Watch]()
            caller = requester.caller if requester is not None else None
            for target in targets:
                home = homes.get(target, target)
                if (watch := watch_of.get(target) or by_home.get(home)) is None:
                    watch = _new(target, homes.get(target), caller, who, now)
                    new.append(watch)
                watch_of[target] = by_home[home] = watch
            new_ids = {watch.id for watch in new}
            known = {target: watch for target, watch in watch_of.items() if watch.id not in new_ids}
            if new and (count := _count(connection, Watch.id)) + len(new) > most:
                raise TooManyWatchesError(count, len(new), most)
            existing = {watch.id: watch for watch in known.values()}.values()
            changed = [one for one in existing if one.state == "paused" or one.interval_days != interval_days]
            if requester is not None:
                begun = [watch for watch in (*new, *changed) if watch.state == "paused"]
                usage.charge(connection, requester, now, len(begun))
                for watch in begun:
                    watch.prepaid = True
            for watch in (*new, *changed):
                _plan(watch, interval_days, now)
            insert_all(connection, new)
            write(connection, changed)
            watched = list(dict.fromkeys(watch_of[target].target for target in targets))
            made = _watches(connection, watched, now)
            by_name = {name: made[watch.target] for name, watch in known.items()}
            return Added([made[target] for target in watched], len(new), by_name)

        return self._database.repeat(work)

    def _full(self, name: str) -> str:
        is_short = is_property_id(name, whole=False) and not is_property_id(name)
        return find_id(self._database, name, PROPERTY) if is_short else name

    def remove(self, name: str) -> int:
        """Remove a watch, given its id or any name of its home. Cancel its waiting jobs, and return their number.

        Running jobs continue and still use the budget of watches, but a running search creates no more jobs. Raises
        `NotFoundError`.
        """
        now = self._clock.now()

        def work(connection: Connection) -> int:
            # the lock TICK excludes ticks, and the row lock below excludes searches, because both create jobs of
            # watches
            self._database.advisory_lock(connection, TICK)
            named = Watch.id == _id_named(connection, name)
            found = connection.execute(select(Watch.id).where(named).with_for_update()).scalar()
            if found is None:
                raise NotFoundError("watch", name)
            forget_failed(connection, Job.watch_id, [found])
            untouched = Job.watch_id == found, Job.state.in_((JobState.QUEUED, JobState.DEFERRED))
            canceled = cancel_jobs(connection, *untouched, now=now)
            connection.execute(delete(Watch).where(Watch.id == found))
            return canceled

        return self._database.repeat(work)

    def get(self, name: str) -> Watch:
        """Return a watch, given its id, or any name of its home. Raises `NotFoundError`."""
        with self._database.reading() as connection:
            named = Watch.id == _id_named(connection, name)
            return entities(connection, _all(self._clock.now()).where(named))[0]

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


def _id_named(connection: Connection, name: str) -> str:
    """Return the id of a watch, given its id, its target, or else another name of its home. Raises `NotFoundError`."""
    with suppress(InvalidTargetError):
        text = normalize_watched(name)
        named: ColumnElement[bool] = Watch.target == text
        if is_property_id(text):
            canonical = select(Property.merged_into).where(Property.id == text).scalar_subquery()
            named = or_(Watch.id == text, Watch.target == func.coalesce(canonical, text))
        if (watch_id := connection.execute(select(Watch.id).where(named)).scalar()) is not None:
            return str(watch_id)
        homes = _homes(connection, [text]).values()
        for watch in _watches_of_homes(connection, set(homes), None).values():
            return watch.id
    raise NotFoundError("watch", name)


def _homes(connection: Connection, targets: Sequence[str]) -> dict[str, str]:
    """Map each target whose property is known to the property's id."""
    ids = [target for target in targets if is_property_id(target)]
    addresses = {target: address_of_target(target) for target in targets if target not in ids and is_address(target)}
    homes: dict[str, str] = {}
    for some in chunks([target for target in targets if not is_address(target)]):
        known_as = select(PageAlias.url, SourceRow.property_id).join(
            SourceRow, SourceRow.page_url == PageAlias.page_url
        )
        for query, url in ((known_as, PageAlias.url), (select(SourceRow.url, SourceRow.property_id), SourceRow.url)):
            homes |= {row.url: row.property_id for row in connection.execute(query.where(url.in_(some)))}
    for some in chunks(ids):
        merged = select(Property.id, Property.merged_into).where(Property.id.in_(some))
        homes |= {row.id: row.merged_into or row.id for row in connection.execute(merged)}
    read_ever = fresh_properties(connection, addresses, EVER, can_ask=False)
    return homes | {target: property_id for target, (property_id, _) in read_ever.items()}


def _watches_of_homes(connection: Connection, homes: set[str], now: datetime | None) -> dict[str, Watch]:
    """Return the watches of these properties by property id: of several, that of all pages, or else the oldest."""
    found: list[tuple[str, Watch]] = []
    every = select(Watch) if now is None else _all(now)
    for some in chunks(sorted(homes)):
        its = entities(connection, every.where(Watch.property_id.in_(some)))
        found += [(str(watch.property_id), watch) for watch in its]
    if homes:  # properties of other watches may have become known by jobs of others
        unread = {watch.target: watch for watch in entities(connection, every.where(Watch.property_id.is_(None)))}
        found += [(home, unread[target]) for target, home in _homes(connection, list(unread)).items() if home in homes]
    found.sort(key=lambda one: (one[1].kind != WatchKind.PROPERTY, one[1].created_at, one[1].id), reverse=True)
    return dict(found)


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


def _new(target: str, home: str | None, caller: str | None, who: str, now: datetime) -> Watch:
    is_property = is_property_id(target)
    return Watch(
        id=new_id(),
        kind=WatchKind.PROPERTY if is_property else WatchKind.ADDRESS if is_address(target) else WatchKind.URL,
        target=target,
        property_id=home,
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
