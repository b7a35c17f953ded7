"""Moves what is stored of one property to another one: all of it, or some of its pages."""

from __future__ import annotations

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

#: rows that `home` may have too: by these columns
_TWICE = {Observation.__table__: ("content_sha256", "field", "value_sha256"), Unverified.__table__: ("field", "url")}


def merge_into(connection: Connection, gone: str, home: str) -> None:
    """Move records, jobs, keys, observations, claims, changes and watches from `gone` to `home`; `gone` stays as a
    pointer to it."""
    merge_watches(connection, gone, home)
    # `home` gets blocking keys when it is made of all its records
    connection.execute(delete(PropertyKey).where(PropertyKey.property_id == gone, PropertyKey.is_blocking))
    for table, names in _TWICE.items():
        theirs = table.alias()
        same = (theirs.c[name] == table.c[name] for name in names)
        twice = select(theirs.c.id).where(theirs.c.property_id == home, *same).exists()
        connection.execute(delete(table).where(table.c.property_id == gone, twice))
    for table in (
        SourceRow.__table__,
        Observation.__table__,
        Unverified.__table__,
        PropertyKey.__table__,
        JobRow.__table__,
        Change.__table__,
    ):
        connection.execute(update(table).where(table.c.property_id == gone).values(property_id=home))
    _judge_again(connection, gone, home)
    connection.execute(update(Property).where(Property.merged_into == gone).values(merged_into=home))
    emptied = {"merged_into": home, "record": {}, "evidence": {}, "conflicts": []}
    connection.execute(update(Property).where(Property.id == gone).values(emptied))


def move_pages(connection: Connection, urls: Sequence[str], home: str, other: str) -> None:
    """Move the records `urls` from `home` to `other`, with what these pages ever said and the jobs for them."""
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
            mine = (table.c.property_id == home) & column.in_(some)
            connection.execute(update(table).where(mine).values(property_id=other))
    _judge_again(connection, home, other)


def _judge_again(connection: Connection, one: str, other: str) -> None:
    """What came from `one` to `other` may have been filed by older rules only: `other` is due as that was."""
    ids, rules = Property.id, Property.key_rules
    theirs = select(rules).where(ids == one).scalar_subquery()
    connection.execute(update(Property).where(ids == other, rules > theirs).values(key_rules=theirs))
