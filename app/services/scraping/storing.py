"""Store the result of a run and end its job, in one transaction, which requires the run's lease.

A run that has lost its lease leaves only fetched pages and paid answers, which the next run reuses. `propintel scrape`
has no job and no lease.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection

from app.errors.purging import PurgedMeanwhileError
from app.property.reading.edition import edition
from app.property.record import PageKind
from app.property.source_record import SourceRecord
from app.property.storage.database import Database
from app.property.storage.jobs.attempts import put_tried
from app.property.storage.jobs.leases import Lease, finish, hold
from app.property.storage.jobs.models import JobAttempt, PageFrom
from app.property.storage.pages.index import KnownRecord, PageIndex, Seen, note_same
from app.property.storage.pages.repository import PageStore
from app.property.storage.privacy.suppressions import PURGE
from app.property.storage.properties.locks import lock_pages
from app.property.storage.properties.rebuild import canonical_id
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.properties.source_records import note_why_silent, put_claims, wanted_of
from app.property.storage.properties.tables import Unverified
from app.property.urls.rows import answer_of
from app.services.reports.metrics.instruments import RESULTS
from app.services.runtime.retry import retry_on_store_error
from app.services.scraping.model_reading import ModelReader, ModelReading
from app.services.scraping.pages import PageVisitor, Visit
from app.services.scraping.recipes import Recipes
from app.services.scraping.run import Run
from app.tracing import span

if TYPE_CHECKING:
    from app.services.scraping.source_reading import SourceReader

#: Id of a property, and kind of the scraped page.
Found = tuple[str, PageKind]
#: The record of a URL, and the record of the page that this URL leads to.
Alias = tuple[SourceRecord, SourceRecord]


@dataclass(frozen=True, slots=True)
class Stored:
    """The result of a scrape that found a property.

    `kind` is the kind of the scraped page, and `page_from` is where the property came from. `wanted_model` lists the
    fields that the model has not answered, and `model_note` says why. For an address, `tried` has the outcome of each
    source.
    """

    property_id: str
    kind: PageKind
    page_from: PageFrom
    wanted_model: tuple[str, ...] = ()
    model_note: str | None = None
    tried: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class ScrapeParts:
    """The dependencies of scrapes. A property scraped less than `fresh` ago is not scraped again."""

    database: Database
    visitor: PageVisitor
    pages: PageStore
    index: PageIndex
    properties: PropertyStore
    reader: ModelReader
    recipes: Recipes
    storing: Storing
    fresh: timedelta

    def end(self, run: Run) -> None:
        """Delete those stored pages of the run's job that the site forbids storing (`Cache-Control: no-store`)."""
        job_id = run.job_id
        if job_id is not None:
            retry_on_store_error(lambda: self.pages.drop_unkept(job_id), self.database.clock)


