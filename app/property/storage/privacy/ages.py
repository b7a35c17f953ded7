"""Delete people's names and observations at the end of their retention periods."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, select, update
from sqlalchemy.orm import InstrumentedAttribute

from app.errors.purging import InvalidPersonError
from app.property.people import PersonName, finder_of, parse_name
from app.property.record import PEOPLE_FIELDS
from app.property.storage.privacy.cleaning import cleaned, record_without
from app.property.storage.privacy.repository import record_purge
from app.property.storage.properties.locks import lock_rows
from app.property.storage.properties.rebuild import rebuild
from app.property.storage.properties.tables import AS_OF, NAMES_PEOPLE, Observation, SourceRow, Unverified
from app.property.storage.statements import Store
from app.property.storage.watches.models import Change

#: Maximum number of observations, or of properties with old names, that a step examines.
_AT_ONCE = 100
_SEEN_AT: Mapping[type[Observation | Unverified | Change], InstrumentedAttribute[datetime]] = {
    Observation: Observation.observed_at,
    Unverified: Unverified.seen_at,
    Change: Change.updated_at,
}


@dataclass(frozen=True, slots=True)
class Aged:
    """The result of a step: the numbers of deleted observations and of records that lost a name.

    After `prune_names`, `observations` includes deleted claims and changes. If `more`, old values may be left.
    """

    observations: int = 0
    records: int = 0
    more: bool = False


class AgeLimits(Store):
    """Deletes old values from a `Database`, one small step per call.

    A step finds old values without locks. Then it locks their properties, checks the values again, and deletes them.
    """

    def prune_observations(self, days: float) -> Aged:
        """Delete up to 100 observations older than `days`, except observations from the body of a current record."""
        oldest, c = self._database.clock.now() - timedelta(days=days), Observation
        ended = ~_records_of_observation().exists()
        query = select(c.id, c.property_id).where(c.observed_at < oldest, ended).order_by(c.observed_at, c.id)
        old = self._rows(query.limit(_AT_ONCE))

        def work(connection: Connection) -> int:
            lock_rows(connection, {row.property_id for row in old})
            these = c.id.in_([row.id for row in old])
            return connection.execute(delete(Observation).where(these, ended)).rowcount

        return Aged(self._database.repeat_paced(work), more=len(old) == _AT_ONCE) if old else Aged()

    def prune_names(self, days: float) -> Aged:
        """Delete people's names that no page has shown for `days`, in up to 100 properties, each in its own
        transaction.

        The names are also removed from the other values of their pages.
        """
        oldest = self._database.clock.now() - timedelta(days=days)
        with self._database.reading() as connection:
            property_ids, more = _with_old_names(connection, oldest)
        deleted = named = 0
        for property_id in property_ids:
            removed = self._database.repeat_paced(partial(self._forget_names, property_id, oldest))
            deleted, named = deleted + removed[0], named + removed[1]
        if deleted or named:
            record_purge(self._database, "beat", "age", {"observations": deleted, "records": named})
        return Aged(deleted, named, more)

    def _forget_names(self, property_id: str, oldest: datetime, connection: Connection) -> tuple[int, int]:
        lock_rows(connection, [property_id])
        deleted = 0
        for table in _SEEN_AT:
            which = table.property_id == property_id, table.field.in_(sorted(PEOPLE_FIELDS)), *_is_old(table, oldest)
            deleted += connection.execute(delete(table).where(*which)).rowcount
        query = select(SourceRow).where(SourceRow.property_id == property_id, NAMES_PEOPLE, oldest > AS_OF)
        named = connection.execute(query.order_by(SourceRow.id)).all()
        for row in named:
            _strip(connection, row)
        if named:
            rebuild(self._database, connection, property_id)
        return deleted, len(named)


def _with_old_names(connection: Connection, oldest: datetime) -> tuple[list[str], bool]:
    queries = [select(SourceRow.property_id).where(NAMES_PEOPLE, oldest > AS_OF).order_by(AS_OF)]
    for table, seen_at in _SEEN_AT.items():
        for name in sorted(PEOPLE_FIELDS):  # one query per field can use the index
            query = select(table.property_id).where(table.field == name, *_is_old(table, oldest))
            queries.append(query.order_by(seen_at))
    found = [connection.execute(query.limit(_AT_ONCE)).scalars().all() for query in queries]
    property_ids = sorted({property_id for some in found for property_id in some})
    return property_ids[:_AT_ONCE], len(property_ids) > _AT_ONCE or any(len(some) == _AT_ONCE for some in found)


def _is_old(table: type[Observation | Unverified | Change], oldest: datetime) -> list[ColumnElement[bool]]:
    is_old = [_SEEN_AT[table] < oldest]
    if table is Observation:
        is_old.append(~_records_of_observation(oldest <= AS_OF).exists())
    return is_old


def _records_of_observation(*which: ColumnElement[bool]) -> Select[Any]:
    same = SourceRow.property_id == Observation.property_id
    return select(SourceRow.id).where(same, SourceRow.content_sha256 == Observation.content_sha256, *which)


def _strip(connection: Connection, row: Row[Any]) -> None:
    names = list[PersonName]()
    for field in sorted(PEOPLE_FIELDS & row.record.keys()):
        with suppress(InvalidPersonError):
            names.append(parse_name(str(row.record[field])))
    finder = finder_of(*names)
    values = {name: value for name, value in row.record.items() if name not in PEOPLE_FIELDS}
    # without an edition, the page is read again even if it is unchanged
    change = {**record_without(finder, values, row.evidence), "names_people": False, "edition": None}
    connection.execute(update(SourceRow).where(SourceRow.id == row.id).values(change))
    mine = Observation.property_id == row.property_id, Observation.content_sha256 == row.content_sha256
    for observed in connection.execute(select(Observation).where(*mine)).all():
        if finder.is_in([observed.value, observed.evidence]):
            clean = cleaned(Observation.__table__, observed, finder)
            which = Observation.id == observed.id
            if clean is None or clean["value_sha256"] != observed.value_sha256:
                connection.execute(delete(Observation).where(which))
            else:
                connection.execute(update(Observation).where(which).values(clean))
