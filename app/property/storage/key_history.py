"""The history of the keys: since when each is known, what befell it, and what it did hour by hour.

The pool counts from its beginning on; `take_in` turns that into hours, in one transaction, so that of two processes
that ask at the same time none counts twice. Rules are in `usage.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, func, insert, or_, select, update

from app.property.storage.engine import Database
from app.property.storage.hours import add_uses, prune, summed, take_in_models
from app.property.storage.tables import key_history, key_hours, model_hours
from app.property.storage.usage import (
    HOUR,
    LEAST_HISTORY,
    USES,
    USUAL_DAYS,
    Counted,
    CountedKey,
    Demand,
    Uses,
    Usual,
    grown,
    hour_of,
    spread,
    usual_of,
)

#: how long hours are kept, and a key that is not configured any more
KEPT_DAYS = 400
#: how exact `last_seen_at` is, so that not every key is written every time
_SEEN_SECONDS = 300.0
#: A key that another process has just taken out is out: this one has not yet read the keys again. Longer than all take.
_RELOAD_SECONDS = 30.0
#: which column says when a transition was last seen
_MARKS = {"open": "opened_at", "dead": "died_at", "no_quota": "quota_gone_at"}


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key that is or was configured (`removed_at`). `opened_at`, `died_at` and `quota_gone_at` are the newest time
    that each befell it; `usual` is None without enough history."""

    key_id: str
    mask: str
    group: str
    first_seen_at: datetime
    last_seen_at: datetime
    removed_at: datetime | None
    opened_at: datetime | None
    died_at: datetime | None
    quota_gone_at: datetime | None
    usual: Usual | None


