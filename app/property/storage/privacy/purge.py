"""Removes all that is stored of a URL, a host, a property or an address: not hidden, gone from every table.

First hashes of what is purged are stored, and writers under way are waited for: from then on nothing that was fetched
before is stored (`suppressions.py`). Then it is found by index, and removed some pages at a time, each time with the
locks of their properties only. If it dies in the middle, the same purge again goes on: pages that lead to others are
removed last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, func, literal_column, or_, select, update

from app.property.storage import audit
from app.property.storage.database import Database
from app.property.storage.jobs.models import Batch as BatchRow
from app.property.storage.jobs.models import Job as JobRow
from app.property.storage.jobs.models import JobAttempt
from app.property.storage.llm.requests import wake
from app.property.storage.llm.tables import LlmCache, LlmRequest
from app.property.storage.pages.blobs import drop_unused_blobs
from app.property.storage.pages.tables import PageAlias, PageCopy
from app.property.storage.privacy.pii_catalog import HOLDINGS, Holding, Holds
from app.property.storage.privacy.scope import (
    Mentions,
    PurgeKind,
    Scope,
    complete,
    is_any,
    named_scope,
    rows_of,
    with_host_urls,
)
from app.property.storage.privacy.suppressions import refuse_from_now
from app.property.storage.properties.locks import lock_pages, lock_rows
from app.property.storage.properties.rebuild import rebuild
from app.property.storage.properties.rows import source_record
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
from app.property.storage.statements import chunks
from app.property.storage.watches.schedule import TICK

#: what is told of a purge, in rows
COUNTED = (
    "bodies",
    "records",
    "observations",
    "unverified",
    "properties",
    "model_answers",
    "model_requests",
    "searches",
    "jobs",
    "urls",
    "others",
)
#: URLs that go in one transaction, with the properties of their pages
_AT_ONCE = 10
#: what is known of a page may grow while it is looked for
_MOST_ROUNDS = 5
#: jobs whose errors tell of pages, in the spelling of their index
_TELLS_OF_PAGES = literal_column("error_code") == literal_column("'no_source'")
#: likewise
_TELLS_MORE = literal_column("detail") != literal_column("''")
_IS_SEARCH = literal_column("kind") == literal_column("'search'")


@dataclass(frozen=True, slots=True)
class Purged:
    """What went, in rows by what they are; `job_ids` are those whose results elsewhere go too."""

    removed: dict[str, int]
    job_ids: Sequence[str] = field(repr=False)

    @property
    def in_words(self) -> str:
        """What went, for a log."""
        return ", ".join(f"{count} {what}" for what, count in self.removed.items() if count) or "nothing was stored"


class PurgeStore:
    """Purges a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def purge(self, kind: PurgeKind, name: str, *, who: str, dry_run: bool) -> Purged:
        """Remove all that is stored of `name`: a URL, a host in small letters, a property's id, or an address: what was
        found for it, and the properties that are filed under it. `InvalidTargetError` for what is no URL or address.

        Done again it removes nothing more. Jobs for it are removed, those under way too: what they have in hand is
        refused (`PurgedMeanwhileError`). Who did so is recorded, and in numbers what went. A dry run is the same work
        in one transaction, undone at its end, so that its numbers are right.
        """
        database = self._database
        steps = steps_of(database, find(database, kind, name, dry_run=dry_run))
        purged = do(database, steps, dry_run=dry_run)
        if not dry_run:
            record_purge(database, who, kind, purged.removed)
        return purged


def record_purge(database: Database, who: str, kind: str, removed: Mapping[str, int]) -> None:
    """Record who purged what kind of thing, and in numbers what went."""
    now = database.clock.now()
    with database.writing() as connection:
        audit.record(connection, now, who, "purge", str(kind), removed=dict(removed))


