"""One visit to a page: from the job's checkpoint, by asking its site whether what is kept still holds, or whole.

What is fetched is the target; which page answered, and which one that claims to be, is said beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit

from app.clock import Clock
from app.errors import PropertyIntelligenceError
from app.property.fetch.pace import Visitor
from app.property.page import Keeping, NotModified, Page
from app.property.reading_budget import reading
from app.property.sources.secrets import Veils, no_veil
from app.property.storage.pages.repository import PageStore
from app.property.storage.privacy.names import PurgedNames
from app.property.urls.canonical import answered_url, canonical_of
from app.services.reports.metrics.instruments import FETCH_SECONDS, PAGE_BYTES, PAGES
from app.services.runtime.retry import patiently
from app.services.scraping.run import Run
from app.services.watches.budget import page_charge
from app.tracing import span

#: how long a worker waits for a job's turn at a site; then the job leaves and comes back when it has one
_PATIENCE_SECONDS = 2.0


class PageSource(Protocol):
    """What a visit needs of a fetcher."""

    def fetch(self, url: str, visitor: Visitor | None = None) -> Page: ...

    def revisit(
        self, url: str, known: Callable[[str], Keeping | None], visitor: Visitor | None = None
    ) -> Page | NotModified: ...


@dataclass(frozen=True, slots=True)
class Visit:
    """A page, and the URL by which it is known: the one that answered.

    `canonical` is the URL that the page claims to be at, not confirmed; None: it claims no other.
    `confirmed_at` is when its site said that what is kept still holds; None: it came whole.
    """

    page: Page
    page_url: str
    confirmed_at: datetime | None = None
    canonical: str | None = None

    @property
    def as_of(self) -> datetime:
        """When its site last said that."""
        return max(self.confirmed_at or self.page.fetched_at, self.page.fetched_at)


class Visitors:
    """Visits pages for jobs and for whoever asks directly."""

    def __init__(
        self, fetcher: PageSource, pages: PageStore, clock: Clock, names: PurgedNames, veils: Veils = no_veil
    ) -> None:
        self._fetcher = fetcher
        self._veils = veils
        self._pages = pages
        self._names = names
        self._clock = clock

    def visit(self, url: str, run: Run, led_by: str | None = None) -> Visit:
        """The page at `url`, a target, without the names of people who were purged. With a job it is the job's
        checkpoint from now on.

        `led_by` is the URL that was asked for, whose page names this one ("": nobody knows which); None: this one was
        asked for. Networks that the operator opened are open to the host that was asked for alone. Raises
        `LeaseLostError` instead of asking for a page that the run may not store.
        """
        job_id = run.job_id
        self._names.require_nameless(url)
        with span("fetch", {"server.address": urlsplit(url).hostname}) as fetching:
            before = self._pages.checkpoint(job_id, url) if job_id is not None else None
            fetching.set({"propintel.from_checkpoint": before is not None})
            if before is not None:
                page, confirmed_at = before.page, before.confirmed_at
                PAGES.labels("checkpoint").inc()
                kept, page = page, self._nameless(page)
                if page is not kept:
                    self._keep(page, job_id, confirmed_at)
            else:
                run.require_lease()
                page, confirmed_at = self._fetched(url, _visitor(run, only_public=_is_led_away(url, led_by)))
                page = self._nameless(page)
                self._keep(page, job_id, confirmed_at)
            fetching.set(
                {
                    "http.response.body.size": len(page.body),
                    "propintel.not_modified": before is None and confirmed_at is not None,
                }
            )
        with reading(page.url, page.spent):
            return Visit(page, answered_url(page), confirmed_at, canonical_of(page))

    def _nameless(self, page: Page) -> Page:
        with reading(page.url, page.spent):
            return self._names.page_without(page)

    def _keep(self, page: Page, job_id: str | None, confirmed_at: datetime | None) -> None:
        patiently(lambda: self._pages.save_page(page, job_id, confirmed_at), self._clock)

    def _fetched(self, url: str, visitor: Visitor | None) -> tuple[Page, datetime | None]:
        """The page, and when its site confirmed it."""
        try:
            with FETCH_SECONDS.time():
                answer = self._answered(url, visitor)
                if isinstance(answer, NotModified):
                    kept = self._kept(answer)
                    if kept is not None:
                        PAGES.labels("not_modified").inc()
                        PAGE_BYTES.labels("spared").inc(len(kept.body))
                        return kept, answer.at
                    # what was asked about has gone meanwhile
                    answer = self._answered(url, visitor, anew=True)
        except PropertyIntelligenceError as exc:
            PAGES.labels(exc.code).inc()
            raise
        assert isinstance(answer, Page)  # noqa: S101 (whoever asks anew is not told that it still holds)
        PAGES.labels("fetched").inc()
        PAGE_BYTES.labels("received").inc(len(answer.body))
        return answer, None

    def _answered(self, url: str, visitor: Visitor | None, *, anew: bool = False) -> Page | NotModified:
        """The site's answer. A secret that `url` stands for is in the request alone."""
        veil = self._veils(url)
        if veil is None:
            fetcher, known = self._fetcher, self._pages.validators
            return fetcher.fetch(url, visitor) if anew else fetcher.revisit(url, known, visitor)
        opened = veil.opened(url)
        with veil.over_errors():
            answer: Page | NotModified
            if anew:
                answer = self._fetcher.fetch(opened, visitor)
            else:
                answer = self._fetcher.revisit(opened, lambda it: self._pages.validators(veil.closed(it)), visitor)
        return veil.answer(url, answer)

    def _kept(self, answer: NotModified) -> Page | None:
        return patiently(lambda: self._pages.still_holds(answer.url, answer.final_url), self._clock)


def _visitor(run: Run, *, only_public: bool) -> Visitor:
    """A job comes back by itself and shares a site evenly with other batches; whoever else asks waits for his turn."""
    if run.job_id is None:
        return Visitor(only_public=only_public)
    return Visitor(
        run.job_id, run.batch, _PATIENCE_SECONDS, comes_back=True, only_public=only_public, on_turn=page_charge()
    )


def _is_led_away(url: str, led_by: str | None) -> bool:
    return led_by is not None and urlsplit(url).hostname != urlsplit(led_by).hostname
