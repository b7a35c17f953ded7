"""Read the result pages of a search, up to the last page or a limit.

A resumed run does not fetch pages again, because they are stored.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

from app.errors.fetching import FetchError
from app.errors.jobs import OutOfTimeError
from app.errors.pages import PageError, SearchPageError
from app.property.page import Page
from app.property.reading.budget import reading
from app.property.reading.search.links import Shape
from app.property.reading.search.pagination import is_same_search
from app.property.reading.search.reading import Results, read_results
from app.property.recipes.using import read_with
from app.property.record import PageKind
from app.property.storage.database import Database
from app.property.storage.jobs.found import LeftOut, Walked, finish_search
from app.property.storage.jobs.models import Job
from app.property.urls.site import site_of
from app.services.keys.store import can_ask_model
from app.services.runtime.retry import retry_on_store_error
from app.services.scraping.pages import PageVisitor, Visit, read_page
from app.services.scraping.run import PAGE_SECONDS, Run
from app.settings import Settings
from app.settings.areas import SearchSettings
from app.tracing import span

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SearchOutcome:
    """The listings of a search, and the jobs created for new ones. The caller must send the jobs to the broker."""

    walked: Walked
    made: Sequence[Job] = ()


class SearchWalker:
    """Reads the result pages of searches, up to the limits in `settings`. Thread-safe."""

    def __init__(self, database: Database, visitor: PageVisitor, settings: Settings) -> None:
        self._database = database
        self._visitor = visitor
        self._settings = settings
        self._bounds = settings.search

    def walk(self, url: str, visit: Visit, reason: str, run: Run) -> SearchOutcome:
        """Return the listings of a search. `visit` is the first page, already fetched; the next pages are fetched here.

        If the run belongs to a job, create jobs for new listings, and end the job. `reason` explains why the page is
        considered a search. Raises `SearchPageError` if no listing can be read, `OutOfTimeError` if the next run has to
        continue, transient fetch errors if the job may wait, and `LeaseLostError`.
        """
        page = visit.page
        parts = [urlsplit(one) for one in (url, page.final_url)]
        places = {((it.hostname or "").removeprefix("www."), it.path.rstrip("/").lower()) for it in parts}
        if len(places) > 1:  # many sites redirect a deleted listing to a search
            raise SearchPageError(url, f"{reason}; the requested page redirects to {page.final_url}")
        with reading(page.url, page.spent):
            results = read_results(page)
        if not results.listings and not results.says_none:
            raise SearchPageError(url, f"{reason}, and no link to a property was found")
        with span("search", {"server.address": urlsplit(url).hostname}) as walking:
            walk = _Walk(url, self._bounds, {url})
            walk.take(results)
            ended_by = self._go_on(walk, results, run)
            walking.set({"propintel.pages": walk.pages, "propintel.listings": len(walk.listings)})
        walked = Walked(tuple(walk.listings), dict(walk.left_out), walk.pages, ended_by)
        lease, quota = run.lease, self._settings.web.api_daily_targets_per_caller
        if lease is None:
            return SearchOutcome(walked)
        fresh_days, can_ask = self._settings.jobs.property_fresh_days, can_ask_model(self._settings)
        finish = partial(finish_search, fresh_days=fresh_days, can_ask=can_ask, daily_targets=quota)
        made = retry_on_store_error(lambda: finish(self._database, lease, walked), self._database.clock)
        return SearchOutcome(walked, made)

    def _go_on(self, walk: _Walk, results: Results, run: Run) -> str:
        while True:
            if results.next_url is None or results.next_url in walk.visited:
                return "last_page"
            if walk.is_full or walk.pages >= self._bounds.max_pages:
                return "max_listings" if walk.is_full else "max_pages"
            if not run.has(PAGE_SECONDS):
                return OutOfTimeError.code
            next_url = results.next_url
            try:
                page = self._visitor.visit(next_url, run, led_by=walk.url).page
            except (FetchError, PageError) as exc:
                if run.retries_after(exc):
                    raise
                log.warning("Search %s ends before page %d: %s", walk.url, walk.pages + 1, exc.code)
                return exc.code
            walk.visited |= {next_url, page.final_url}
            with reading(page.url, page.spent):
                results = read_results(page, walk.shapes)
            if not is_same_search(next_url, page.final_url):
                return _why_nothing(page, results, "other_search")
            if not walk.take(results):
                return _why_nothing(page, results, "nothing_new")


@dataclass
class _Walk:
    url: str
    bounds: SearchSettings
    visited: set[str]
    pages: int = 0
    listings: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    seen: set[str] = field(default_factory=set)
    shapes: frozenset[Shape] = frozenset()

    @property
    def is_full(self) -> bool:
        return len(self.listings) >= self.bounds.max_listings

    def take(self, results: Results) -> int:
        self.pages += 1
        self.shapes |= results.shapes
        new = [url for url in results.listings if url not in self.seen]
        paid_for = [url for url in results.paid_for if url not in self.seen and url not in new]
        self.seen.update(new, paid_for)
        self.left_out[LeftOut.SPONSORED] += len(paid_for)
        for url in new:
            host = urlsplit(url).hostname or ""
            if site_of(host) != site_of(urlsplit(self.url).hostname or "") and host not in self.bounds.listing_hosts:
                self.left_out[LeftOut.OTHER_SITE] += 1
            elif self.is_full:
                self.left_out[LeftOut.OVER_LIMIT] += 1
            else:
                self.listings.append(url)
        self.left_out = +self.left_out
        return len(new)


def _why_nothing(page: Page, results: Results, why: str) -> str:
    if results.listings:
        return why
    kind = read_page(page, lambda page: read_with(page, ())).extraction.kind
    return str(kind) if kind in (PageKind.BLOCKED, PageKind.GONE) else why
