"""Two stored properties turned out to be one: everything of the one goes to the other."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select, update

from app.property.storage.properties.claims import fold_hearsay
from app.property.storage.properties.tables import PropertyKey
from app.property.storage.statements import chunks
from app.property.storage.tables import (
    changes,
    jobs,
    observations,
    page_aliases,
    properties,
    property_keys,
    records,
)
from app.property.storage.watches.outcomes import fold_watches


def fold(connection: Connection, gone: str, home: str) -> None:
    """Move records, jobs, keys, observations, changes and watches from `gone` to `home`; `gone` stays as a pointer to
    it."""
    fold_watches(connection, gone, home)
    # `home` gets blocking keys when it is made of all its records
    connection.execute(delete(PropertyKey).where(PropertyKey.property_id == gone, PropertyKey.is_blocking))
    for table in (records, jobs, property_keys, changes):
        connection.execute(update(table).where(table.c.property_id == gone).values(property_id=home))
    _judge_again(connection, gone, home)
    _fold_observations(connection, gone, home)
    fold_hearsay(connection, gone, home)
    connection.execute(update(properties).where(properties.c.merged_into == gone).values(merged_into=home))
    emptied = {"merged_into": home, "record": {}, "evidence": {}, "conflicts": []}
    connection.execute(update(properties).where(properties.c.id == gone).values(emptied))


def move_pages(connection: Connection, urls: Sequence[str], home: str, other: str) -> None:
    """The records `urls` go from `home` to `other`, with what these pages ever said and the jobs that asked for it."""
    known = select(records.c.page_url).where(records.c.url.in_(urls))
    aliases = set(connection.execute(select(page_aliases.c.url).where(page_aliases.c.page_url.in_(known))).scalars())
    for table, column, which in (
        (records, records.c.url, set(urls)),
        (observations, observations.c.source_url, aliases | set(urls)),
        (jobs, jobs.c.target, aliases | set(urls)),
        (changes, changes.c.url, set(urls)),
    ):
        for some in chunks(sorted(which)):
            mine = (table.c.property_id == home) & column.in_(some)
            connection.execute(update(table).where(mine).values(property_id=other))
    _judge_again(connection, home, other)


def _judge_again(connection: Connection, one: str, other: str) -> None:
    """What came from `one` to `other` may have been judged by older rules only: `other` is due as that was."""
    ids, rules = properties.c.id, properties.c.key_rules
    theirs = select(rules).where(ids == one).scalar_subquery()
    connection.execute(update(properties).where(ids == other, rules > theirs).values(key_rules=theirs))


def _fold_observations(connection: Connection, gone: str, home: str) -> None:
    theirs = observations.alias("theirs")
    twice = (
        select(theirs.c.id)
        .where(
            theirs.c.property_id == home,
            theirs.c.content_sha256 == observations.c.content_sha256,
            theirs.c.field == observations.c.field,
            theirs.c.value_sha256 == observations.c.value_sha256,
        )
        .exists()
    )
    mine = observations.c.property_id == gone
    connection.execute(delete(observations).where(mine, twice))
    connection.execute(update(observations).where(mine).values(property_id=home))