def find(database: Database, kind: PurgeKind, name: str, *, dry_run: bool) -> Scope:
    """All that `name` means, of which nothing that was fetched before is stored any more (but for a dry run)."""
    scope = named_scope(kind, name)
    if not dry_run:
        refuse_from_now(database, scope.urls, scope.hosts)
    scope = with_host_urls(database, scope)
    for _ in range(_MOST_ROUNDS):
        known = set(scope.urls)
        with database.reading() as connection:
            scope = complete(connection, scope, at_address=kind is PurgeKind.ADDRESS)
        new = [url for url in scope.urls if url not in known and not scope.is_of_host(url)]
        if dry_run or not new:
            break
        refuse_from_now(database, new)
    return scope


# --- the parts of the work

type Step = Callable[["Removal"], None]


def steps_of(database: Database, scope: Scope) -> Iterator[Step]:
    """What has to be done for `scope`: each a short transaction, in an order in which it can be done again."""
    yield from _mentions(database, scope)
    for urls in chunks(scope.urls[:0:-1], _AT_ONCE):
        yield partial(Removal.remove_pages, urls=urls, later=scope.properties)
    if scope.properties:
        yield partial(Removal.mend, homes=scope.properties)
    for url in scope.urls[:1]:  # what was named leads to all the others
        yield partial(Removal.remove_pages, urls=[url])
    if scope.hosts:
        yield partial(Removal.drop_recipes, hosts=scope.hosts)


def do(database: Database, steps: Iterable[Step], *, dry_run: bool, counted: Sequence[str] = ()) -> Purged:
    """Do one step after the other; a dry run in one transaction, which is undone."""
    removed, job_ids = Counter[str](dict.fromkeys((*COUNTED, *counted), 0)), set[str]()

    def note(part: Removal) -> None:
        removed.update(part.removed)
        job_ids.update(part.job_ids)

    def work(step: Step, connection: Connection) -> Removal:
        if not dry_run:
            database.exclusively(connection, TICK)  # else a watch that goes with its page would ask for it once more
        part = Removal(database, connection, dry_run=dry_run)
        step(part)
        return part

    if dry_run:
        steps = list(steps)  # what has to be read is read outside of the transaction
        with database.writing() as connection:
            for step in steps:
                note(work(step, connection))
            connection.rollback()
    else:
        for step in steps:
            with database.turn():
                note(database.repeat(partial(work, step)))
    return Purged(dict(removed), sorted(job_ids))


def _mentions(database: Database, scope: Scope) -> Iterator[Step]:
    """Answers of searches that were for one of the targets or name one of the pages, and what jobs tell of them. What
    has words of these is read without a lock."""
    with database.reading() as connection:  # pages that a search named for the properties
        heard = select(Unverified.url).where(Unverified.property_id.in_(scope.properties))
        mentions = Mentions(scope, connection.execute(heard).scalars())
    searches = rows_of(database, LlmCache.urls, only=[_IS_SEARCH])
    named = [row.id for row in searches if mentions.are_in(row.urls)]
    told = rows_of(database, JobRow.error_message, only=[_TELLS_OF_PAGES])
    tells = [row for row in told if mentions.are_in(row.error_message)]
    details = rows_of(database, JobAttempt.detail, only=[_TELLS_MORE])
    hints = [row for row in details if mentions.are_in(row.detail)]
    for some in chunks(named):
        yield partial(Removal.drop, what="searches", table=LlmCache.__table__, which=LlmCache.id.in_(some))
    for column, rows in ((JobRow.error_message, tells), (JobAttempt.detail, hints)):
        for some in chunks(rows, _AT_ONCE):
            yield partial(Removal.forget_words, column=column, rows=some)


