"""The service's one job: a target becomes a stored property.

Fetch, extract, ask the model for the rest, merge, store. Each costly step leaves a checkpoint, so that a job which
comes back after a wait or a crash fetches nothing twice and pays for nothing twice.
"""

from __future__ import annotations

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
from app.property.urls.targets import is_address, normalise_target
from app.services.runtime.retry import retry_on_store_error
from app.services.scraping.addresses import AddressScraper
from app.services.scraping.pages import (
    NOT_ENOUGH,
    Visit,
    count_fields,
    require_property,
    source_record,
    with_values,
)
from app.services.scraping.run import NO_JOB, Run
from app.services.scraping.search_walk import SearchOutcome, SearchWalker
from app.services.scraping.storing import Alias, ScrapeParts, Stored

log = logging.getLogger(__name__)

#: errors of a page of which nothing may be kept, and of a URL with a secret that there is not
_NOT_KEPT = (PurgedMeanwhileError, PageNamesPersonError, ConfigurationError)
#: how soon a job comes back whose page another one reads
_READ_ELSEWHERE_SECONDS = 2.0
#: what is shown of the property itself
_SHOWN = ("record", "evidence", "sources", "conflicts", "unverified")


@dataclass(frozen=True, slots=True)
class ScrapeOutcome(Stored):
    """The same, with the property as `PropertyStore.get` shows it."""

    record: dict[str, Any] = field(default_factory=dict)
    evidence: dict[str, Any] = field(default_factory=dict)
    sources: list[dict[str, Any]] = field(default_factory=list)
    conflicts: list[dict[str, Any]] = field(default_factory=list)
    unverified: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The shape of `propintel scrape` and `show`."""
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
    """Scrapes targets with the parts it is given; holds no state of its own and may be used from many threads."""

    def __init__(self, parts: ScrapeParts, addresses: AddressScraper, walker: SearchWalker) -> None:
        self._parts = parts
        self._addresses = addresses
        self._walker = walker

    def scrape(
        self, target: str, run: Run = NO_JOB, *, refresh: bool = False, asked_at: datetime | None = None
    ) -> ScrapeOutcome:
        """The property behind `target`, scraped unless a fresh one is stored and `refresh` is False.

        In the `run` of a job the page is the job's checkpoint, and the job ends as the property is stored. `asked_at`
        is when the job was asked for: what was read of its page since, by whichever of its URLs, is not refreshed
        again. Raises `WaitForBatch` in an economy run, `LeaseLostError` if the run has lost the job,
        `PageUnderWayError` while another job reads the same page, `InvalidTargetError`, fetch and page errors, errors
        of the database, and `openai.RateLimitError` if no key has room; then nothing but the checkpoint is stored. An
        address is scraped from its sources (`scraping/addresses.py`), which may raise `OutOfTimeError`.
        """
        outcome = cast(Stored, self.work(target, run, refresh=refresh, asked_at=asked_at, walks=False))
        shown = self._parts.properties.get(outcome.property_id)
        stored = {one.name: getattr(outcome, one.name) for one in fields(outcome)}
        return ScrapeOutcome(**stored, **{name: shown[name] for name in _SHOWN})

    def work(
        self, target: str, run: Run, *, refresh: bool = False, asked_at: datetime | None = None, walks: bool = True
    ) -> Stored | SearchOutcome:
        """The same, for somebody who does not look at the property. If it `walks`, a page of results brings its
        listings, as jobs, instead of a property, and raises what `SearchWalker.walk` does.
        """
        url, job_id = normalise_target(target), run.job_id
        if is_address(url):
            return self._addresses.scrape(url, run, refresh=refresh, asked_at=asked_at)
        now = self._parts.database.clock.now()
        known = None if refresh else self._parts.properties.fresh(url, now - self._parts.fresh)
        if known is not None:
            return self._parts.storing.fresh(run.lease, known, (url,))
        since = (asked_at or now) if refresh else now - self._parts.fresh
        try:
            visit = self._parts.visitors.visit(url, run, run.led_by)
            with bound(spending_batch, run.batch):  # model calls count against its budget
                outcome = self._result(url, visit, run, since, walks=walks)
        except PageError:
            if job_id is not None:
                self._parts.pages.forget_checkpoint(job_id)
            raise
        self._parts.end(run)
        return outcome

    def _result(self, url: str, visit: Visit, run: Run, since: datetime, *, walks: bool) -> Stored | SearchOutcome:
        """What was stored of this very page, else what it says."""
        unchanged = self._parts.storing.unchanged(run.lease, url, visit)
        if unchanged is not None:
            return unchanged
        self._take_reading(url, visit.page_url, run.lease)
        found = self._parts.recipes.read(visit.page)
        extraction = found.extraction
        index, is_search = self._parts.index, walks and extraction.kind is PageKind.SEARCH
        # where a property was read before, a listing that is gone shows others in its place on many sites
        if is_search and all(index.record_of(one) is None for one in {index.known_as(url) or url, visit.page_url}):
            return self._walker.walk(url, visit, extraction.reason, run)
        require_property(extraction)
        read = source_record(url, extraction, visit)
        known = index.record_of(visit.page_url)
        is_there = known is not None and known.record.url != url and known.is_whole and known.record.as_of > since
        if known is not None and is_there and says_nothing_new(read, known.record):
            return self._parts.storing.same_page(run.lease, read, known)
        if visit.canonical not in (None, url) and known is None and self._parts.index.record_of(url) is None:
            outcome = self._by_canonical(read, visit.canonical, run, since)
            if outcome is not None:
                return outcome
            self._take_reading(url, visit.page_url, run.lease)
            log.info("%s calls itself %s, which does not confirm it: it stays a page of its own", url, visit.canonical)
        return self._read(read, found, run)

    def _by_canonical(self, read: SourceRecord, canonical: str, run: Run, since: datetime) -> Stored | None:
        """The page at the URL that `read` declares, in place of it; None unless that page, fetched from there, agrees.
        Nothing of `read` is stored then: what one URL says never takes the place of what another one says."""
        self._take_reading(read.url, canonical, run.lease)
        known = self._parts.index.record_of(canonical)
        if known is not None and known.record.as_of > since:
            if not agrees(read, known.record):
                return None
            if known.is_whole:
                return self._parts.storing.same_page(run.lease, read, known)
        visit = self._canonical_visit(canonical, run)
        if visit is None or visit.page_url != canonical:
            return None
        found = self._parts.recipes.read(visit.page)
        itself = source_record(canonical, found.extraction, visit)
        if found.extraction.kind not in WITH_PROPERTY or not agrees(read, itself):
            return None
        alias = read, itself
        unchanged = self._parts.storing.unchanged(run.lease, canonical, visit, alias)
        return unchanged or self._read(itself, found, run, alias)

    def _canonical_visit(self, canonical: str, run: Run) -> Visit | None:
        """The page there; None if it cannot be had, which is no fault of the page that declares it. A job that may wait
        comes back for its turn."""
        try:
            return self._parts.visitors.visit(canonical, run)
        except (FetchError, PageError, InvalidTargetError, *_NOT_KEPT) as exc:
            if isinstance(exc, HostBusyError) and run.may_wait:
                raise
            log.info("%s, which a page calls itself, cannot be fetched: %s", canonical, exc)
            return None

    def _take_reading(self, url: str, page_url: str, lease: Lease | None) -> None:
        """Two jobs whose URLs are one page cost one reading: the second comes back for it."""
        index, clock = self._parts.index, self._parts.database.clock
        if lease is not None and not retry_on_store_error(lambda: index.take_reading(page_url, lease), clock):
            raise PageUnderWayError(url, page_url, _READ_ELSEWHERE_SECONDS)

    def _read(self, read: SourceRecord, found: RecipeReading, run: Run, alias: Alias | None = None) -> Stored:
        reading = self._parts.reader.read(found.extraction, run)
        if not set(reading.extraction.record.values) - NOT_ENOUGH:
            reason = "neither its markup nor its text names an address, a price or a fact"
            raise NoPropertyDataError(
                found.extraction.page.url, f"{reason}; {reading.note}" if reading.note else reason
            )
        record = with_values(read, reading.extraction)
        stored = self._parts.storing.page(run.lease, record, reading, alias)
        count_fields(record)
        self._parts.recipes.learn(found, reading)
        return stored
