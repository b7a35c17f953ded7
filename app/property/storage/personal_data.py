"""How long values are kept: those that name people no longer than personal data may be, others while history is of use.

A name's age counts from when its page was last seen to say it. A page that says it still, and is seen to, keeps it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, or_, select, update

from app.errors.purging import InvalidPersonError
from app.property.people import Finder, finder_of, parse_name
from app.property.record import PEOPLE_FIELDS
from app.property.storage.engine import Database
from app.property.storage.holdings import HOLDINGS
from app.property.storage.naming_rows import cleaned, record_without
from app.property.storage.page_index import AS_OF
from app.property.storage.purging import record_purge
from app.property.storage.rebuilding import rebuild
from app.property.storage.tables import observations, records

#: rows that go in one transaction, so that no writer waits long
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Aged:
    """What one step removed: observations and the like, and records that lost a name. `more`: there is more."""

    observations: int = 0
    records: int = 0
    more: bool = False


class AgeLimits:
    """Removes values that are too old from a `Database`, a part at a time; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def prune_observations(self, days: float) -> Aged:
        """Remove observations older than `days`, but for those that the newest record of their page rests on."""
        oldest = self._database.clock.now() - timedelta(days=days)
        rests = select(records.c.id).where(_is_of_observation())
        old = observations.c.observed_at < oldest, ~rests.exists()
        gone = self._database.repeat(lambda connection: _delete_some(connection, observations, *old))
        return Aged(observations=gone, more=gone == _AT_ONCE)

    def prune_names(self, days: float) -> Aged:
        """Remove values of fields that name people, and these names out of what else their pages said, if nobody saw
        them for `days`. What went is written down, in numbers."""
        oldest = self._database.clock.now() - timedelta(days=days)

        def work(connection: Connection) -> Aged:
            self._database.exclusively(connection, "properties")
            gone = self._drop_rows(connection, oldest)
            named = _naming_records(connection, oldest)
            for row in named:
                _strip(connection, row)
            for property_id in sorted({row.property_id for row in named}):
                rebuild(self._database, connection, property_id)
            aged = Aged(gone, len(named), more=max(gone, len(named)) >= _AT_ONCE)
            if gone or named:
                told = {"observations": aged.observations, "records": aged.records}
                record_purge(connection, self._database.clock.now(), "beat", "age", told)
            return aged

        return self._database.repeat(work)

    def _drop_rows(self, connection: Connection, oldest: datetime) -> int:
        gone = 0
        for held in HOLDINGS:
            if held.field is None or held.at is None:
                continue
            c = held.table.c
            which: list[ColumnElement[bool]] = [c[held.field].in_(sorted(PEOPLE_FIELDS)), c[held.at] < oldest]
            if held.table is observations:
                seen = select(records.c.id).where(_is_of_observation(), oldest <= AS_OF)
                which.append(~seen.exists())
            gone += _delete_some(connection, held.table, *which)
        return gone


def _is_of_observation() -> ColumnElement[bool]:
    """Of a record: the observation was read from the same body, of the same property."""
    same = records.c.property_id == observations.c.property_id
    return same & (records.c.content_sha256 == observations.c.content_sha256)


def _delete_some(connection: Connection, table: Any, *which: ColumnElement[bool]) -> int:
    (key,) = table.primary_key.columns
    some = select(key).where(*which).limit(_AT_ONCE)
    return connection.execute(delete(table).where(key.in_(some))).rowcount


def _naming_records(connection: Connection, oldest: datetime) -> list[Row[Any]]:
    names = [records.c.record[name].as_string().is_not(None) for name in sorted(PEOPLE_FIELDS)]
    query = select(records).where(oldest > AS_OF, or_(*names)).order_by(records.c.id).limit(_AT_ONCE)
    return list(connection.execute(query).all())


def _strip(connection: Connection, row: Row[Any]) -> None:
    """The record without its names. It counts as read by no known extractors, so that the next visit reads the page
    again: what it says then is said anew."""
    values = {name: value for name, value in row.record.items() if name not in PEOPLE_FIELDS}
    change: dict[str, Any] = {"record": values, "evidence": {n: p for n, p in row.evidence.items() if n in values}}
    for finder in _finders(row.record):
        change = record_without(finder, change["record"], change["evidence"])
        _clean_observations(connection, row, finder)
    connection.execute(update(records).where(records.c.id == row.id).values(**change, edition=None))


def _clean_observations(connection: Connection, row: Row[Any], finder: Finder) -> None:
    held = next(held for held in HOLDINGS if held.table is observations)
    mine = observations.c.property_id == row.property_id, observations.c.content_sha256 == row.content_sha256
    for said in connection.execute(select(observations).where(*mine)).all():
        if finder.is_in(said.value) or finder.is_in(said.evidence):
            change = cleaned(held, said, finder)
            which = observations.c.id == said.id
            if change is None or change["value_sha256"] != said.value_sha256:
                connection.execute(delete(observations).where(which))  # its value was the name, or held it
            else:
                connection.execute(update(observations).where(which).values(change))


def _finders(values: dict[str, Any]) -> list[Finder]:
    """Of the names that the record has, those that can be told from other words."""
    found = []
    for name in sorted(PEOPLE_FIELDS & set(values)):
        try:
            found.append(finder_of(parse_name(str(values[name]))))
        except InvalidPersonError:
            continue
    return found
