"""Removes a person's name wherever it stands, and keeps it from coming back.

First its hashes are stored: from then on no page brings it in. Then everything is read in peace, while others work; and
what names the person goes or loses the name, in one transaction. Copies of what can be had again go whole (bodies, what
models and searches answered), values and their evidence lose the name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Table, delete, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from app.property.people import Finder, PersonName, finder_of
from app.property.storage.database import Database
from app.property.storage.llm.requests import wake
from app.property.storage.llm.tables import CacheKind, LlmCache
from app.property.storage.pages.repository import drop_pages
from app.property.storage.privacy.marks import wait_for_writers
from app.property.storage.privacy.names import note_name
from app.property.storage.privacy.naming_rows import Named, cleaned, named_rows
from app.property.storage.privacy.pii_catalog import HOLDINGS, Holding, Holds
from app.property.storage.privacy.purge import COUNTED, Purged, find, record_purge, steps_of, take
from app.property.storage.privacy.scope import PurgeKind
from app.property.storage.properties.rebuild import moment, rebuild
from app.property.storage.statements import chunks
from app.property.storage.tables import (
    jobs,
    llm_requests,
    pages,
    properties,
)

#: what was written between looking and removing is looked for again
_MOST_ROUNDS = 5
_HOLDING = {held.table: held for held in HOLDINGS}
#: what answers are counted as
_AS = {CacheKind.PAGE: "model_answers", CacheKind.SEARCH: "searches"}


class PersonPurge:
    """Purges a `Database` of people by their names."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def purge(self, name: PersonName, *, who: str, dry_run: bool) -> Purged:
        """Remove `name` from all that is stored, and store it no more.

        Counts rows as `PurgeStore.purge`, and in "texts" those that lost the name and are kept. Pages whose URL names
        the person go as a whole. Done again it removes nothing more. Raises `ConfigurationError` if there is no key
        that the name could be hashed with, before anything is removed.
        """
        finder, began = finder_of(name), self._database.clock.now()
        if not dry_run:
            self._suppress(name)
        removed, job_ids, since = Counter[str](), set[str](), None
        for _ in range(1 if dry_run else _MOST_ROUNDS):
            with self._database.reading() as connection:
                named = named_rows(connection, finder, since)
            if not named:
                break
            removed += self._remove(named, finder, job_ids, dry_run=dry_run)
            since = began
        purged = Purged({name: removed[name] for name in (*COUNTED, "texts")}, sorted(job_ids))
        if not dry_run:
            record_purge(self._database, who, PurgeKind.PERSON, purged.removed)
        return purged

    def _suppress(self, name: PersonName) -> None:
        key = self._database.names_key.make()

        def work(connection: Connection) -> None:
            note_name(connection, key, name, self._database.clock.now())

        self._database.repeat(work)
        wait_for_writers(self._database)  # what is written now is read below

    def _remove(self, named: Named, finder: Finder, job_ids: set[str], *, dry_run: bool) -> Counter[str]:
        def work(connection: Connection) -> tuple[Counter[str], set[str]]:
            run = _Removal(self._database, connection, finder)
            run.run(named)
            if dry_run:
                connection.rollback()
            return run.removed, run.job_ids

        removed, found = self._database.repeat(work)
        job_ids |= found
        return removed


class _Removal:
    """One transaction's part of a purge."""

    def __init__(self, database: Database, connection: Connection, finder: Finder) -> None:
        self._database = database
        self._connection = connection
        self._finder = finder
        self.removed = Counter[str]()
        self.job_ids = set[str]()

    def run(self, named: Named) -> None:
        for url in sorted(named.urls):  # as many as are ways to one page go with the first
            scope = find(self._database, PurgeKind.URL, url, dry_run=True)
            for part in take(self._database, steps_of(self._database, scope), self._connection):
                self.removed.update(part.removed)
                self.job_ids.update(part.job_ids)
        self._drop_bodies(named.bodies)
        touched = set[str]()
        for table, keys in named.rows.items():
            held = _HOLDING[table]
            for some in chunks(keys, 200):
                touched |= self._drop(held, some) if held.goes_whole else self._clean(held, some)
        self._mend(touched)

    def _drop_bodies(self, hashes: set[str]) -> None:
        """Copies, and what models were asked and said of them: the page is fetched anew, and read without the name."""
        connection = self._connection
        for some in chunks(sorted(hashes)):
            leads = pages.c.sha256.in_(some) | pages.c.text_sha256.in_(some)
            self.removed["bodies"] += len(drop_pages(connection, leads, blobs=some))
            asked = select(llm_requests.c.id).where(llm_requests.c.content_sha256.in_(some))
            self._drop_requests(connection.execute(asked).scalars().all())
            answers = delete(LlmCache).where(LlmCache.content_sha256.in_(some))
            self.removed["model_answers"] += connection.execute(answers).rowcount

    def _drop_requests(self, ids: Sequence[str]) -> None:
        wake(self._connection, list(ids), self._database.clock.now())
        gone = delete(llm_requests).where(llm_requests.c.id.in_(ids))
        self.removed["model_requests"] += self._connection.execute(gone).rowcount

    def _drop(self, held: Holding, keys: Sequence[tuple[Any, ...]]) -> set[str]:
        if held.table is llm_requests:
            self._drop_requests([key[0] for key in keys])
            return set()
        gone = delete(held.table).where(_is_one_of(held.table, keys))
        if held.table is LlmCache.__table__:
            kinds = self._connection.execute(gone.returning(LlmCache.kind)).scalars()
            self.removed.update(_AS[kind] for kind in kinds)
        else:
            self.removed["texts"] += self._connection.execute(gone).rowcount
        return set()

    def _clean(self, held: Holding, keys: Sequence[tuple[Any, ...]]) -> set[str]:
        """Take the name out; -> the properties that the rows are of."""
        table, touched = held.table, set[str]()
        for row in self._connection.execute(select(table).where(_is_one_of(table, keys))).all():
            mine = _is_one_of(table, [tuple(getattr(row, column.name) for column in table.primary_key.columns)])
            change = cleaned(held, row, self._finder)
            if change is None or not self._put(table, mine, change):
                self._connection.execute(delete(table).where(mine))
                self.removed[table.name if table.name in COUNTED else "texts"] += 1
            else:
                self.removed["texts"] += 1
            touched |= {getattr(row, column.name) for column in held.of(Holds.PROPERTY)}
            self.job_ids |= {row.id} if table is jobs else set()
        return touched - {None}

    def _put(self, table: Table, mine: Any, change: dict[str, Any]) -> bool:
        """False if there is such a row already: it says the same."""
        try:
            with self._connection.begin_nested():
                self._connection.execute(update(table).where(mine).values(change))
        except IntegrityError:
            return False
        return True

    def _mend(self, touched: Iterable[str]) -> None:
        """Properties say what their pages say now; whoever follows changes learns of it."""
        for property_id in sorted(touched):
            now = moment(self._database, self._connection)
            mine = (properties.c.id == property_id) & properties.c.merged_into.is_(None)
            self._connection.execute(update(properties).where(mine).values(updated_at=now))
            rebuild(self._database, self._connection, property_id)
            of_property = select(jobs.c.id).where(jobs.c.property_id == property_id)
            self.job_ids |= set(self._connection.execute(of_property).scalars())


def _is_one_of(table: Table, keys: Sequence[tuple[Any, ...]]) -> Any:
    return tuple_(*table.primary_key.columns).in_(keys)