class Storing:
    """Stores the results of runs. Thread-safe.

    If the `lease` is lost, all methods raise `LeaseLostError` and store nothing.
    """

    def __init__(self, database: Database, properties: PropertyStore) -> None:
        self._database = database
        self._properties = properties
        self._index = PageIndex(database)

    def fresh(
        self, lease: Lease | None, found: Found, urls: Iterable[str] | None = None, *, why_silent: str | None = None
    ) -> Stored:
        """End the run's job with a stored property that is still fresh. `urls` are those of its pages that were asked
        for (None: all).

        `why_silent` is why no model can be asked now. Pages that wait for a model get it as their note.
        """

        def work(connection: Connection) -> Found:
            if why_silent is not None:
                note_why_silent(connection, found[0], why_silent)
            return found

        return cast(Stored, self._end(lease, PageFrom.STORED, work, urls))

    def same_page(self, lease: Lease | None, read: SourceRecord, known: KnownRecord) -> Stored:
        """End the job with the property of `known`, and record that the URL of `read` leads to the same page."""
        found, alias = (known.property_id, known.record.kind), (read, known.record)
        return cast(Stored, self._end(lease, PageFrom.SAME_PAGE, lambda _: found, (read.url,), alias=alias))

    def unchanged(
        self, lease: Lease | None, url: str, visit: Visit, alias: Alias | None = None, *, can_ask: bool = True
    ) -> Stored | None:
        """If page and extractors (`edition`) are unchanged, confirm the record and end the job.

        Else return None, also if the record waits for a model and one `can_ask`.
        """
        seen = Seen(url, visit.page_url, visit.page.sha256, edition(), can_ask)
        if not self._index.is_confirmed_by(seen):
            return None
        confirm = partial(self._properties.confirm, seen=seen, at=visit.as_of)
        return self._end(lease, PageFrom.UNCHANGED, confirm, (url, visit.page_url), alias=alias)

    def page(
        self, lease: Lease | None, record: SourceRecord, reading: ModelReading, alias: Alias | None = None
    ) -> Stored:
        def work(connection: Connection) -> Found:
            return self._save(connection, record, reading), record.kind

        with span("store", {"propintel.values": len(record.values)}):
            return cast(Stored, self._end(lease, PageFrom.SITE, work, (record.url,), [record], alias=alias))

    def address(
        self,
        lease: Lease | None,
        reader: SourceReader,
        notes: Mapping[str, ModelReading],
        claims: Sequence[Unverified],
        asked_at: datetime,
    ) -> Stored | None:
        """Store all records that `reader` has read about an address, and end the job with their property.

        `notes` are the model's readings by URL, and `claims` are unverified claims of a web search. Pages that were
        purged meanwhile are removed from `reader`. If no page is left, store nothing and return None.
        """

        def work(connection: Connection) -> Found | None:
            property_id: str | None = None
            for one in list(reader.read):
                reading = notes.get(one.record.url, ModelReading(one.extraction))
                try:
                    saved = self._save(connection, one.record, reading, property_id)
                except PurgedMeanwhileError as exc:
                    reader.drop(one, exc)
                    continue
                property_id = property_id or saved
            if property_id is None:
                return None
            read = [answer_of(url) for one in reader.read for url in (one.record.url, one.record.final_url)]
            put_claims(self._database, connection, canonical_id(connection, property_id), claims, read=read)
            if lease is not None:
                put_tried(self._database, connection, lease.job_id, reader.tried, asked_at)
            return property_id, reader.read[0].record.kind

        with span("store", {"propintel.pages": len(reader.read)}):
            records = [one.record for one in reader.read]
            return self._end(lease, PageFrom.SITE, work, [one.url for one in records], records)

    def tried(self, lease: Lease, tried: Sequence[JobAttempt], asked_at: datetime) -> None:
        """Store the outcomes of all sources of an address for which no property was found. The job then fails."""

        def work(connection: Connection) -> None:
            self._database.advisory_lock(connection, PURGE, shared=True)
            hold(connection, lease)
            put_tried(self._database, connection, lease.job_id, tried, asked_at)

        self._transaction(work)

    def _end(
        self,
        lease: Lease | None,
        page_from: PageFrom,
        work: Callable[[Connection], Found | None],
        urls: Iterable[str] | None,
        records: Sequence[SourceRecord] = (),
        *,
        alias: Alias | None = None,
    ) -> Stored | None:
        now = self._database.clock.now()

        def transaction(connection: Connection) -> Stored | None:
            lock_pages(self._database, connection, records)
            if lease is not None:
                hold(connection, lease)
            found = work(connection)
            if found is None:
                return None
            if alias is not None:
                note_same(connection, *alias)
            property_id = canonical_id(connection, found[0])
            wanted, note = wanted_of(connection, property_id, urls)
            if lease is not None:
                finish(connection, lease, now, property_id, wanted_model=wanted, model_note=note, page_from=page_from)
            return Stored(property_id, found[1], page_from, wanted, note)

        stored = self._transaction(transaction)
        if stored is not None:
            RESULTS.labels(str(page_from)).inc()
        return stored

    def _save(
        self, connection: Connection, record: SourceRecord, reading: ModelReading, related: str | None = None
    ) -> str:
        return self._properties.save(
            connection,
            record,
            wanted_model=reading.unanswered,
            model_note=reading.note,
            asks_again=reading.asks_again,
            edition=edition(),
            related=related,
        )

    def _transaction[T](self, work: Callable[[Connection], T]) -> T:
        return retry_on_store_error(lambda: self._database.repeat(work), self._database.clock)
