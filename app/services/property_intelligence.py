"""Scrape a target into a stored property: fetch, extract, ask the model for missing fields, merge, store.

Fetched pages and paid answers are stored at once, so that a job that waits or crashes does not repeat them.
"""

import logging
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, cast

from app.errors import ConfigurationError
from app.errors.fetching import FetchError, HostBusyError, PageUnderWayError
from app.errors.pages import NoPropertyDataError, PageError
from app.errors.purging import PageNamesPersonError, PurgedMeanwhileError
from app.errors.targets import InvalidTargetError
from app.keypool.retry_loop import bound, spending_batch
from app.property.merging.same_page import agrees, says_nothing_new
from app.property.recipes.using import RecipeReading
from app.property.record import WITH_PROPERTY, PageKind
from app.property.source_record import SourceRecord
from app.property.storage.jobs.leases import Lease
from app.property.storage.pages.index import KnownRecord
from app.property.urls.targets import is_address, normalize_target
from app.services.runtime.retry import retry_on_store_error
from app.services.scraping.addresses import AddressScraper
from app.services.scraping.pages import NOT_ENOUGH, Visit, count_fields, require_property, source_record, with_values
from app.services.scraping.run import NO_JOB, Run
from app.services.scraping.search_walk import SearchOutcome, SearchWalker
from app.services.scraping.storing import Alias, ScrapeParts, Stored

log = logging.getLogger(__name__)

#: Errors for a page that was purged, a URL that contains a purged name, and a URL whose secret is missing.
_NOT_STORED = (PurgedMeanwhileError, PageNamesPersonError, ConfigurationError)
#: Delay before a job is retried because another job is reading the same page.
_READ_ELSEWHERE_SECONDS = 2.0
_SHOWN = ("record", "evidence", "sources", "conflicts", "unverified")


