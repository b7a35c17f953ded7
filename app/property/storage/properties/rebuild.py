"""Rebuild a property's merged values and keys from its pages' records, and move rows between properties."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Table, delete, func, insert, select, update
from sqlalchemy.orm import InstrumentedAttribute, aliased

from app.errors import NotFoundError
from app.property.fields.table import FIELDS
from app.property.merging import identity
from app.property.merging.merge import Merged, merge
from app.property.record import evidence_json
from app.property.source_record import SourceRecord
from app.property.storage.database import Database
from app.property.storage.jobs.models import Job
from app.property.storage.pages.tables import PageAlias
from app.property.storage.properties.locks import lock_feed
from app.property.storage.properties.source_records import records_of, records_of_each
from app.property.storage.properties.tables import Observation, Property, PropertyKey, SourceRow, Unverified
from app.property.storage.statements import chunks, new_id
from app.property.storage.watches.models import Change
from app.property.storage.watches.outcomes import merge_watches

#: Fields that the text search covers, and the field by which properties are filtered.
SEARCHED = tuple(name for name, spec in FIELDS.items() if spec.searched)
STATUS = "StandardStatus"
#: Tables in which two properties may have the same row: rows are the same if these columns are equal.
_SHARED_ROWS = {
    Observation.__table__: ("content_sha256", "field", "value_sha256"),
    Unverified.__table__: ("field", "url"),
}


def next_update_time(database: Database, connection: Connection) -> datetime:
    """Return the current time, or a microsecond after the newest update of any property if that is later."""
    newest = connection.execute(select(func.max(Property.updated_at))).scalar()
    now = database.clock.now()
    return now if newest is None else max(now, newest + timedelta(microseconds=1))


def new_property(database: Database, connection: Connection) -> str:
    """Insert an empty property and return its id.

    The caller must then call `rebuild` with `changed`.
    """
    now = next_update_time(database, connection)
    row = {"id": new_id(), "record": {}, "evidence": {}, "conflicts": [], "created_at": now, "updated_at": now}
    row["identity_version"] = identity.IDENTITY_VERSION
    connection.execute(insert(Property).values(row))
    return str(row["id"])


def canonical_id(connection: Connection, property_id: str) -> str:
    """Return the id of the property that `property_id` was merged into, or else `property_id`."""
    query = select(Property.merged_into).where(Property.id == property_id)
    return connection.execute(query).scalar() or property_id


def existing(connection: Connection, property_id: str) -> Row[Any]:
    """Return the row of the property, or of the property that it was merged into. Raises `NotFoundError`."""
    named = aliased(Property)
    canonical = select(func.coalesce(named.merged_into, named.id)).where(named.id == property_id).scalar_subquery()
    row = connection.execute(select(Property).where(Property.id == canonical)).one_or_none()
    if row is None:
        raise NotFoundError("property", property_id)
    return row


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A property's row before the rebuild, its records, and their merged values."""

    was: Row[Any]
    sources: Sequence[SourceRecord]
    merged: Merged


def rebuild(database: Database, connection: Connection, property_id: str, *, changed: bool = False) -> Rebuilt | None:
    """Update a property's values and keys from its records. If there are no records, do nothing and return None.

    With `changed`, it gets a new update time even if its values are the same.
    """
    row_of = select(Property).where(Property.id == property_id).with_for_update(key_share=True)
    stored = connection.execute(row_of).one_or_none()  # the row is locked before the records are read
    sources = records_of(connection, property_id)
    if stored is None or not sources:
        return None
    merged = merge(sources)
    row = {"record": merged.values, "evidence": evidence_json(merged.evidence), "conflicts": conflicts_json(merged)}
    found_by = search_row(merged.values, (source.url for source in sources), len(merged.conflicts))
    change: dict[str, Any] = {}
    if changed or any(getattr(stored, name) != value for name, value in row.items()):
        # update times must be committed in ascending order
        lock_feed(database, connection)
        change = {**row, "updated_at": next_update_time(database, connection)}
    if any(getattr(stored, name) != value for name, value in found_by.items()):
        change |= found_by
    # the newer release that made the old keys must then reindex the property
    if stored.identity_version > identity.IDENTITY_VERSION:
        change["identity_version"] = identity.IDENTITY_VERSION
    if change:
        connection.execute(update(Property).where(Property.id == property_id).values(change))
    _index(connection, property_id, sources)
    return Rebuilt(stored, sources, merged)


def conflicts_json(merged: Merged) -> list[dict[str, Any]]:
    """Return the conflicts as a list of `{"field", "chosen": value, "evidence", "reasons", "verdicts"}`.

    The evidence, reasons, and verdicts have one entry per value, the chosen value first.
    """
    return [
        {
            "field": name,
            "chosen": merged.values[name],
            "evidence": [claim.proof.model_dump(mode="json") for claim in claims],
            "reasons": [claim.reason for claim in claims],
            "verdicts": [str(claim.verdict) for claim in claims],
        }
        for name, claims in merged.conflicts.items()
    ]


