"""Fetch the pages of URL and address jobs, read them without a model, and build their source records.

A page comes from the job's checkpoint, or is requested from the site, with validators if a copy is stored.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit

from app.clock import Clock
from app.errors import PropertyIntelligenceError
from app.errors.pages import NoSuchPropertyError, PageBlockedError, PageError, PageGoneError, SearchPageError
from app.errors.targets import InvalidTargetError
from app.property.fetch.guard.check import Permission, nowhere, origin_of
from app.property.fetch.pace.rules import Visitor
from app.property.page import CacheValidators, NotModified, Page
from app.property.reading.base import Extraction
from app.property.reading.budget import reading
from app.property.recipes.using import RecipeReading
from app.property.record import DERIVED_FIELDS, FIELDS, Method, PageKind, SourceKind
from app.property.source_record import SourceRecord
from app.property.sources.secrets import SecretsByUrl
from app.property.storage.pages.repository import PageStore
from app.property.storage.privacy.suppressions import PurgedNames
from app.property.urls.canonical import answered_url, canonical_of
from app.property.urls.rows import row_url
from app.property.urls.targets import normalize_target
from app.services.reports.metrics.instruments import FETCH_SECONDS, FIELDS_STORED, PAGE_BYTES, PAGES
from app.services.runtime.retry import retry_on_store_error
from app.services.scraping.run import Run
from app.services.watches.budget import page_charge
from app.tracing import span

#: If a site's rate limit requires a longer wait, the job is deferred, so that the worker need not wait.
_MAX_WAIT_SECONDS = 2.0
_UNUSABLE: Mapping[PageKind, type[PageError]] = {
    PageKind.BLOCKED: PageBlockedError,
    PageKind.GONE: PageGoneError,
    PageKind.SEARCH: SearchPageError,
    PageKind.NO_RESULT: NoSuchPropertyError,
}
#: Fields that do not show that a page is about a property, because any web page can have them.
NOT_ENOUGH = frozenset(name for name, spec in FIELDS.items() if spec.anywhere)


class PageSource(Protocol):
    def fetch(self, url: str, visitor: Visitor | None = None) -> Page: ...

    def revisit(
        self, url: str, known: Callable[[str], CacheValidators | None], visitor: Visitor | None = None
    ) -> Page | NotModified: ...


@dataclass(frozen=True, slots=True)
class Visit:
    """A fetched page. `page_url` is the URL that answered.

    `canonical` is another URL that the page declares as its canonical URL; it is not verified. `confirmed_at` is when
    the site confirmed the stored copy (304), or None if it sent the page.
    """

    page: Page
    page_url: str
    confirmed_at: datetime | None = None
    canonical: str | None = None

    @property
    def as_of(self) -> datetime:
        return max(self.confirmed_at or self.page.fetched_at, self.page.fetched_at)


class PageVisitor:
    """Fetches and stores pages. Thread-safe."""

    def __init__(
        self, fetcher: PageSource, pages: PageStore, clock: Clock, names: PurgedNames, secrets_by_url: SecretsByUrl
    ) -> None:
        self._fetcher = fetcher
        self._secrets_by_url = secrets_by_url
        self._pages = pages
        self._names = names
        self._clock = clock

    def visit(self, url: str, run: Run, led_by: str | None = None, *, kept_since: datetime | None = None) -> Visit:
        """Fetch and store the page at `url`, without the names of people whose data was purged.

        If the job has already stored the page (its checkpoint), that copy is used. With `kept_since`, so is a copy that
        any job has received or confirmed after that time.

        `led_by` is the URL of the page that links to `url` ("" if unknown), `url` itself if a watch repeats it or a web
        search cites it, or None if a caller or the operator gave `url`. A given URL may enter every private network
        that the operator allows. Other URLs may enter one only at the origin of `led_by`, and only if a given URL
        entered it there before. Raises `LeaseLostError`, without a request, if the run's lease is lost.
        """
        job_id = run.job_id
        self._names.require_nameless(url)
        with span("fetch", {"server.address": urlsplit(url).hostname}) as fetching:
            before = self._pages.checkpoint(job_id, url) if job_id is not None else None
            kept = self._pages.kept_since(url, kept_since) if before is None and kept_since is not None else None
            fetching.set({"propintel.from_checkpoint": before is not None})
            if (copy := before or kept) is not None:
                fetched, confirmed_at = copy.page, copy.confirmed_at
                PAGES.labels("kept" if before is None else "checkpoint").inc()
            else:
                run.require_lease()
                fetched, confirmed_at = self._fetched(url, _visitor(run, self._permission(url, led_by)))
            with reading(fetched.url, fetched.spent):
                page = retry_on_store_error(lambda: self._names.page_without(fetched), self._clock)
            if page is not fetched or (before is None and (kept is None or job_id is not None)):
                retry_on_store_error(lambda: self._pages.save_page(page, job_id, confirmed_at), self._clock)
            is_confirmed = copy is None and confirmed_at is not None
            fetching.set({"http.response.body.size": len(page.body), "propintel.not_modified": is_confirmed})
        with reading(page.url, page.spent):
            return Visit(page, answered_url(page), confirmed_at, canonical_of(page))

    def _permission(self, url: str, led_by: str | None) -> Permission:
        if led_by is None:
            return self._pages.open_origin
        origin = origin_of(url)
        return self._pages.is_opened if origin is not None and origin == origin_of(led_by) else nowhere

    def _fetched(self, url: str, visitor: Visitor) -> tuple[Page, datetime | None]:
        try:
            with FETCH_SECONDS.time():
                answer = self._answered(url, visitor)
                if isinstance(answer, NotModified):
                    kept = self._kept(answer)
                    if kept is not None:
                        PAGES.labels("not_modified").inc()
                        PAGE_BYTES.labels("spared").inc(len(kept.body))
                        return kept, answer.at
                    # the stored copy was deleted meanwhile
                    answer = self._answered(url, visitor, in_full=True)
        except PropertyIntelligenceError as exc:
            PAGES.labels(exc.code).inc()
            raise
        assert isinstance(answer, Page)  # noqa: S101 (an unconditional request never gets a 304)
        PAGES.labels("fetched").inc()
        PAGE_BYTES.labels("received").inc(len(answer.body))
        return answer, None

    def _answered(self, url: str, visitor: Visitor, *, in_full: bool = False) -> Page | NotModified:
        """Fill in secrets in `url` for the request, and remove them from the answer and from errors."""
        fetcher, known, secrets = self._fetcher, self._pages.validators, self._secrets_by_url(url)
        if secrets is None:
            return fetcher.fetch(url, visitor) if in_full else fetcher.revisit(url, known, visitor)
        opened = secrets.reveal(url)
        with secrets.hidden_in_errors():
            answer: Page | NotModified
            if in_full:
                answer = fetcher.fetch(opened, visitor)
            else:
                answer = fetcher.revisit(opened, lambda it: known(secrets.hide(it)), visitor)
        return secrets.answer(url, answer)

    def _kept(self, answer: NotModified) -> Page | None:
        return retry_on_store_error(lambda: self._pages.still_holds(answer.url, answer.final_url), self._clock)


def _visitor(run: Run, may_enter: Permission) -> Visitor:
    if run.job_id is None:
        return Visitor(may_enter=may_enter)
    return Visitor(run.job_id, run.batch, _MAX_WAIT_SECONDS, can_defer=True, may_enter=may_enter, on_slot=page_charge())


def read_page[T: RecipeReading | list[RecipeReading]](page: Page, read: Callable[[Page], T]) -> T:
    """Return `read(page)`. Raises `PageTooComplexError` if reading takes too much CPU time or memory."""
    with reading(page.url, page.spent), span("extract", {}) as extracting:
        found = read(page)
        if isinstance(found, list):
            extracting.set({"propintel.rows": len(found)})
        else:
            values = len(found.extraction.record.values)
            extracting.set({"propintel.page.kind": found.extraction.kind, "propintel.values": values})
    return found


def require_property(extraction: Extraction) -> None:
    """Raise a `PageError` if the page is blocked or gone, a search, or its answer that nothing was found."""
    if (unusable := _UNUSABLE.get(extraction.kind)) is not None:
        raise unusable(extraction.page.url, extraction.reason)


def source_record(
    url: str, extraction: Extraction, visit: Visit, source_kind: SourceKind | None = None
) -> SourceRecord:
    """Return the record of a page requested as `url`. If it is about one row of the page, it has the row's URL."""
    page, page_url = extraction.page, visit.page_url
    try:
        final_url = normalize_target(page.final_url)
    except InvalidTargetError:
        final_url = url
    named = row_url(page_url, extraction.record.values) if extraction.row is not None else None
    if named is not None:
        url = final_url = page_url = named
    bare = SourceRecord(
        url=url,
        final_url=final_url,
        kind=extraction.kind,
        content_sha256=page.sha256,
        fetched_at=page.fetched_at,
        values={},
        evidence={},
        page_url=page_url,
        checked_at=visit.confirmed_at,
        source_kind=source_kind,
    )
    return with_values(bare, extraction)


def with_values(record: SourceRecord, extraction: Extraction) -> SourceRecord:
    """Return `record` with the extracted values. Derived fields are omitted, because they are computed after merging.

    If the record is about one row of the page, its evidence has the row's URL.
    """
    found, evidence = extraction.record, {}
    values = {name: value for name, value in found.values.items() if name not in DERIVED_FIELDS}
    for name in values:
        changes = {"source_url": record.url} if extraction.row is not None else {}
        if found.evidence[name].method is Method.RECIPE:
            changes["recipe"] = extraction.recipe
        evidence[name] = found.evidence[name].model_copy(update=changes) if changes else found.evidence[name]
    return replace(record, values=values, evidence=evidence)


def count_fields(stored: SourceRecord) -> None:
    for evidence in stored.evidence.values():
        FIELDS_STORED.labels("model" if evidence.method is Method.LLM else evidence.method.value).inc()