class Removal:
    """One part of a purge, in the caller's transaction. `removed` counts rows by `COUNTED`, and `job_ids` are those
    whose results elsewhere go too."""

    def __init__(self, database: Database, connection: Connection, *, dry_run: bool = False) -> None:
        self.database = database
        self.connection = connection
        self.dry_run = dry_run
        self.removed = Counter[str]()
        self.job_ids = set[str]()

    def drop(self, what: str, table: Table, which: ColumnElement[bool]) -> None:
        """Delete rows, and count them as `what`."""
        self.removed[what] += self.connection.execute(delete(table).where(which)).rowcount

    def forget_words(self, column: Any, rows: Sequence[Any]) -> None:
        """A job's error says no more what was tried; what it tells of one source goes, if it is still that."""
        for row in rows:
            *key, told = row
            mine = and_(column == told, *(part == one for part, one in zip(column.table.primary_key, key, strict=True)))
            if column.table is JobRow.__table__:
                untold = update(JobRow).where(mine).values(error_message="What was tried was purged since.")
                self.connection.execute(untold)
            else:
                self.connection.execute(delete(column.table).where(mine))

    def remove_pages(self, urls: Sequence[str], later: Sequence[str] = ()) -> None:
        """Remove all of `urls`. Properties of which pages are left say what these say; the others go, but for those
        that are looked at `later`."""
        stored = select(SourceRow).where(is_any(RECORD_URLS, urls))
        lock_pages(self.database, self.connection, [source_record(row) for row in self.connection.execute(stored)])
        asked = select(JobRow.id).where(JobRow.target.in_(urls)).order_by(JobRow.id).with_for_update()
        self.job_ids |= set(self.connection.execute(asked).scalars())
        said = (
            ("records", SourceRow.__table__, is_any(RECORD_URLS, urls)),
            ("observations", Observation.__table__, Observation.source_url.in_(urls)),
            ("unverified", Unverified.__table__, Unverified.url.in_(urls)),
        )
        homes = {
            home
            for _, table, which in said
            for home in self.connection.execute(select(table.c.property_id).where(which).distinct()).scalars()
        }
        lock_rows(self.connection, homes)
        hashes = self._drop_copies(urls)
        for name, table, which in said:
            sha256 = [table.c.content_sha256] if "content_sha256" in table.c else []
            rows = self.connection.execute(delete(table).where(which).returning(table.c.property_id, *sha256)).all()
            self.removed[name] += len(rows)
            homes |= {row[0] for row in rows}
            hashes |= {row[-1] for row in rows if sha256}
        self._drop_general(urls, sorted(homes | self._decided_on(urls)))
        self.drop_answers(sorted(hashes))
        self.drop("searches", LlmCache.__table__, LlmCache.target.in_(urls))
        theirs = select(JobRow.batch_id).where(JobRow.id.in_(self.job_ids))
        self.connection.execute(update(BatchRow).where(BatchRow.id.in_(theirs)).values(counts=None))
        self.drop("jobs", JobRow.__table__, JobRow.id.in_(self.job_ids))
        self._drop_decisions(urls)
        self.mend(sorted(homes - set(later)))

    def _drop_copies(self, urls: Sequence[str]) -> set[str]:
        """Copies of the pages and of what their jobs fetched, and by which URLs they are known; -> the hashes of the
        pages."""
        connection, fetched_by = self.connection, PageCopy.job_id.in_(self.job_ids)
        mine = (
            delete(PageCopy)
            .where(or_(is_any([PageCopy.url, PageCopy.final_url], urls), fetched_by))
            .returning(PageCopy.__table__)
        )
        copies = connection.execute(mine).all()
        bodies = {sha256 for row in copies for sha256 in (row.sha256, row.text_sha256)}
        self.removed["bodies"] += len(drop_unused_blobs(connection, bodies, counted=not self.dry_run))
        self.drop("urls", PageAlias.__table__, is_any([PageAlias.url, PageAlias.page_url], urls))
        connection.execute(update(JobRow).where(JobRow.reading_url.in_(urls)).values(reading_url=None))
        connection.execute(update(PageCopy).where(PageCopy.declared_url.in_(urls)).values(declared_url=None))
        return {row.sha256 for row in copies if not {row.url, row.final_url}.isdisjoint(urls)}

    def _drop_general(self, urls: Sequence[str], homes: Sequence[str]) -> None:
        """Rows of tables that need no code of their own (`Holding.in_general`): of the URLs and their jobs. A row that
        names several URLs goes with any of them; it is of one of the properties."""
        for held in _general():
            which = or_(is_any(held.of(Holds.TARGET), urls), is_any(held.of(Holds.JOB), self.job_ids))
            if lists := held.of(Holds.URLS):
                named = (column.contains(f" {url} ", autoescape=True) for column in lists for url in urls)
                which = and_(is_any(held.of(Holds.PROPERTY), homes), or_(which, *named))
            self.drop("others", held.table, which)

    def drop_requests(self, which: ColumnElement[bool]) -> None:
        """What models are still to be asked: a job that is left and waits for that asks anew."""
        gone = delete(LlmRequest).where(which).returning(LlmRequest.id)
        ids = self.connection.execute(gone).scalars().all()
        wake(self.connection, list(ids), self.database.clock.now())
        self.removed["model_requests"] += len(ids)

    def drop_answers(self, hashes: Sequence[str]) -> None:
        """What models were asked and said of bodies, and what recipes learned of them."""
        self.drop_requests(LlmRequest.content_sha256.in_(hashes))
        self.drop("model_answers", LlmCache.__table__, LlmCache.content_sha256.in_(hashes))
        self.drop("others", RecipeExample.__table__, RecipeExample.content_sha256.in_(hashes))

    def drop_recipes(self, hosts: Sequence[str]) -> None:
        """Those of the hosts and of all below them."""
        for host in hosts:
            below = RecipeRow.host.endswith(f".{host}", autoescape=True)
            self.drop("others", RecipeRow.__table__, or_(RecipeRow.host.in_([host, host.removeprefix("www.")]), below))

    def _decided_on(self, urls: Sequence[str]) -> set[str]:
        """Properties that were split or joined by pages among `urls`: their changes may still show what these said."""
        decided = IdentityDecision.id.in_(select(IdentityPin.decision_id).where(IdentityPin.url.in_(urls)))
        named = (
            select(IdentityDecision.property_id).where(decided).union(select(IdentityDecision.other_id).where(decided))
        )
        today = select(func.coalesce(Property.merged_into, Property.id)).where(Property.id.in_(named))
        return set(self.connection.execute(today).scalars())

    def _drop_decisions(self, urls: Sequence[str]) -> None:
        """Those on these pages. One with no page left on one of its sides keeps nothing apart or together: it goes."""
        gone = delete(IdentityPin).where(IdentityPin.url.in_(urls)).returning(IdentityPin.decision_id)
        ids = self.connection.execute(gone).scalars().all()
        self.removed["others"] += len(ids)
        left = select(func.count(IdentityPin.side.distinct())).where(IdentityPin.decision_id == IdentityDecision.id)
        one_sided = IdentityDecision.id.in_(ids) & (left.scalar_subquery() < 2)
        self.connection.execute(delete(IdentityDecision).where(one_sided))

    def mend(self, homes: Sequence[str]) -> None:
        """Properties of which pages are left say what these say; the others go."""
        lock_rows(self.connection, homes)
        for home in homes:
            left = select(SourceRow.id).where(SourceRow.property_id == home).limit(1)
            if self.connection.execute(left).first() is None:
                self._drop_property(home)
            elif not self.dry_run:  # it counts for nothing
                rebuild(self.database, self.connection, home)

    def _drop_property(self, home: str) -> None:
        """With what it replaced. Its keys go with it, and jobs forget it, by their foreign keys."""
        family = or_(Property.id == home, Property.merged_into == home)
        ids = self.connection.execute(select(Property.id).where(family).with_for_update()).scalars().all()
        for held in _general():
            self.drop("others", held.table, is_any(held.of(Holds.PROPERTY), ids))
        for name, table in (("observations", Observation.__table__), ("unverified", Unverified.__table__)):
            self.drop(name, table, table.c.property_id.in_(ids))
        self.drop("properties", Property.__table__, Property.id.in_(ids))


def _general() -> Iterator[Holding]:
    return (held for held in HOLDINGS if held.in_general)
