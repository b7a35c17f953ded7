"""Store the history of the keys: since when each is known, what befell it, and what it did hour by hour.

The pool's counters are cumulative; `take_in` turns what they grew by into hours. The rules are in `usage.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from app.property.storage.database import Database
from app.property.storage.keys.hours import add_uses, prune, record_models, summed
from app.property.storage.keys.usage import USES, Counted, CountedKey, Demand, Uses, grown, spread
from app.property.storage.tables import key_history, key_hours, model_history, model_hours

#: how long hours are kept, and a key that is not configured any more
KEPT_DAYS = 400
#: how exact `last_seen_at` is, so that not every key is written every time
_SEEN_SECONDS = 300.0
#: A key that another process has just taken out is out: this one has not yet read the keys again. Longer than all take.
_RELOAD_SECONDS = 30.0
#: how often the pool is asked again because others recorded its counters meanwhile
_ATTEMPTS = 10
#: which column says when a transition was last seen
_MARKS = {"open": "opened_at", "dead": "died_at", "no_quota": "quota_gone_at"}


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key that is or was configured (`removed_at`). `opened_at`, `died_at` and `quota_gone_at` are the newest time
    that each befell it."""

    key_id: str
    mask: str
    group: str
    first_seen_at: datetime
    last_seen_at: datetime
    removed_at: datetime | None
    opened_at: datetime | None
    died_at: datetime | None
    quota_gone_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Base:
    """All that was recorded so far, by key and by model: what newer counters are compared with."""

    keys: Mapping[str, Row[Any]]
    models: Mapping[str, Row[Any]]


class KeyHistoryStore:
    """Keys, and hours of keys and models, in a `Database`. Raises errors of `app.errors`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._clock = database.clock

    # --- taking in

    def take_in(self, read: Callable[[], Counted | None]) -> None:
        """Record what the counters grew by since the last time, in the hours that passed meanwhile.

        A configured key that is new is seen first now; one that is missing was removed now. A new key's first counts
        are taken for those of this hour, but not in an empty history: what a pool in use counted before is of no known
        time, and only the base of what follows. None from `read` changes nothing.

        `read` asks the pool, over the network, so no transaction is open then. Counters that were read before those
        recorded last would look like a pool that lost its data, and count twice. So the base is read first, and the
        counters are recorded only while it is still the same; if others recorded theirs meanwhile, all begins anew.
        Counters that are never recorded here are not lost: the next ones include them.
        """
        for _ in range(_ATTEMPTS):
            with self._database.reading() as connection:
                base = _base(connection)
            counted, now = read(), self._clock.now()
            if counted is None or self._record(base, counted, now):
                return

    def _record(self, base: _Base, counted: Counted, now: datetime) -> bool:
        """Return False, with nothing changed, if `base` is not what was recorded last."""

        def work(connection: Connection) -> bool:
            self._database.exclusively(connection, "key_history")
            if _base(connection) != base:
                return False
            _record_keys(connection, counted.keys, base.keys, now)
            record_models(connection, counted.models, base.models, now, first=not base.keys)
            return True

        return self._database.repeat(work)

    # --- looking

    def known_keys(self) -> list[KnownKey]:
        """All, those known for longest first."""
        columns = (column for column in key_history.c if column.name != "counters")
        query = select(*columns).order_by(key_history.c.first_seen_at, key_history.c.key_id)
        with self._database.reading() as connection:
            return [_known(row) for row in connection.execute(query)]

    def by_hour(self, since: datetime) -> list[tuple[datetime, Uses]]:
        """What all keys together did in each hour that began at `since` or later; hours without anything are left
        out."""
        sums = (func.sum(key_hours.c[name]) for name in USES)
        query = select(key_hours.c.hour, *sums).where(key_hours.c.hour >= since)
        with self._database.reading() as connection:
            rows = connection.execute(query.group_by(key_hours.c.hour).order_by(key_hours.c.hour)).all()
        return [(hour, Uses(*map(int, figures))) for hour, *figures in rows]

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


def _base(connection: Connection) -> _Base:
    keys = {row.key_id: row for row in connection.execute(select(key_history))}
    return _Base(keys, {row.model: row for row in connection.execute(select(model_history))})


def _record_keys(
    connection: Connection, keys: Sequence[CountedKey], known: Mapping[str, Row[Any]], now: datetime
) -> None:
    hours: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    new: list[dict[str, Any]] = []
    for key in keys:
        row = known.get(key.key_id)
        if row is None and not key.configured:
            continue  # one that this database never knew; nobody asks for it
        if known:
            hours += _hours_of_key(key, row, now)
        if row is None:
            new.append(_new_row(key, _marks(key, {}, now) if known else {}, now))
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


def _known(row: Row[Any]) -> KnownKey:
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
    )
