"""The steps of a purge of a URL, a host, a property, or an address.

1. Store hashes of the purged URLs, and wait for running writers. After that, no writer stores data from these URLs that
was fetched before the purge (`suppressions.py`). 2. Find the data by index, and remove it a few pages at a time,
locking only the properties of these pages.

To complete an interrupted purge, repeat it. This works because pages by which other pages are found are removed last.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, delete, func, literal_column, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute

from app.property.storage.database import Database
from app.property.storage.jobs.models import Batch, Job, JobAttempt
from app.property.storage.llm.requests import wake
from app.property.storage.llm.tables import LlmCache, LlmRequest
from app.property.storage.pages.repository import drop_unused_blobs
from app.property.storage.pages.tables import Blob, PageAlias, PageCopy
from app.property.storage.privacy.scope import Scope, complete, is_any, names_page, rows_of, stored_urls
from app.property.storage.privacy.suppressions import refuse_from_now
from app.property.storage.properties.locks import lock_pages, lock_rows
from app.property.storage.properties.rebuild import rebuild
from app.property.storage.properties.tables import (
    RECORD_URLS,
    IdentityDecision,
    IdentityPin,
    Observation,
    Property,
    RecipeExample,
    RecipeRow,
    SourceRow,
    Unverified,
)
from app.property.storage.statements import chunks, entities
from app.property.storage.types import Base
from app.property.storage.watches.models import Change, Watch

#: Tables of values read from pages, with their columns of page URLs.
_PAGE_DATA: Mapping[type[SourceRow | Observation], Sequence[InstrumentedAttribute[Any]]] = {
    SourceRow: RECORD_URLS,
    Observation: [Observation.source_url],
}
#: Other tables whose rows are deleted if they name a purged URL, with their columns of URLs.
_NAMED: Mapping[type[Base], Sequence[InstrumentedAttribute[Any]]] = {
    JobAttempt: [JobAttempt.url],
    LlmCache: [LlmCache.target],
    PageAlias: [PageAlias.url, PageAlias.page_url],
    RecipeExample: [RecipeExample.page_url],
    Unverified: [Unverified.url],
    Watch: [Watch.target],
}
#: Tables whose rows are deleted, and counted, with their property.
_OF_PROPERTY = (Change, Observation, Unverified, Watch)
#: Maximum number of URLs or texts purged per transaction. It is small because a purge of a URL rebuilds properties.
_AT_ONCE = 10
#: Maximum number of searches for other URLs of the purged pages.
_MOST_ROUNDS = 5
# These conditions must be exactly those of the partial indexes, or SQLite does not use the indexes.
_HAS_ERROR = literal_column("error_code").is_not(None)
_HAS_DETAIL = literal_column("detail") != literal_column("''")
_IS_SEARCH = literal_column("kind") == literal_column("'search'")


def find(database: Database, scope: Scope, *, dry_run: bool) -> Scope:
    """Return `scope` with all URLs and properties that belong to it.

    Unless this is a dry run, also suppress data of its URLs and hosts that was fetched before now.
    """
    if not dry_run:
        refuse_from_now(database, scope.urls, scope.hosts)
    if scope.hosts:
        scope = replace(scope, urls=(*scope.urls, *stored_urls(database, scope.is_of_host)))
    for _ in range(_MOST_ROUNDS):
        known = set(scope.urls)
        with database.reading() as connection:
            scope = complete(connection, scope)
        new = [url for url in scope.urls if url not in known and not scope.is_of_host(url)]
        if dry_run or not new:
            break
        refuse_from_now(database, new)
    return scope


type Step = Callable[["Removal"], object]


def steps_of(database: Database, scope: Scope) -> Iterator[Step]:
    """Yield the steps that purge `scope`.

    The first URL, from which the others were found, is removed last, so that an interrupted purge can be repeated.
    """
    yield from _mentions(database, scope)
    for urls in chunks(scope.urls[:0:-1], _AT_ONCE):
        yield partial(Removal.remove_pages, urls=urls, later=scope.properties)
    if scope.properties:
        yield partial(Removal.rebuild_or_drop, property_ids=scope.properties)
    for url in scope.urls[:1]:
        yield partial(Removal.remove_pages, urls=[url])
    if scope.hosts:
        yield partial(Removal.drop_recipes, hosts=scope.hosts)


def _mentions(database: Database, scope: Scope) -> Iterator[Step]:
    urls = set(scope.urls)
    with database.reading() as connection:  # add pages that web searches cited for claims about the properties
        for some in chunks(scope.properties):
            urls |= set(connection.execute(select(Unverified.url).where(Unverified.property_id.in_(some))).scalars())
    searches = rows_of(database, LlmCache.urls, only=[_IS_SEARCH])
    for some in chunks([row.id for row in searches if names_page(row.urls, urls, scope)]):
        yield partial(Removal.drop, what=LlmCache, which=LlmCache.id.in_(some))
    askers = _askers(database, urls, scope)
    of_watches = ((column, column.is_not(None)) for column in (Watch.error_message, Watch.pause_reason))
    for column, which in ((Job.error_message, _HAS_ERROR), *of_watches, (JobAttempt.detail, _HAS_DETAIL)):
        texts = rows_of(database, column, only=[which])
        rows = [row for row in texts if row[0] in askers or names_page(row[-1], urls, scope)]
        for part in chunks(rows, _AT_ONCE):
            yield partial(Removal.drop_texts, column=column, rows=part)


def _askers(database: Database, urls: Set[str], scope: Scope) -> set[str]:
    """Return the ids of address jobs that asked a purged page, and of their watches.

    Their error messages may state what the page is about, without its URL.
    """
    attempts = rows_of(database, JobAttempt.job_id, JobAttempt.url, only=[JobAttempt.url.is_not(None)])
    jobs = {row.job_id for row in attempts if row.url in urls or scope.is_of_host(row.url)}
    with database.reading() as connection:
        for some in chunks(sorted(jobs)):
            watches = connection.execute(select(Job.watch_id).where(Job.id.in_(some), Job.watch_id.is_not(None)))
            jobs |= set(watches.scalars())
    return jobs


class Removal:
    """One step of a purge, in the caller's transaction.

    `removed` counts deleted rows by table. `job_ids` are the jobs whose results must also be deleted from Redis.
    """

    def __init__(self, database: Database, connection: Connection, *, dry_run: bool = False) -> None:
        self.database = database
        self.connection = connection
        self.dry_run = dry_run
        self.removed = Counter[str]()
        self.job_ids = set[str]()

    def drop(self, what: type[Base] | Table, which: ColumnElement[bool], *columns: Any) -> Sequence[Row[Any]]:
        """Delete and count the rows of `what` that match `which`. Return their `columns` (default: the primary key)."""
        table = what if isinstance(what, Table) else what.__table__
        statement = delete(table).where(which).returning(*columns or table.primary_key)
        rows = self.connection.execute(statement).all()
        self.removed[table.name] += len(rows)
        return rows

    def drop_texts(self, column: Any, rows: Sequence[Any]) -> None:
        """Replace texts of jobs and watches, or delete attempts, unless the text in `column` has changed meanwhile."""
        for row in rows:
            *key, text = row
            mine = and_(column == text, *(part == one for part, one in zip(column.table.primary_key, key, strict=True)))
            if column.table is JobAttempt.__table__:
                self.connection.execute(delete(JobAttempt).where(mine))
                continue
            self.connection.execute(update(column.table).where(mine).values({column.name: "This text was purged."}))
            self.job_ids |= set(key) if column.table is Job.__table__ else set()

    def remove_pages(self, urls: Sequence[str], later: Sequence[str] = ()) -> None:
        """Delete everything about `urls`. Rebuild or delete their properties, except those in `later`."""
        connection = self.connection
        stored = select(SourceRow).where(is_any(RECORD_URLS, urls))
        lock_pages(self.database, connection, [row.to_record() for row in entities(connection, stored)])
        jobs = select(Job.id).where(Job.target.in_(urls)).order_by(Job.id).with_for_update()
        self.job_ids |= set(connection.execute(jobs).scalars())
        property_ids = self._decided_on(urls)
        for table, columns in _PAGE_DATA.items():
            theirs = select(table.property_id).where(is_any(columns, urls)).distinct()
            property_ids |= set(connection.execute(theirs).scalars())
        lock_rows(connection, property_ids)
        hashes = self._drop_copies(urls)
        for table, columns in _PAGE_DATA.items():
            rows = self.drop(table, is_any(columns, urls), table.property_id, table.content_sha256)
            property_ids |= {row.property_id for row in rows}
            hashes |= {row.content_sha256 for row in rows}
        for other, columns in _NAMED.items():
            self.drop(other, is_any(columns, urls))
        named = (Change.urls.contains(f" {url} ", autoescape=True) for url in urls)
        self.drop(Change, and_(Change.property_id.in_(property_ids), or_(Change.url.in_(urls), *named)))
        self.drop_answers(hashes)
        batches = select(Job.batch_id).where(Job.id.in_(self.job_ids))
        connection.execute(update(Batch).where(Batch.id.in_(batches)).values(counts=None))
        self.drop(Job, Job.id.in_(self.job_ids))
        self._drop_decisions(urls)
        self.rebuild_or_drop(sorted(property_ids - set(later)))

    def _drop_copies(self, urls: Sequence[str]) -> set[str]:
        connection = self.connection
        mine = is_any([PageCopy.url, PageCopy.final_url], urls)
        copies = self.drop_copies(or_(mine, PageCopy.job_id.in_(self.job_ids)))
        connection.execute(update(Job).where(Job.reading_url.in_(urls)).values(reading_url=None))
        connection.execute(update(PageCopy).where(PageCopy.declared_url.in_(urls)).values(declared_url=None))
        return {row.sha256 for row in copies if not {row.url, row.final_url}.isdisjoint(urls)}

    def drop_copies(self, which: ColumnElement[bool]) -> Sequence[Row[Any]]:
        """Delete matching page copies, and their blobs if nothing else needs them."""
        rows = self.drop(PageCopy, which, PageCopy.url, PageCopy.final_url, PageCopy.sha256, PageCopy.text_sha256)
        self.drop_blobs({sha256 for row in rows for sha256 in (row.sha256, row.text_sha256)})
        return rows

    def drop_blobs(self, hashes: set[str]) -> None:
        self.removed[Blob.__tablename__] += len(drop_unused_blobs(self.connection, hashes))

    def drop_requests(self, which: ColumnElement[bool]) -> None:
        rows = self.drop(LlmRequest, which)
        wake(self.connection, [row.id for row in rows], self.database.clock.now())

    def drop_answers(self, hashes: Iterable[str]) -> None:
        self.drop_requests(LlmRequest.content_sha256.in_(hashes))
        self.drop(LlmCache, LlmCache.content_sha256.in_(hashes))
        self.drop(RecipeExample, RecipeExample.content_sha256.in_(hashes))

    def drop_recipes(self, hosts: Sequence[str]) -> None:
        for host in hosts:
            below = RecipeRow.host.endswith(f".{host}", autoescape=True)
            self.drop(RecipeRow, or_(RecipeRow.host.in_([host, host.removeprefix("www.")]), below))

    def _decided_on(self, urls: Sequence[str]) -> set[str]:
        """Return the properties of identity decisions on `urls`: their changes may show values of these pages."""
        decided = IdentityDecision.id.in_(select(IdentityPin.decision_id).where(IdentityPin.url.in_(urls)))
        named = (
            select(IdentityDecision.property_id).where(decided).union(select(IdentityDecision.other_id).where(decided))
        )
        today = select(func.coalesce(Property.merged_into, Property.id)).where(Property.id.in_(named))
        return set(self.connection.execute(today).scalars())

    def _drop_decisions(self, urls: Sequence[str]) -> None:
        ids = [row.decision_id for row in self.drop(IdentityPin, IdentityPin.url.in_(urls), IdentityPin.decision_id)]
        left = select(func.count(IdentityPin.side.distinct())).where(IdentityPin.decision_id == IdentityDecision.id)
        one_sided = IdentityDecision.id.in_(ids) & (left.scalar_subquery() < 2)
        self.connection.execute(delete(IdentityDecision).where(one_sided))

    def rebuild_or_drop(self, property_ids: Sequence[str]) -> None:
        """Rebuild properties that still have pages. Delete the other properties and the properties merged into them."""
        lock_rows(self.connection, property_ids)
        for property_id in property_ids:
            left = select(SourceRow.id).where(SourceRow.property_id == property_id).limit(1)
            if self.connection.execute(left).first() is None:
                merged = select(Property.id).where(Property.merged_into == property_id).with_for_update()
                merged_ids = self.connection.execute(merged).scalars().all()
                # last, because deleting the property also deletes the merged ones, which would not be counted
                for some in [*chunks(merged_ids), [property_id]]:
                    for table in _OF_PROPERTY:
                        self.drop(table, table.property_id.in_(some))
                    self.drop(Property, Property.id.in_(some))
            elif not self.dry_run:
                rebuild(self.database, self.connection, property_id)
