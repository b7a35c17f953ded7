"""Read candidate pages for an address without calling a model, and keep the pages about that address.

Pages and failures are stored, so that a resumed run requests only the other pages. After a transient error, the other
pages are still read, and the job's next run requests the failed page again.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from app.errors import ConfigurationError, PropertyIntelligenceError
from app.errors.fetching import BlockedAddressError, BlockedPortError, FetchError, HostBusyError, HttpStatusError
from app.errors.jobs import OutOfTimeError
from app.errors.pages import NoSuchPropertyError, PageBlockedError, PageError, PageTooComplexError
from app.errors.purging import PageNamesPersonError, PurgedMeanwhileError
from app.errors.targets import InvalidTargetError
from app.property.address import Address
from app.property.fields.table import of_kind
from app.property.merging.identity import PARCEL, plain_parcel_of
from app.property.page import Page
from app.property.reading.base import Extraction
from app.property.reading.budget import reading
from app.property.reading.search.reading import nothing_found
from app.property.recipes.using import RecipeReading
from app.property.record import WITH_PROPERTY, PageKind, SourceKind
from app.property.source_record import SourceRecord, independent
from app.property.sources.address_match import Verdict, match_address
from app.property.sources.config import Source
from app.property.sources.results import find_link
from app.property.sources.rows import choose
from app.property.storage.jobs.attempts import failed_pages, note_failed_page
from app.property.storage.jobs.models import OTHER, OUTSIDE, SAME_PAGE, SKIPPED, UNKNOWN, USED, JobAttempt
from app.property.values.texts import plain_parcel
from app.services.reports.metrics.instruments import SOURCES
from app.services.runtime.retry import retry_on_store_error
from app.services.scraping.pages import NOT_ENOUGH, Visit, require_property, source_record, with_values
from app.services.scraping.run import PAGE_SECONDS, Run
from app.services.scraping.storing import ScrapeParts

#: Maximum number of attempts to fetch a page that fails with transient errors.
_MOST_TRIES = 2
#: Codes of errors after which a URL does not count as an unreadable page.
_NO_PAGE = frozenset({BlockedAddressError.code, BlockedPortError.code, InvalidTargetError.code})
#: Fields that a page without results may have, because it or its URL repeats what was asked for.
_ASKED_FOR = frozenset(of_kind("address", "place", "identifier"))
#: Kinds of sources whose parcel numbers are preferred, best first.
_PARCEL_KINDS = (SourceKind.ASSESSOR, SourceKind.GIS, SourceKind.TAX_ROLL, SourceKind.PERMITS)


class Asked(NamedTuple):
    """A source and the URL of its page.

    If `place_is_known`, the source covers only one area, so its pages need not name the town. `allows` returns whether
    a page on a host may be used after redirects; None allows all hosts. `led_by` is the URL of the page that links to
    `url`, `url` itself if a web search cites it, or None if the operator's file names its host.
    """

    source: str
    kind: SourceKind | None
    url: str
    place_is_known: bool = True
    allows: Callable[[str], bool] | None = None
    led_by: str | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """A page about the address, read without a model."""

    asked: Asked
    extraction: Extraction
    visit: Visit
    record: SourceRecord
    found: RecipeReading


class SourceReader:
    """Reads pages about `address`. Pages that were received or confirmed after `kept_since` are not fetched again."""

    def __init__(self, address: Address, run: Run, parts: ScrapeParts, kept_since: datetime | None = None) -> None:
        self._address = address
        self.run = run
        self._parts = parts
        self._kept_since = kept_since
        self._begun_at = parts.database.clock.now()
        self._before = failed_pages(parts.database, run.job_id) if run.job_id is not None else {}
        self._seen: set[str] = set()
        self.read: list[Read] = []
        self.tried: list[JobAttempt] = []
        self.unreadable: set[str] = set()
        self._open: list[PropertyIntelligenceError] = []
        #: Pages whose rows can only be chosen when the parcel number is known.
        self._undecided: list[tuple[Asked, Visit, Sequence[RecipeReading]]] = []

    @property
    def has_begun(self) -> bool:
        return bool(self._before)

    @property
    def source_count(self) -> int:
        """The number of independent sources. Pages of one owner count once, unless their known source kinds differ."""
        return len(independent(one.record.voter for one in self.read))

    def parcel_number(self) -> str | None:
        """Return the parcel number that the best kind of source gives, or None."""
        ranks: dict[SourceKind | None, int] = {kind: rank for rank, kind in enumerate(_PARCEL_KINDS)}
        by_kind = sorted((one.record for one in self.read), key=lambda one: ranks.get(one.source_kind, len(ranks)))
        return next((str(number) for one in by_kind if (number := one.values.get(PARCEL))), None)

    def require_all(self) -> None:
        """If pages must be retried, raise the error of one of them.

        Of several `HostBusyError`, raise the one with the shortest wait, after which the job is retried.
        """
        if busy := [one for one in self._open if isinstance(one, HostBusyError)]:
            raise min(busy, key=lambda one: float(one.facts["retry_after_seconds"]))
        if self._open:
            raise self._open[0]

    def ask(self, source: Source, ways: Sequence[Mapping[str, str]]) -> None:
        """Read the source's page about the address. `ways` are values for its URL template, by street spelling.

        If there is no page about the address under one spelling, the next is tried.
        """
        for values in ways:
            if missing := source.template.missing(values):
                reason = f"it needs {', '.join(missing)}, which is unknown for this address"
                self.skip(source.name, source.kind, None, SKIPPED, reason)
                return
            try:
                url = source.template.url(values)
            except InvalidTargetError as exc:
                self.skip(source.name, source.kind, None, exc.code, str(exc))
                return
            if self.visit(Asked(source.name, source.kind, url)):
                return

    def skip(self, source: str, kind: SourceKind | None, url: str | None, outcome: str, detail: str) -> None:
        SOURCES.labels(str(kind) if kind else "unknown", outcome).inc()
        self.tried.append(JobAttempt(source, kind, url, outcome, detail))

    def visit(self, asked: Asked) -> bool:
        """Read a page. Return False if another URL of the same source should be tried."""
        if asked.url in self._seen:
            return False
        self._seen.add(asked.url)
        visit = self._visited(asked)
        if isinstance(visit, bool):
            return visit
        final = urlsplit(visit.page.final_url)
        if asked.allows is not None and not asked.allows(final.hostname or ""):
            self._note(asked, OUTSIDE, f"it redirects to {final.hostname or ''}, which is not an allowed domain")
            return True
        if asked.allows is not None and final.netloc != urlsplit(asked.url).netloc:
            asked = asked._replace(kind=None)  # the kind describes the cited host, but another host answered
        try:
            found = self._parts.recipes.read(visit.page)
            if found.extraction.kind is PageKind.SEARCH and (
                rows := self._parts.recipes.read_rows(visit.page, self._may_be_of_address)
            ):
                return self._judge_rows(asked, visit, rows)
            record = source_record(asked.url, found.extraction, visit, asked.kind)
            return self._judge(Read(asked, found.extraction, visit, record, found))
        except PageTooComplexError as exc:
            self._fail(asked, exc)
            return True

    def _visited(self, asked: Asked) -> Visit | bool:
        """Return the page. If it cannot be read, note why, and return whether to skip the source's other URLs."""
        url, known = asked.url, self._before.get(asked.url)
        if known is not None and known.is_final:
            self._cannot_be_read(url, known.outcome)
            self._note(asked, known.outcome, known.detail)
            return known.outcome != HttpStatusError.code
        if not self.run.has(PAGE_SECONDS):
            self._note(asked, OutOfTimeError.code, "no time was left for it")
            return True
        try:
            return self._parts.visitor.visit(url, self.run, asked.led_by, kept_since=self._kept_since)
        # the URL may contain a purged name, so do not store it
        except (PurgedMeanwhileError, PageNamesPersonError) as exc:
            self.skip(asked.source, asked.kind, None, exc.code, str(exc))
        except ConfigurationError as exc:  # a secret of this source is missing
            self._note(asked, SKIPPED, str(exc))
        except (FetchError, PageError, InvalidTargetError) as exc:
            self._fail(asked, exc)
            return exc.code != HttpStatusError.code
        return True

    def _judge(self, found: Read) -> bool:
        asked, extraction, record, page = found.asked, found.extraction, found.record, found.visit.page
        match = match_address(record.values, self._address, self._parcels(), place_is_known=asked.place_is_known)
        values = set(record.values) - NOT_ENOUGH
        says_none = self._says_none(page, extraction, values)
        holds = extraction.kind in WITH_PROPERTY and bool(values) and says_none is None
        if holds and match.is_wanted:
            self._keep(found, match.reason)
            return True
        if asked.led_by in (None, asked.url) and extraction.kind is not PageKind.BLOCKED:
            with reading(page.url, page.spent):
                link = find_link(page, self._address)
            if link is not None:
                return self.visit(asked._replace(url=link, led_by=asked.url))
        try:
            if says_none is not None:
                raise NoSuchPropertyError(asked.url, says_none)
            require_property(extraction)
        except PageError as exc:
            is_blocked = isinstance(exc, PageBlockedError)
            if is_blocked:
                self._cannot_be_read(record.url, exc.code)
            self._note(asked, exc.code, _detail(exc, asked.url))
            return is_blocked
        self._note(asked, OTHER if match.verdict is Verdict.OTHER else UNKNOWN, match.reason)
        return False

    def _says_none(self, page: Page, extraction: Extraction, values: AbstractSet[str]) -> str | None:
        """Return the words with which a page says that it has no such property, or None.

        A page with facts has one. A page may repeat the address that was asked for.
        """
        is_property = extraction.kind in WITH_PROPERTY
        if extraction.kind is PageKind.BLOCKED or (is_property and not values <= _ASKED_FOR):
            return None
        with reading(page.url, page.spent):
            return nothing_found(page, is_about_one=is_property and bool(values))

    def _may_be_of_address(self, text: str) -> bool:
        number = self._address.street_number
        if not number:
            return True
        named = re.search(rf"(?<!\w){re.escape(number.split()[0])}(?!\w)", text, re.IGNORECASE)
        return named is not None or any(parcel in (plain_parcel(text) or "") for parcel in self._parcels())

    def _parcels(self) -> set[str]:
        return {number for one in self.read if (number := plain_parcel_of(one.record.values))}

    def _judge_rows(self, asked: Asked, visit: Visit, rows: Sequence[RecipeReading]) -> bool:
        """If only the parcel number could identify the row, `decide` tries again when another source has given that
        number.
        """
        records = [source_record(asked.url, row.extraction, visit, asked.kind) for row in rows]
        values, is_known = [record.values for record in records], asked.place_is_known
        match = choose(values, len(rows), self._address, self._parcels(), place_is_known=is_known)
        if match.place is not None and set(values[match.place]) - NOT_ENOUGH:
            row = rows[match.place]
            self._keep(Read(asked, row.extraction, visit, records[match.place], row), match.reason)
            return True
        if match.is_open:
            self._undecided.append((asked, visit, rows))
        self._note(asked, OTHER if match.verdict is Verdict.OTHER else UNKNOWN, match.reason)
        return False

    def decide(self) -> None:
        """Choose rows of undecided pages again if the parcel number of the address is known now."""
        undecided, self._undecided = self._undecided, []
        for asked, visit, rows in undecided if self._parcels() else ():
            self._forget(asked.url, UNKNOWN)
            self._judge_rows(asked, visit, rows)

    def _keep(self, found: Read, reason: str) -> None:
        same = next((one for one in self.read if _is_same(one.record, found.record)), None)
        asked = found.asked._replace(url=found.record.url)
        if same is not None:
            self._note(asked, SAME_PAGE, f"it is the page of {same.asked.source}")
        else:
            self.read.append(found)
            self._note(asked, USED, reason)

    def _fail(self, asked: Asked, exc: PropertyIntelligenceError) -> None:
        lease, url, before = self.run.lease, asked.url, self._before.get(asked.url)
        tries = (before.tries if before else 0) + (0 if isinstance(exc, HostBusyError) else 1)
        is_final = tries >= _MOST_TRIES or not self.run.retries_after(exc)
        if lease is not None:
            tried = JobAttempt(asked.source, asked.kind, url, exc.code, _detail(exc, url), tries, is_final)
            database = self._parts.database
            retry_on_store_error(lambda: note_failed_page(database, lease, tried, self._begun_at), database.clock)
        if is_final:
            self._cannot_be_read(url, exc.code)
            self._note(asked, exc.code, _detail(exc, url))
        else:
            self._open.append(exc)

    def _cannot_be_read(self, url: str, code: str) -> None:
        if code not in _NO_PAGE:
            self.unreadable.add(url)

    def _note(self, asked: Asked, outcome: str, detail: str) -> None:
        self.skip(asked.source, asked.kind, asked.url, outcome, detail)

    def _forget(self, url: str, outcome: str) -> None:
        self.tried = [one for one in self.tried if (one.url, one.outcome) != (url, outcome)]

    def drop(self, one: Read, why: PropertyIntelligenceError) -> None:
        self.read.remove(one)
        self._forget(one.record.url, USED)
        self.skip(one.asked.source, one.record.source_kind, None, why.code, str(why))

    def replaced(self, old: Read, extraction: Extraction) -> SourceRecord:
        """Replace the page's extraction, and return its new record."""
        record = with_values(old.record, extraction)
        self.read[self.read.index(old)] = replace(old, extraction=extraction, record=record)
        return record


def _detail(exc: PropertyIntelligenceError, url: str) -> str:
    """Return what happened, without the page's URL, which the attempt has beside it."""
    text = exc.without_remedy if exc.code not in _NO_PAGE else str(exc)
    for shown in sorted({url, str(exc.facts.get("url", url))}, key=len, reverse=True):
        text = text.replace(shown, "the page")
    return text[:1].upper() + text[1:]


def _is_same(one: SourceRecord, other: SourceRecord) -> bool:
    ways = {one.url, one.final_url, one.page_url} & {other.url, other.final_url, other.page_url}
    return bool(ways) or one.content_sha256 == other.content_sha256