class KeyHistoryStore:
    """Keys, and hours of keys and models, in a `Database`. Atomic on every method; raises errors of `app.errors`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._clock = database.clock

    # --- taking in

    def take_in(self, read: Callable[[], Counted | None]) -> bool:
        """Count what has been done since the last time, in the hours that passed meanwhile; False: nothing was read.

        A configured key that is new is seen first now; one that is missing was removed now. A new key's first counts
        are taken for those of this hour, but not in an empty history: what a pool in use counted before is of no known
        time, and only the base of what follows. `read` asks the pool, while nobody else does: counts that are older
        than those taken in last would look like those of a store that lost its data, and count twice.
        """

        def work(connection: Connection) -> bool:
            self._database.exclusively(connection, "key_history")
            counted, now = read(), self._clock.now()
            if counted is None:
                return False
            first = connection.execute(select(key_history.c.key_id).limit(1)).first() is None
            _take_in_keys(connection, counted.keys, now, first=first)
            take_in_models(connection, counted.models, now, first=first)
            return True

        return self._database.repeat(work)

    def reckon_usual(self) -> None:
        """Once an hour: what an hour of each key is like, by its last fourteen days. Cheap if it was done."""
        hour = hour_of(self._clock.now())
        c = key_history.c
        due = (c.removed_at.is_(None), or_(c.usual_at.is_(None), c.usual_at < hour))
        with self._database.reading() as connection:
            keys = list(connection.execute(select(c.key_id, c.first_seen_at).where(*due)).all())
            if not keys:
                return
            worked = _hours_worked(connection, hour - timedelta(days=USUAL_DAYS), hour)
        rows = [_usual_row(row.key_id, row.first_seen_at, worked.get(row.key_id, []), hour) for row in keys]
        change = update(key_history).where(c.key_id == bindparam("id"))
        with self._database.writing() as connection:
            connection.execute(change, rows)

    # --- looking

    def known_keys(self) -> list[KnownKey]:
        """All, those known for longest first."""
        columns = (column for column in key_history.c if column.name != "counters")
        query = select(*columns).order_by(key_history.c.first_seen_at, key_history.c.key_id)
        with self._database.reading() as connection:
            return [_known(row) for row in connection.execute(query)]

    def uses(self, since: datetime, until: datetime) -> dict[str, Uses]:
        """What each key did in the hours that began at `since` or later, and before `until`; by key_id."""
        return self._uses(key_hours.c.hour >= since, key_hours.c.hour < until)

    def by_hour(self, since: datetime) -> list[tuple[datetime, Uses]]:
        """What all keys together did in each hour that began at `since` or later; hours without anything are left
        out."""
        sums = (func.sum(key_hours.c[name]) for name in USES)
        query = select(key_hours.c.hour, *sums).where(key_hours.c.hour >= since)
        with self._database.reading() as connection:
            rows = connection.execute(query.group_by(key_hours.c.hour).order_by(key_hours.c.hour)).all()
        return [(hour, Uses(*map(int, figures))) for hour, *figures in rows]

    def last_hour(self) -> dict[str, Uses]:
        """The last sixty minutes of each key: this hour, and of the one before the share that is still within them."""
        now = self._clock.now()
        hour = hour_of(now)
        recent, before = self._uses(key_hours.c.hour >= hour), self._uses(key_hours.c.hour == hour - HOUR)
        left = 1 - (now - hour) / HOUR
        return {id_: recent.get(id_, Uses()) + before.get(id_, Uses()).scaled(left) for id_ in {*recent, *before}}

    def demand(self, since: datetime) -> dict[str, Demand]:
        """What each model was asked for in the hours that began at `since` or later."""
        query = select(model_hours).where(model_hours.c.hour >= since)
        found: dict[str, Demand] = {}
        with self._database.reading() as connection:
            for row in connection.execute(query):
                found[row.model] = summed(found.get(row.model, Demand()), row)
        return found

    def began_at(self) -> datetime | None:
        """Since when it is counted; None if nothing ever was."""
        query = select(func.min(key_history.c.first_seen_at))
        with self._database.reading() as connection:
            first: datetime | None = connection.execute(query).scalar()
        return first

    def prune(self) -> None:
        """Delete what is older than `KEPT_DAYS`, at most a thousand rows of each table."""
        oldest = self._clock.now() - timedelta(days=KEPT_DAYS)
        with self._database.writing() as connection:
            prune(connection, key_hours, key_hours.c.hour < oldest)
            prune(connection, model_hours, model_hours.c.hour < oldest)
            prune(connection, key_history, key_history.c.removed_at < oldest)

    def _uses(self, *which: ColumnElement[bool]) -> dict[str, Uses]:
        sums = (func.sum(key_hours.c[name]) for name in USES)
        query = select(key_hours.c.key_id, *sums).where(*which).group_by(key_hours.c.key_id)
        with self._database.reading() as connection:
            return {key_id: Uses(*map(int, figures)) for key_id, *figures in connection.execute(query)}


# --- keys


def _take_in_keys(connection: Connection, keys: Sequence[CountedKey], now: datetime, *, first: bool) -> None:
    known = {row.key_id: row for row in connection.execute(select(key_history))}
    hours: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    new: list[dict[str, Any]] = []
    for key in keys:
        row = known.get(key.key_id)
        if row is None and not key.configured:
            continue  # one that this database never knew; nobody asks for it
        if not first:
            hours += _hours_of_key(key, row, now)
        if row is None:
            new.append(_new_row(key, {} if first else _marks(key, {}, now), now))
        elif (change := _changed_row(key, row, now)) is not None:
            changed.append(change)
    if new:
        connection.execute(insert(key_history), new)
    if changed:
        connection.execute(update(key_history).where(key_history.c.key_id == bindparam("id")), changed)
    add_uses(connection, hours)
    _note_removed(connection, [key.key_id for key in keys if key.configured], known, now)


def _hours_of_key(key: CountedKey, row: Row[Any] | None, now: datetime) -> Iterable[dict[str, Any]]:
    before = row.counters["calls"] if row is not None else {}
    since = row.counted_at if row is not None else now
    for model, uses in key.calls.items():
        for hour, part in spread(grown(before.get(model), asdict(uses)), since, now):
            yield {"hour": hour, "key_id": key.key_id, "model": model, **dict.fromkeys(USES, 0), **part}


def _new_row(key: CountedKey, marks: Mapping[str, datetime], now: datetime) -> dict[str, Any]:
    return {
        "key_id": key.key_id,
        "first_seen_at": now,
        "last_seen_at": now,
        "counted_at": now,
        **_told(key),
        **dict.fromkeys(_MARKS.values()),  # all rows of one INSERT have the same columns
        **marks,
    }


def _changed_row(key: CountedKey, row: Row[Any], now: datetime) -> dict[str, Any] | None:
    """What is to be written, as parameters; None if it is not worth it."""
    told, marks = _told(key), _marks(key, row.counters["transitions"], now)
    configured = key.configured and not _was_just_removed(row, now)
    if not configured:
        told |= {"mask": row.mask, "limit_group": row.limit_group}
    told["counters"]["calls"] = {**row.counters["calls"], **told["counters"]["calls"]}
    same = all(getattr(row, name) == value for name, value in told.items())
    seen = not configured or (now - row.last_seen_at).total_seconds() < _SEEN_SECONDS
    if same and seen and not marks and (row.removed_at is None) == configured:
        return None
    marks = {name: marks.get(name, getattr(row, name)) for name in _MARKS.values()}
    present = {"last_seen_at": now, "removed_at": None}
    absent = {"last_seen_at": row.last_seen_at, "removed_at": row.removed_at or now}
    return {"id": row.key_id, "counted_at": now, **told, **marks, **(present if configured else absent)}


def _was_just_removed(row: Row[Any], now: datetime) -> bool:
    return row.removed_at is not None and (now - row.removed_at).total_seconds() < _RELOAD_SECONDS


def _told(key: CountedKey) -> dict[str, Any]:
    calls = {model: asdict(uses) for model, uses in key.calls.items()}
    counters = {"calls": calls, "transitions": dict(key.transitions)}
    return {"mask": key.mask, "limit_group": key.group, "counters": counters}


def _marks(key: CountedKey, before: Mapping[str, int], now: datetime) -> dict[str, datetime]:
    return {_MARKS[name]: now for name in grown(before, key.transitions) if name in _MARKS}


def _note_removed(connection: Connection, present: Sequence[str], known: Mapping[str, Row[Any]], now: datetime) -> None:
    if not present:
        return  # a process that has no keys at all knows nothing about them
    gone = [{"id": id_} for id_, row in known.items() if row.removed_at is None and id_ not in set(present)]
    if gone:
        change = update(key_history).where(key_history.c.key_id == bindparam("id"), key_history.c.removed_at.is_(None))
        connection.execute(change.values(removed_at=now), gone)


def _hours_worked(connection: Connection, since: datetime, until: datetime) -> dict[str, list[int]]:
    c = key_hours.c
    query = select(c.key_id, func.sum(c.requests)).where(c.hour >= since, c.hour < until, c.requests > 0)
    found: dict[str, list[int]] = {}
    for key_id, requests in connection.execute(query.group_by(c.key_id, c.hour)):
        found.setdefault(key_id, []).append(int(requests))
    return found


def _usual_row(key_id: str, first_seen_at: datetime, worked: Sequence[int], hour: datetime) -> dict[str, Any]:
    usual = usual_of(worked) if first_seen_at <= hour - LEAST_HISTORY else None
    figures = (usual.requests, usual.deviation) if usual is not None else (None, None)
    return {"id": key_id, "usual_at": hour, "usual_requests": figures[0], "usual_deviation": figures[1]}


def _known(row: Row[Any]) -> KnownKey:
    usual = Usual(row.usual_requests, row.usual_deviation) if row.usual_requests is not None else None
    return KnownKey(
        key_id=row.key_id,
        mask=row.mask,
        group=row.limit_group,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        removed_at=row.removed_at,
        opened_at=row.opened_at,
        died_at=row.died_at,
        quota_gone_at=row.quota_gone_at,
        usual=usual,
    )
