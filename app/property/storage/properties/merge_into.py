"""Moves what is stored of one property to another one: all of it, or some of its pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, select, update

from app.property.storage.statements import chunks
from app.property.storage.tables import (
    changes,
    jobs,
    observations,
    page_aliases,
    properties,
    property_keys,
    records,
    unverified,
)
from app.property.storage.watches.outcomes import fold_watches

#: rows that `home` may have too: by these columns
_TWICE = {observations: ("content_sha256", "field", "value_sha256"), unverified: ("field", "url")}


def merge_into(connection: Connection, gone: str, home: str) -> None:
    """Move records, jobs, keys, observations, claims, changes and watches from `gone` to `home`; `gone` stays as a
    pointer to it."""
    fold_watches(connection, gone, home)
    # `home` gets blocking keys when it is made of all its records
    connection.execute(delete(property_keys).where(property_keys.c.property_id == gone, property_keys.c.is_blocking))
    for table, names in _TWICE.items():
        theirs = table.alias()
        same = (theirs.c[name] == table.c[name] for name in names)
        twice = select(theirs.c.id).where(theirs.c.property_id == home, *same).exists()
        connection.execute(delete(table).where(table.c.property_id == gone, twice))
    for table in (records, observations, unverified, property_keys, jobs, changes):
        connection.execute(update(table).where(table.c.property_id == gone).values(property_id=home))
    _judge_again(connection, gone, home)
    c = properties.c
    connection.execute(update(properties).where(c.merged_into == gone).values(merged_into=home))
    emptied = {"merged_into": home, "record": {}, "evidence": {}, "conflicts": []}
    connection.execute(update(properties).where(c.id == gone).values(emptied))


def move_pages(connection: Connection, urls: Sequence[str], home: str, other: str) -> None:
    """Move the records `urls` from `home` to `other`, with what these pages ever said and the jobs for them."""
    c = records.c
    known = set(connection.execute(select(c.page_url).where(c.url.in_(urls))).scalars())
    aliases = {
        *urls,
        *connection.execute(select(page_aliases.c.url).where(page_aliases.c.page_url.in_(known))).scalars(),
    }
    moved: tuple[tuple[Table, ColumnElement[Any], set[str | None]], ...] = (
        (records, c.url, set(urls)),
        (observations, observations.c.source_url, {*aliases}),
        (jobs, jobs.c.target, {*aliases}),
        (changes, changes.c.url, set(urls)),
    )
    for table, column, which in moved:
        for some in chunks(sorted(url for url in which if url)):
            mine = (table.c.property_id == home) & column.in_(some)
            connection.execute(update(table).where(mine).values(property_id=other))
    _judge_again(connection, home, other)


def _judge_again(connection: Connection, one: str, other: str) -> None:
    """What came from `one` to `other` may have been filed by older rules only: `other` is due as that was."""
    ids, rules = properties.c.id, properties.c.key_rules
    theirs = select(rules).where(ids == one).scalar_subquery()
    connection.execute(update(properties).where(ids == other, rules > theirs).values(key_rules=theirs))
