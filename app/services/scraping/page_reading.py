"""From a visited page to what is stored of it, and what a scrape answers: the same for a URL and for an address."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from app.errors.pages import PageBlockedError, PageError, PageGoneError, SearchPageError
from app.errors.targets import InvalidTargetError
from app.keypool.retry_loop import spending_batch
from app.property.page import Page
from app.property.reading.base import Extraction
from app.property.reading_budget import reading
from app.property.recipes.using import RecipeReading
from app.property.record import DERIVED_FIELDS, FIELDS, Method, PageKind, SourceKind
from app.property.source_record import SourceRecord
from app.property.urls.rows import row_url
from app.property.urls.targets import normalise_target
from app.services.reports.metrics.instruments import FIELDS_STORED
from app.services.scraping.page_visits import Visit
from app.tracing import span

_UNUSABLE: Mapping[PageKind, type[PageError]] = {
    PageKind.BLOCKED: PageBlockedError,
    PageKind.GONE: PageGoneError,
    PageKind.SEARCH: SearchPageError,
}
#: what any web page can have: alone it makes no property
NOT_ENOUGH = frozenset(name for name, spec in FIELDS.items() if spec.anywhere)


@contextmanager
def paid_by(batch: str) -> Iterator[None]:
    """Model calls of the block count against the budget of `batch`; empty: of none."""
    token = spending_batch.set(batch)
    try:
        yield
    finally:
        spending_batch.reset(token)


def read_page(page: Page, read: Callable[[Page], RecipeReading]) -> RecipeReading:
    """What `read` says of the page without a model, whatever its kind, within what a page may cost.

    Raises `PageTooComplexError`.
    """
    with reading(page.url, page.spent), span("extract", {}) as extracting:
        found = read(page)
        values = len(found.extraction.record.values)
        extracting.set({"propintel.page.kind": found.extraction.kind, "propintel.values": values})
    return found


def read_rows(page: Page, read: Callable[[Page], list[RecipeReading]]) -> list[RecipeReading]:
    """What `read` says of each object of an answer that lists several properties, within what a page may cost.

    Raises `PageTooComplexError`.
    """
    with reading(page.url, page.spent), span("extract", {}) as extracting:
        rows = read(page)
        extracting.set({"propintel.rows": len(rows)})
    return rows


def require_property(extraction: Extraction) -> None:
    """Raises the `PageError` of a page that is of no property."""
    unusable = _UNUSABLE.get(extraction.kind)
    if unusable is not None:
        raise unusable(extraction.page.url, extraction.reason)


def source_record(
    url: str, extraction: Extraction, visit: Visit, source_kind: SourceKind | None = None
) -> SourceRecord:
    """What is stored of a page that was asked for as `url`; what one row of it says has a URL of its own."""
    page, page_url = extraction.page, visit.page_url
    try:
        final_url = normalise_target(page.final_url)
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
    """`record` with all that was read; what is derived is derived of the property. What a row says is said at its own
    URL."""
    found = extraction.record
    values = {name: value for name, value in found.values.items() if name not in DERIVED_FIELDS}
    evidence = {name: found.evidence[name] for name in values}
    if extraction.row is not None:
        evidence = {name: proof.model_copy(update={"source_url": record.url}) for name, proof in evidence.items()}
    for name, proof in evidence.items():
        if proof.method is Method.RECIPE:
            evidence[name] = proof.model_copy(update={"recipe": extraction.recipe})
    return replace(record, values=values, evidence=evidence)


def count_fields(stored: SourceRecord) -> None:
    for evidence in stored.evidence.values():
        FIELDS_STORED.labels("model" if evidence.method is Method.LLM else evidence.method.value).inc()
