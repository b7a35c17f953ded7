"""Which property is filed under an address."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from app.property import identity
from app.property.address import Address, compare, normalise
from app.property.record import PageKind
from app.property.source_record import SourceRecord
from app.property.storage.pages.index import is_fresh
from app.property.storage.properties.tables import AS_OF
from app.property.storage.tables import properties, property_keys, records

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def fresh_at(connection: Connection, address: Address, since: datetime) -> tuple[str, PageKind] | None:
    """The property at `address` with a fresh page, and none that is asked about again; and the newest one's kind."""
    keys = _keys(address)
    owners = select(property_keys.c.property_id).where(property_keys.c.key.in_(keys))
    query = (
        select(records.c.property_id, records.c.kind, properties.c.record)
        .join(properties, properties.c.id == records.c.property_id)
        .where(records.c.property_id.in_(owners), properties.c.merged_into.is_(None))
        .where(is_fresh(since, whole_property=True))
        .order_by(AS_OF.desc(), records.c.id.desc())
    )
    for row in connection.execute(query) if keys else ():
        if _is_at(identity.address_of(row.record), normalise(address)):
            return row.property_id, PageKind(row.kind)
    return None


def _is_at(known: Address, wanted: Address) -> bool:
    """A key may be shared by two towns of one name; without a ZIP the state has to say which."""
    if compare(known, wanted) != "same":
        return False
    return known.state == wanted.state or (known.postal_code is not None and known.postal_code == wanted.postal_code)


def _keys(address: Address) -> list[str]:
    """What a page that says no more than this address would be filed under, without its URL."""
    said = replace(address, street=None).as_values()
    page = SourceRecord("", "", PageKind.RECORD, "", _NEVER, said, {})
    return [key for key in identity.lookups_of(page) if key.startswith("addr:")]
