"""Move the rows of one property to another: either all rows, or only the rows of some pages."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table, delete, select, update
from sqlalchemy.orm import InstrumentedAttribute

from app.property.storage.jobs.models import Job as JobRow
from app.property.storage.pages.tables import PageAlias
from app.property.storage.properties.tables import Observation, Property, PropertyKey, SourceRow, Unverified
from app.property.storage.statements import chunks
from app.property.storage.watches.models import Change
from app.property.storage.watches.outcomes import merge_watches

#: Tables in which two properties may each have a copy of the same row. Rows are copies if these columns are equal.
_SHARED_ROWS = {
    Observation.__table__: ("content_sha256", "field", "value_sha256"),
    Unverified.__table__: ("field", "url"),
}


def merge_into(connection: Connection, merged_id: str, kept_id: str) -> None:
    """Move all rows of the property `merged_id` to `kept_id`. The row `merged_id` stays, and points to `kept_id`."""
    merge_watches(connection, merged_id, kept_id)
    # `kept_id` gets the blocking keys of all records when it is rebuilt
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
        JobRow.__table__,
        Change.__table__,
    ):
        connection.execute(update(table).where(table.c.property_id == merged_id).values(property_id=kept_id))
    _keep_due(connection, merged_id, kept_id)
    connection.execute(update(Property).where(Property.merged_into == merged_id).values(merged_into=kept_id))
    emptied = {"merged_into": kept_id, "record": {}, "evidence": {}, "conflicts": []}
    connection.execute(update(Property).where(Property.id == merged_id).values(emptied))


def move_pages(connection: Connection, urls: Sequence[str], from_id: str, to_id: str) -> None:
    """Move the records of the pages `urls`, and their observations, jobs, and changes, to the property `to_id`."""
    known = set(connection.execute(select(SourceRow.page_url).where(SourceRow.url.in_(urls))).scalars())
    others = select(PageAlias.url).where(PageAlias.page_url.in_(known))
    aliases = {*urls, *connection.execute(others).scalars()}
    moved: tuple[tuple[Table, InstrumentedAttribute[Any], set[str | None]], ...] = (
        (SourceRow.__table__, SourceRow.url, set(urls)),
        (Observation.__table__, Observation.source_url, aliases),
        (JobRow.__table__, JobRow.target, aliases),
        (Change.__table__, Change.url, set(urls)),
    )
    for table, column, which in moved:
        for some in chunks(sorted(url for url in which if url)):
            mine = (table.c.property_id == from_id) & column.in_(some)
            connection.execute(update(table).where(mine).values(property_id=to_id))
    _keep_due(connection, from_id, to_id)


def _keep_due(connection: Connection, from_id: str, to_id: str) -> None:
    """If `from_id` has an older identity version, set it for `to_id` too, so that the moved records are reindexed."""
    ids, rules = Property.id, Property.identity_version
    theirs = select(rules).where(ids == from_id).scalar_subquery()
    connection.execute(update(Property).where(ids == to_id, rules > theirs).values(identity_version=theirs))
