"""The service's one job: a target becomes a stored property.

Fetch, extract, ask the model for the rest, merge, store. Each costly step leaves a checkpoint, so that a job which
comes back after a wait or a crash fetches nothing twice and pays for nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

from app.clock import Clock
from app.errors import (
    InvalidTargetError,
    NoPropertyDataError,
    PageBlockedError,
    PageError,
    PageGoneError,
    PropertyIntelligenceError,
    SearchPageError,
)
from app.keypool.transport import spending_batch
from app.property.derived import DERIVED_FIELDS
from app.property.extract.base import Extraction
from app.property.extract.pipeline import extract
from app.property.fetch.pace import Visitor
from app.property.merge import SourceRecord
from app.property.page import Page
from app.property.record import Method, PageKind
from app.property.store import FRESH_DAYS, PageStore, PropertyStore, normalise_target
from app.services.metrics.instruments import FETCH_SECONDS, FIELDS_STORED, PAGES
from app.services.model_reading import ModelReader, ModelReading
from app.services.patience import patiently
from app.tracing import span

_UNUSABLE: Mapping[PageKind, type[PageError]] = {
    PageKind.BLOCKED: PageBlockedError,
    PageKind.GONE: PageGoneError,
    PageKind.SEARCH: SearchPageError,
}
#: what any web page can have: alone it makes no property
_NOT_ENOUGH = frozenset(
    {"OriginatingSystemName", "Country", "X_Currency", "Media", "PublicRemarks", "ListOfficeName", "ListAgentFullName"}
)
#: how long a worker waits for a job's turn at a site; then the job leaves and comes back when it has one
_PATIENCE_SECONDS = 2.0


class PageSource(Protocol):
    """What the scraper needs of a fetcher."""

    def fetch(self, url: str, visitor: Visitor | None = None) -> Page: ...


@dataclass(frozen=True, slots=True)
class ScrapeOutcome:
    """A stored property, as `PropertyStore.get` shows it.

    `kind` is what the scraped page is. `wanted_model` names the fields that the model was wanted for and not heard on,
    `model_note` says why (None if it was heard, or not needed). `was_fresh`: it was stored already.
    """

    property_id: str
    kind: PageKind
    record: dict[str, Any]
    evidence: dict[str, Any]
    sources: list[dict[str, Any]]
    conflicts: list[dict[str, Any]]
    wanted_model: tuple[str, ...] = ()
    model_note: str | None = None
    was_fresh: bool = False

    def as_json(self) -> dict[str, Any]:
        """The shape of `propintel scrape` and `show`."""
        return {
            "property": self.property_id,
            "kind": str(self.kind),
            "record": self.record,
            "evidence": self.evidence,
            "sources": self.sources,
            "conflicts": self.conflicts,
            "wanted_model": list(self.wanted_model),
            "model_note": self.model_note,
        }


class Scraper:
    """Scrapes targets with the parts it is given; holds no state of its own and may be used from many threads."""

    def __init__(
        self,
        *,
        fetcher: PageSource,
        pages: PageStore,
        properties: PropertyStore,
        reader: ModelReader,
        clock: Clock,
        fresh_days: float = FRESH_DAYS,
    ) -> None:
        self._fetcher = fetcher
        self._pages = pages
        self._properties = properties
        self._reader = reader
        self._clock = clock
        self._fresh = timedelta(days=fresh_days)

    def scrape(
        self, target: str, *, job_id: str | None = None, batch: str = "", refresh: bool = False
    ) -> ScrapeOutcome:
        """The property behind `target`, scraped unless a fresh one is stored and `refresh` is False.

        With `job_id` the page is the job's checkpoint; `batch` is whose budget pays for the model. Raises
        `InvalidTargetError`, fetch and page errors, errors of the database, and `openai.RateLimitError` if no key has
        room; then nothing but the checkpoint is stored.
        """
        url = normalise_target(target)
        known = None if refresh else self._properties.fresh(url, self._clock.now() - self._fresh)
        if known is not None:
            return self._outcome(*known, url, was_fresh=True)
        try:
            page = self._page(url, job_id, batch)
            with _paid_by(batch):
                reading = self._read(page)
        except PageError:
            if job_id is not None:
                self._pages.forget_checkpoint(job_id)
            raise
        extraction = reading.extraction
        record = _source_record(url, extraction)
        with span("store", {"propintel.values": len(record.values)}):
            property_id = patiently(
                lambda: self._properties.save_record(record, wanted_model=reading.unheard, model_note=reading.note),
                self._clock,
            )
        _count_fields(record)
        return self._outcome(property_id, extraction.kind, url)

    def _page(self, url: str, job_id: str | None, batch: str) -> Page:
        with span("fetch", {"server.address": urlsplit(url).hostname}) as fetching:
            page = self._pages.page_for_job(job_id, url) if job_id is not None else None
            fetching.set({"propintel.from_checkpoint": page is not None})
            if page is not None:
                PAGES.labels("checkpoint").inc()
            else:
                page = fetched = self._fetched(url, _visitor(job_id, batch))
                patiently(lambda: self._pages.save_page(fetched, job_id), self._clock)
            fetching.set({"http.response.body.size": len(page.body)})
        return page

    def _fetched(self, url: str, visitor: Visitor | None) -> Page:
        try:
            with FETCH_SECONDS.time():
                page = self._fetcher.fetch(url, visitor)
        except PropertyIntelligenceError as exc:
            PAGES.labels(exc.code).inc()
            raise
        PAGES.labels("fetched").inc()
        return page

    def _read(self, page: Page) -> ModelReading:
        with span("extract", {}) as extracting:
            extraction = extract(page)
            extracting.set({"propintel.page.kind": extraction.kind, "propintel.values": len(extraction.record.values)})
        unusable = _UNUSABLE.get(extraction.kind)
        if unusable is not None:
            raise unusable(page.url, extraction.reason)
        reading = self._reader.read(extraction)
        if not set(reading.extraction.record.values) - _NOT_ENOUGH:
            reason = "neither its markup nor its text names an address, a price or a fact"
            raise NoPropertyDataError(page.url, f"{reason}; {reading.note}" if reading.note else reason)
        return reading

    def _outcome(self, property_id: str, kind: PageKind, url: str, *, was_fresh: bool = False) -> ScrapeOutcome:
        shown = self._properties.get(property_id)
        source = next((source for source in shown["sources"] if source["url"] == url), None)
        return ScrapeOutcome(
            property_id=shown["property"],
            kind=kind,
            record=shown["record"],
            evidence=shown["evidence"],
            sources=shown["sources"],
            conflicts=shown["conflicts"],
            wanted_model=tuple(source["wanted_model"]) if source else (),
            model_note=source["model_note"] if source else None,
            was_fresh=was_fresh,
        )


@contextmanager
def _paid_by(batch: str) -> Iterator[None]:
    """Model calls of the block count against the budget of `batch`; empty: of none."""
    token = spending_batch.set(batch)
    try:
        yield
    finally:
        spending_batch.reset(token)


def _visitor(job_id: str | None, batch: str) -> Visitor | None:
    """A job comes back by itself and shares a site evenly with other batches; whoever else asks waits for his turn."""
    return Visitor(job_id, batch, _PATIENCE_SECONDS, comes_back=True) if job_id is not None else None


def _count_fields(stored: SourceRecord) -> None:
    for evidence in stored.evidence.values():
        FIELDS_STORED.labels("model" if evidence.method is Method.LLM else evidence.method.value).inc()


def _source_record(url: str, extraction: Extraction) -> SourceRecord:
    page, record = extraction.page, extraction.record
    try:
        final_url = normalise_target(page.final_url)
    except InvalidTargetError:
        final_url = url
    values = {name: value for name, value in record.values.items() if name not in DERIVED_FIELDS}
    return SourceRecord(
        url=url,
        final_url=final_url,
        kind=extraction.kind,
        content_sha256=page.sha256,
        fetched_at=page.fetched_at,
        values=values,
        evidence={name: record.evidence[name] for name in values},
    )