def search_row(record: Mapping[str, Any], urls: Iterable[str], conflicts: int) -> dict[str, Any]:
    """Return the columns for searches.

    Text is lowercased here, because databases treat non-ASCII letters differently.
    """
    words = [str(record[name]) for name in SEARCHED if record.get(name)]
    return {
        "search_text": " ".join([*words, *urls]).lower(),
        "standard_status": str(record[STATUS])[:32] if record.get(STATUS) else None,
        "conflict_count": conflicts,
    }


def _index(connection: Connection, property_id: str, sources: Sequence[SourceRecord]) -> None:
    """Store the keys of the property's records, and delete its other keys.

    Of the keys of other properties, only URL keys are taken over, and parcel keys of properties that are bare
    (`identity.is_bare`), unless this one is bare, too. Otherwise, a bare page that came first would hide a property.
    """
    exact = {key for source in sources for key in identity.keys_of(source)}
    blocking = {key for source in sources for key in identity.blocks_of(source.values)}
    mine = PropertyKey.property_id == property_id
    found = select(PropertyKey).where(mine | PropertyKey.key.in_(exact) & ~PropertyKey.is_blocking)
    owner_of = {row.key: row.property_id for row in connection.execute(found)}
    gone = [key for key, owner in owner_of.items() if owner == property_id and key not in exact | blocking]
    if gone:
        connection.execute(delete(PropertyKey).where(mine, PropertyKey.key.in_(gone)))
    others = {key: owner for key, owner in owner_of.items() if key in exact and owner != property_id}
    taken = [key for key in others if key.startswith("url:")]
    if not identity.is_bare(sources):
        taken += _parcel_keys_of_bare(connection, others)
    if taken:
        moved = update(PropertyKey).where(PropertyKey.key.in_(taken), ~PropertyKey.is_blocking)
        connection.execute(moved.values(property_id=property_id))
    new = sorted((exact | blocking) - owner_of.keys())
    if new:
        rows = [{"key": key, "property_id": property_id, "is_blocking": key in blocking} for key in new]
        connection.execute(insert(PropertyKey), rows)


def _parcel_keys_of_bare(connection: Connection, owner_of: Mapping[str, str]) -> list[str]:
    parcels = {key: owner for key, owner in owner_of.items() if key.startswith("parcel:")}
    pages = records_of_each(connection, sorted(set(parcels.values())))
    return [key for key, owner in parcels.items() if identity.is_bare(pages[owner])]


def merge_into(connection: Connection, merged_id: str, kept_id: str) -> None:
    """Move all rows of `merged_id` to `kept_id`. The row of `merged_id` stays, and points to `kept_id`."""
    merge_watches(connection, merged_id, kept_id)
    # `kept_id` gets the blocking keys when it is rebuilt
    connection.execute(delete(PropertyKey).where(PropertyKey.property_id == merged_id, PropertyKey.is_blocking))
    for table, names in _SHARED_ROWS.items():
        theirs = table.alias()
        same = (theirs.c[name] == table.c[name] for name in names)
        twice = select(theirs.c.id).where(theirs.c.property_id == kept_id, *same).exists()
        connection.execute(delete(table).where(table.c.property_id == merged_id, twice))
    for table in (
        SourceRow.__table__,
        Observation.__table__,
        Unverified.__table__,
        PropertyKey.__table__,
        Job.__table__,
        Change.__table__,
    ):
        connection.execute(update(table).where(table.c.property_id == merged_id).values(property_id=kept_id))
    _keep_due(connection, merged_id, kept_id)
    connection.execute(update(Property).where(Property.merged_into == merged_id).values(merged_into=kept_id))
    emptied = {"merged_into": kept_id, "record": {}, "evidence": {}, "conflicts": []}
    connection.execute(update(Property).where(Property.id == merged_id).values(emptied))


def move_pages(connection: Connection, urls: Sequence[str], from_id: str, to_id: str) -> None:
    """Move the records of these pages, with observations, jobs, and changes, to the property `to_id`."""
    known = set(connection.execute(select(SourceRow.page_url).where(SourceRow.url.in_(urls))).scalars())
    others = select(PageAlias.url).where(PageAlias.page_url.in_(known))
    aliases = {*urls, *connection.execute(others).scalars()}
    moved: tuple[tuple[Table, InstrumentedAttribute[Any], set[str | None]], ...] = (
        (SourceRow.__table__, SourceRow.url, set(urls)),
        (Observation.__table__, Observation.source_url, aliases),
        (Job.__table__, Job.target, aliases),
        (Change.__table__, Change.url, set(urls)),
    )
    for table, column, which in moved:
        for some in chunks(sorted(url for url in which if url)):
            mine = (table.c.property_id == from_id) & column.in_(some)
            connection.execute(update(table).where(mine).values(property_id=to_id))
    _keep_due(connection, from_id, to_id)


def _keep_due(connection: Connection, from_id: str, to_id: str) -> None:
    """If `from_id` must be reindexed, mark `to_id` too, because of the moved records."""
    ids, rules = Property.id, Property.identity_version
    theirs = select(rules).where(ids == from_id).scalar_subquery()
    connection.execute(update(Property).where(ids == to_id, rules > theirs).values(identity_version=theirs))
