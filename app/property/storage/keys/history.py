"""Store the history of OpenAI keys: their first use, their failures, and their usage by hour.

The key pool's counters are cumulative. `record_counters` spreads their increase over the hours in which it arose
(`usage.py`).
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session, defer

from app.property.storage.keys.tables import Key, KeyHour
from app.property.storage.keys.usage import REFUSALS, CountedKey, Demand, Uses, flat, grown, spread
from app.property.storage.statements import Store, chunks, insert_into

#: Minimum seconds between updates of `last_seen_at`, if nothing else changed.
_SEEN_SECONDS = 300.0
#: If another process removed a key less than this many seconds ago, the key stays removed even if this process has it.
_RELOAD_SECONDS = 30.0
#: Maximum number of attempts to record counters, if other processes record them at the same time.
_ATTEMPTS = 10
#: For each transition of a key, the column with its last time.
_MARKS = {"open": "opened_at", "dead": "died_at", "no_quota": "quota_gone_at"}
_PLACE = ("hour", "key_id", "model")
_USES = [column.name for column in fields(Uses)]
_DEMANDS = [column.name for column in fields(Demand) if column.name != "refusals"]
#: The last recorded counters by key: (counted_at, removed_at, counters).
_Base = dict[str, tuple[datetime, datetime | None, Any]]


class KeyHistoryStore(Store):
    def record_counters(self, read: Callable[[], Sequence[CountedKey] | None]) -> None:
        """Record how much the pool's counters grew since the last call, spread over the hours since then.

        New keys get a `first_seen_at`, and removed keys a `removed_at`. The counters of a new key are added to the
        current hour. In an empty history, the counters are stored only for comparison, because it is unknown when they
        grew. If `read` returns None, nothing changes.

        `read` queries the pool over the network, so it is called outside any transaction. Pool counters that are older
        than the last recorded ones would look like a loss of data, and would be counted twice. Therefore, the recorded
        counters are read first. If another process records counters meanwhile, both are read again. If all attempts
        fail, the next call includes the usage.
        """
        for _ in range(_ATTEMPTS):
            base = _base(self._read(select(Key)))
            counted, now = read(), self._database.clock.now()
            if counted is None or self._record(base, counted, now):
                return

    def _record(self, base: _Base, counted: Sequence[CountedKey], now: datetime) -> bool:
        def work(connection: Connection) -> bool:
            self._database.advisory_lock(connection, "key_history")
            with Session(connection) as session:
                known = {row.key_id: row for row in session.scalars(select(Key))}
                if _base(known.values()) != base:
                    return False
                session.add_all(_record_keys(connection, counted, known, now))
                session.flush()
            return True

        return self._database.repeat(work)

    def known_keys(self) -> list[Key]:
        """Return all keys, the first seen first, without their counters."""
        query = select(Key).options(defer(Key.counters)).where(Key.key_id != "")
        return self._read(query.order_by(Key.first_seen_at, Key.key_id))

    def by_hour(self, since: datetime) -> list[tuple[datetime, Uses]]:
        """Return the usage of all keys together, for each recorded hour since `since`."""
        sums = (func.sum(getattr(KeyHour, name)) for name in _USES)
        query = select(KeyHour.hour, *sums).where(KeyHour.hour >= since, KeyHour.key_id != "")
        rows = self._rows(query.group_by(KeyHour.hour).order_by(KeyHour.hour))
        return [(hour, Uses(*map(int, figures))) for hour, *figures in rows]

    def demand(self, since: datetime) -> dict[str, Demand]:
        found: dict[str, Demand] = {}
        for row in self._rows(select(KeyHour.__table__).where(KeyHour.hour >= since, KeyHour.key_id == "")):
            total = found.get(row.model, Demand())
            figures = {name: getattr(total, name) + getattr(row, name) for name in _DEMANDS}
            found[row.model] = Demand(**figures, refusals=_added(total.refusals, row.refusals))
        return found

    def began_at(self) -> datetime | None:
        return self._scalar(select(func.min(Key.first_seen_at)))


def _base(rows: Iterable[Key]) -> _Base:
    return {row.key_id: (row.counted_at, row.removed_at, row.counters) for row in rows}


def _record_keys(
    connection: Connection, keys: Sequence[CountedKey], known: Mapping[str, Key], now: datetime
) -> list[Key]:
    hours: list[dict[str, Any]] = []
    new: list[Key] = []
    for key in keys:
        row = known.get(key.key_id)
        if row is None:
            if not key.configured:
                continue  # the key was removed before this database recorded it
            new.append(row := Key(key_id=key.key_id, first_seen_at=now, last_seen_at=now, counted_at=now))
            row.counters = {"calls": {}, "transitions": {}}
        if known:
            hours += _hours_of_key(key, row, now)
        marks = grown(row.counters["transitions"], key.transitions) if known else {}
        _change(row, key, {_MARKS[name] for name in marks if name in _MARKS}, now)
    present = {key.key_id for key in keys if key.configured and key.key_id}
    for row in known.values() if present else ():  # a process without keys cannot tell which keys were removed
        if row.key_id and row.removed_at is None and row.key_id not in present:
            row.removed_at = now
    _add(connection, hours)
    return new


def _change(row: Key, key: CountedKey, marks: Collection[str], now: datetime) -> None:
    was_just_removed = row.removed_at is not None and (now - row.removed_at).total_seconds() < _RELOAD_SECONDS
    configured = key.configured and not was_just_removed
    named = (key.mask, key.group) if configured else (row.mask, row.limit_group)
    calls = {model: flat(figures) for model, figures in key.calls.items()}
    counters = {"calls": {**row.counters["calls"], **calls}, "transitions": dict(key.transitions)}
    same = (row.mask, row.limit_group, row.counters, row.removed_at is None) == (*named, counters, configured)
    if same and not marks and (not configured or (now - row.last_seen_at).total_seconds() < _SEEN_SECONDS):
        return
    row.mask, row.limit_group = named
    row.counters, row.counted_at = counters, now
    if configured:
        row.last_seen_at, row.removed_at = now, None
    else:
        row.removed_at = row.removed_at or now
    for column in marks:
        setattr(row, column, now)


def _hours_of_key(key: CountedKey, row: Key, now: datetime) -> Iterator[dict[str, Any]]:
    for model, figures in key.calls.items():
        for hour, part in spread(grown(row.counters["calls"].get(model), flat(figures)), row.counted_at, now):
            counts = {name: part.get(name, 0) for name in (*_USES, *_DEMANDS)}
            refusals = {name.removeprefix(REFUSALS): n for name, n in part.items() if name.startswith(REFUSALS)}
            yield {"hour": hour, "key_id": key.key_id, "model": model, **counts, "refusals": refusals}


def _add(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """The caller's transaction must hold the advisory lock `key_history`."""
    for row in rows:
        if not row["key_id"]:
            stored = select(KeyHour.refusals).where(*(getattr(KeyHour, name) == row[name] for name in _PLACE))
            row["refusals"] = _added(connection.execute(stored).scalar() or {}, row["refusals"])
    statement = insert_into(connection, KeyHour)
    change = {name: getattr(KeyHour, name) + statement.excluded[name] for name in (*_USES, *_DEMANDS)}
    change["refusals"] = statement.excluded.refusals
    statement = statement.on_conflict_do_update(index_elements=_PLACE, set_=change)
    for some in chunks(rows):
        connection.execute(statement, list(some))


def _added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in {**one, **other}}