@dataclass(frozen=True, slots=True)
class ScrapeOutcome(Stored):
    """A `Stored` result with data of the property, as `PropertyStore.get` returns it."""

    record: dict[str, Any] = field(default_factory=dict)
    evidence: dict[str, Any] = field(default_factory=dict)
    sources: list[dict[str, Any]] = field(default_factory=list)
    conflicts: list[dict[str, Any]] = field(default_factory=list)
    unverified: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the outcome as `propintel scrape` and `propintel properties show` print it."""
        return {
            "property": self.property_id,
            "page_from": str(self.page_from),
            "kind": str(self.kind),
            **{name: getattr(self, name) for name in _SHOWN},
            "wanted_model": list(self.wanted_model),
            "model_note": self.model_note,
            "tried": list(self.tried),
        }


class Scraper:
    """Stateless and thread-safe."""

    def __init__(self, parts: ScrapeParts, addresses: AddressScraper, walker: SearchWalker) -> None:
        self._parts = parts
        self._addresses = addresses
        self._walker = walker

    def scrape(
        self, target: str, run: Run = NO_JOB, *, refresh: bool = False, asked_at: datetime | None = None
    ) -> ScrapeOutcome:
        """Scrape `target` and return its property. Unless `refresh`, return a stored property if it is fresh enough.

        If `run` belongs to a job, the fetched page is stored as the job's checkpoint, and the job ends when the
        property is stored. With `refresh`, data from before `asked_at` (None: now) is not reused. For an address,
        scrape pages of the address's sources (`scraping/addresses.py`).

        Raises `WaitForBatch` in an economy run, `LeaseLostError` if the run's lease is lost, `PageUnderWayError` while
        another job reads the same page, `OutOfTimeError` if an address needs another run, `InvalidTargetError`, fetch
        and page errors, errors of the database, and `openai.RateLimitError` if no key has capacity. If it raises, it
        has stored at most a checkpoint and paid answers.
        """
        outcome = cast(Stored, self.store_target(target, run, refresh=refresh, asked_at=asked_at, walks=False))
        shown = self._parts.properties.get(outcome.property_id)
        stored = {one.name: getattr(outcome, one.name) for one in fields(outcome)}
        return ScrapeOutcome(**stored, **{name: shown[name] for name in _SHOWN})

    def store_target(
        self, target: str, run: Run, *, refresh: bool = False, asked_at: datetime | None = None, walks: bool = True
    ) -> Stored | SearchOutcome:
        """Do the same as `scrape`, but do not return the property's data.

        If `walks` is True and the target is a search page, create jobs for its new listings (`SearchWalker.walk`), and
        store no property. The errors of `walk` are also raised.
        """
        url, job_id = normalize_target(target), run.job_id
        if is_address(url):
            return self._addresses.scrape(url, run, refresh=refresh, asked_at=asked_at)
        now = self._parts.database.clock.now()
        since, reader = (asked_at or now) if refresh else now - self._parts.fresh, self._parts.reader
        known = None if refresh else self._parts.index.fresh(url, since, can_ask=reader.can_ask)
        if known is not None:
            return self._parts.storing.fresh(run.lease, known, (url,), why_silent=reader.why_silent)
        # a page that only waits for a model is not fetched again
        is_read = not refresh and self._parts.index.fresh(url, since, can_ask=False) is not None
        try:
            visit = self._parts.visitor.visit(url, run, run.led_by, kept_since=since if is_read else None)
            with bound(spending_batch, run.batch):  # charge model calls to the budget of the job's batch
                outcome = self._result(url, visit, run, since, walks=walks)
        except PageError:
            if job_id is not None:
                self._parts.pages.forget_checkpoint(job_id)
            raise
        self._parts.end(run)
        return outcome

    def _result(self, url: str, visit: Visit, run: Run, since: datetime, *, walks: bool) -> Stored | SearchOutcome:
        unchanged = self._parts.storing.unchanged(run.lease, url, visit, can_ask=self._parts.reader.can_ask)
        if unchanged is not None:
            return unchanged
        self._take_reading(url, visit.page_url, run.lease)
        found = self._parts.recipes.read(visit.page)
        extraction = found.extraction
        index, is_search = self._parts.index, walks and extraction.kind is PageKind.SEARCH
        # many sites show a search at the URL of a deleted listing, so the URL of a known property is never read as a
        # search
        if is_search and all(index.record_of(one) is None for one in {index.known_as(url) or url, visit.page_url}):
            return self._walker.walk(url, visit, extraction.reason, run)
        require_property(extraction)
        read = source_record(url, extraction, visit)
        known = index.record_of(visit.page_url)
        if known is not None and known.record.url != url and known.record.as_of > since and self._is_whole(known):
            is_same = says_nothing_new(read, known.record)
            if is_same:
                return self._parts.storing.same_page(run.lease, read, known)
        if visit.canonical not in (None, url) and known is None and self._parts.index.record_of(url) is None:
            outcome = self._by_canonical(read, visit.canonical, run, since)
            if outcome is not None:
                return outcome
            self._take_reading(url, visit.page_url, run.lease)
            log.info("%s declares the canonical URL %s, which does not confirm it", url, visit.canonical)
        return self._read(read, found, run)

    def _by_canonical(self, read: SourceRecord, canonical: str, run: Run, since: datetime) -> Stored | None:
        """Scrape the URL `canonical`, which the page of `read` declares.

        Return None if it cannot be fetched, or if its page has no property or does not agree with `read`. Otherwise,
        discard the values of `read`, because values from one URL must never replace values from another.
        """
        self._take_reading(read.url, canonical, run.lease)
        known = self._parts.index.record_of(canonical)
        if known is not None and known.record.as_of > since:
            if not agrees(read, known.record):
                return None
            if self._is_whole(known):
                return self._parts.storing.same_page(run.lease, read, known)
        visit = self._canonical_visit(canonical, read.final_url, run, since if known is not None else None)
        if visit is None or visit.page_url != canonical:
            return None
        found = self._parts.recipes.read(visit.page)
        itself = source_record(canonical, found.extraction, visit)
        if found.extraction.kind not in WITH_PROPERTY or not agrees(read, itself):
            return None
        alias = read, itself
        can_ask = self._parts.reader.can_ask
        unchanged = self._parts.storing.unchanged(run.lease, canonical, visit, alias, can_ask=can_ask)
        return unchanged or self._read(itself, found, run, alias)

    def _is_whole(self, known: KnownRecord) -> bool:
        return known.is_whole and not (known.waits and self._parts.reader.can_ask)

    def _canonical_visit(self, canonical: str, led_by: str, run: Run, kept_since: datetime | None) -> Visit | None:
        try:
            return self._parts.visitor.visit(canonical, run, led_by, kept_since=kept_since)
        except (FetchError, PageError, InvalidTargetError, *_NOT_STORED) as exc:
            if isinstance(exc, HostBusyError) and run.retries_after(exc):
                raise
            log.info("The canonical URL %s cannot be fetched: %s", canonical, exc)
            return None

    def _take_reading(self, url: str, page_url: str, lease: Lease | None) -> None:
        """Reserve the page at `page_url` for this job. Raises `PageUnderWayError` while another job reads it."""
        index, clock = self._parts.index, self._parts.database.clock
        if lease is not None and not retry_on_store_error(lambda: index.take_reading(page_url, lease), clock):
            raise PageUnderWayError(url, page_url, _READ_ELSEWHERE_SECONDS)

    def _read(self, read: SourceRecord, found: RecipeReading, run: Run, alias: Alias | None = None) -> Stored:
        reading = self._parts.reader.read(found.extraction, run)
        require_property(reading.extraction)  # the model may have found that the page lists several properties
        if not set(reading.extraction.record.values) - NOT_ENOUGH:
            reason = "neither its markup nor its text has an address, a price, or a fact"
            raise NoPropertyDataError(
                found.extraction.page.url, f"{reason}; {reading.note}" if reading.note else reason
            )
        record = with_values(read, reading.extraction)
        stored = self._parts.storing.page(run.lease, record, reading, alias)
        count_fields(record)
        self._parts.recipes.learn(found, reading)
        return stored
