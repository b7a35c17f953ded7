"""Find the property that a record describes, by people's decisions or else by shared keys."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, literal, select

from app.property.merging import identity
from app.property.merging.matching import decide
from app.property.merging.resolve import Resolution, Resolver
from app.property.source_record import SourceRecord
from app.property.storage.database import Database
from app.property.storage.properties.decisions import are_split, ask_for_review, pins_of, properties_with
from app.property.storage.properties.rebuild import canonical_id, merge_into, new_property
from app.property.storage.properties.source_records import records_of_each
from app.property.storage.properties.tables import Property, PropertyKey

#: If a record's blocking keys match more properties than this, these matches are ignored. Such a key may come from a
#: placeholder or the center of a ZIP code.
_MOST_NEAR = 200


def resolve_property(
    database: Database, connection: Connection, record: SourceRecord, related: str | None = None
) -> tuple[str, bool]:
    """Return the id of the record's property, and whether that property was created or merged.

    A record that matches no property belongs to `related`, the property for which its page was found, unless their
    values contradict.
    """
    pins = pins_of(connection, [record])[record.url]
    if joined := properties_with(connection, pins.together):
        return joined[0], False
    apart = properties_with(connection, pins.apart)
    related = canonical_id(connection, related) if related is not None else None
    found = _resolved(connection, record, apart, related)
    owner_id = _merged(connection, found) if found.same else _related(connection, record, related, apart)
    is_new = owner_id is None
    owner_id = owner_id or new_property(database, connection)
    _ask_person(database, connection, record, owner_id, found)
    return owner_id, is_new or len(found.same) > 1


def merge_same(database: Database, connection: Connection, record: SourceRecord, owner_id: str) -> tuple[str, bool]:
    """Merge properties that match `record`, which belongs to `owner_id`.

    Return the id of the record's property afterwards, and whether properties were merged.
    """
    pins = pins_of(connection, [record])[record.url]
    if properties_with(connection, pins.together):
        return owner_id, False
    found = _resolved(connection, record, properties_with(connection, pins.apart), owner_id)
    is_merged = len(found.same) > 1 and owner_id in {one.id for one in found.same}
    if is_merged:
        owner_id = _merged(connection, found)
    _ask_person(database, connection, record, owner_id, found)
    return owner_id, is_merged


def _merged(connection: Connection, found: Resolution) -> str:
    for other in found.same:
        if other.id != found.oldest:
            merge_into(connection, other.id, found.oldest)
    return found.oldest


def _related(connection: Connection, record: SourceRecord, owner_id: str | None, apart: Sequence[str]) -> str | None:
    if owner_id is None or owner_id in apart:
        return None
    values = connection.execute(select(Property.record).where(Property.id == owner_id)).scalar()
    return None if values is None or decide(record.values, values).differs else owner_id


def _resolved(connection: Connection, record: SourceRecord, apart: Sequence[str], preferred: str | None) -> Resolution:
    near = [(row, is_page) for row, is_page in _candidates(connection, record) if row.id not in apart]
    resolver = Resolver(record, preferred, partial(records_of_each, connection), partial(are_split, connection))
    return resolver.resolve(near)


def _candidates(connection: Connection, record: SourceRecord) -> list[tuple[Row[Any], bool]]:
    ids, of_page = _near(connection, record)
    rows: Sequence[Row[Any]] = []
    locked: set[str] = set()
    while not ids <= locked:  # a property may have been merged during the wait for its lock, so search again
        locked |= ids
        query = select(Property.id, Property.created_at, Property.record).where(Property.id.in_(ids))
        living = query.where(Property.merged_into.is_(None)).order_by(Property.id)
        rows = connection.execute(living.with_for_update(key_share=True)).all()
        if connection.dialect.name != "sqlite":
            ids, of_page = _near(connection, record)
    return [(row, row.id in of_page) for row in rows]


def _near(connection: Connection, record: SourceRecord) -> tuple[set[str], set[str]]:
    key, owner = PropertyKey.key, PropertyKey.property_id
    exact = select(key, owner).where(key.in_(identity.lookups_of(record)), ~PropertyKey.is_blocking)
    blocking = select(owner).where(key.in_(identity.block_lookups_of(record.values)), PropertyKey.is_blocking)
    near = blocking.distinct().limit(_MOST_NEAR + 1).subquery()
    rows = connection.execute(exact.union_all(select(literal(""), near.c.property_id))).all()
    others = {row.property_id for row in rows if not row.key}
    known, pages = {row.property_id for row in rows if row.key}, set(identity.url_keys(record))
    ids = known | others if len(others) <= _MOST_NEAR else known
    return ids, {row.property_id for row in rows if row.key in pages}


def _ask_person(
    database: Database, connection: Connection, record: SourceRecord, owner_id: str, found: Resolution
) -> None:
    for other in found.doubtful:
        if other.id != owner_id:
            why = f"only a page of unknown kind connects them: {other.decision.why}"
            ask_for_review(database, connection, record, (owner_id, other.id), why)
