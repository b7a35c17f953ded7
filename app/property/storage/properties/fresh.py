"""Find properties at addresses that were read recently enough, so that no job has to read them again."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from app.property.address import Address
from app.property.merging import identity
from app.property.record import PageKind
from app.property.storage.pages.index import is_fresh
from app.property.storage.properties.tables import AS_OF, Property, PropertyKey, SourceRow
from app.property.storage.statements import chunks


def fresh_properties(
    connection: Connection, addresses: Mapping[str, Address], since: datetime, *, can_ask: bool = True
) -> dict[str, tuple[str, PageKind]]:
    """Map each name of `addresses` whose property is fresh to the property's id and the kind of its newest page.

    A property is fresh if one of its pages was fetched or confirmed after `since`, and none waits for a model that
    `can_ask`.
    """
    names: dict[str, list[str]] = {}
    for name, address in addresses.items():
        for key in identity.address_lookups(address):
            names.setdefault(key, []).append(name)
    query = (
        select(PropertyKey.key, SourceRow.property_id, SourceRow.kind, Property.record)
        .join(Property, Property.id == PropertyKey.property_id)
        .join(SourceRow, SourceRow.property_id == Property.id)
        .where(~PropertyKey.is_blocking, Property.merged_into.is_(None))
        .where(is_fresh(since, can_ask=can_ask, whole_property=True))
        .order_by(AS_OF.desc(), SourceRow.id.desc())
    )
    fresh: dict[str, tuple[str, PageKind]] = {}
    for some in chunks(list(names)):
        for row in connection.execute(query.where(PropertyKey.key.in_(some))):
            for name in names[row.key]:
                if name not in fresh and identity.is_at(row.record, addresses[name]):
                    fresh[name] = row.property_id, PageKind(row.kind)
    return fresh
