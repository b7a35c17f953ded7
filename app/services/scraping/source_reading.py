"""Pages that may be of an address: each visited once, read without a model, and kept only if it is of that address.

What a job got is its checkpoint, what it did not get is noted: a run that comes back asks only for what is open. A page
that may be had later does not hold up the others; it is asked for again when all the rest is done.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import urlsplit

from app.errors import ConfigurationError, PropertyIntelligenceError
from app.errors.fetching import BlockedAddressError, BlockedPortError, FetchError, HostBusyError, HttpStatusError
from app.errors.jobs import OutOfTimeError
from app.errors.pages import PageBlockedError, PageError, PageTooComplexError
from app.errors.purging import PageNamesPersonError, PurgedMeanwhileError
from app.errors.targets import InvalidTargetError
from app.property.address import Address
from app.property.identity import PARCEL, plain_parcel_of
from app.property.reading.base import Extraction
from app.property.reading_budget import reading
from app.property.recipes.using import RecipeReading
from app.property.record import WITH_PROPERTY, PageKind, SourceKind
from app.property.source_record import SourceRecord, independent
from app.property.sources.belonging import Whose, belonging
from app.property.sources.config import Source
from app.property.sources.results import the_link
from app.property.sources.rows import choose
from app.property.storage.database import Database
from app.property.storage.jobs.attempts import failed_pages, note_failed_page
from app.property.storage.jobs.models import OTHER, OUTSIDE, SAME_PAGE, SKIPPED, UNKNOWN, USED, Tried
from app.property.values.texts import plain_parcel
from app.services.reports.metrics.instruments import SOURCES
from app.services.scraping.page_reading import NOT_ENOUGH, require_property, source_record, with_values
from app.services.scraping.page_visits import Visit
from app.services.scraping.parts import ScrapeParts
from app.services.scraping.run import PAGE_SECONDS, Run

#: a page that fails in a way that may pass is asked for so often by one job
_MOST_TRIES = 2
#: errors of what is no page of the web
_NO_PAGE = frozenset({BlockedAddressError.code, BlockedPortError.code, InvalidTargetError.code})


@dataclass(frozen=True, slots=True)
class Read:
    """A page that is of the address, and what it says without a model. `found` is what its recipe did."""

    source: str
    extraction: Extraction
    visit: Visit
    record: SourceRecord
    found: RecipeReading


@dataclass(frozen=True, slots=True)
class _Listed:
    """An answer that lists several properties: what each of the `rows` that may be the wanted one says."""

    name: str
    kind: SourceKind | None
    url: str
    visit: Visit
    rows: Sequence[RecipeReading]
    place_is_known: bool


class SourceReader:
    """Reads the sources of one address in one run."""

    def __init__(self, address: Address, run: Run, parts: ScrapeParts, database: Database) -> None:
        self._address = address
        self.run = run
        self._parts = parts
        self._database = database
        self._before = failed_pages(database, run.job_id) if run.job_id is not None else {}
        self._seen: set[str] = set()
        self.read: list[Read] = []
        self.tried: list[Tried] = []
        self.unreadable: set[str] = set()
        self._open: list[PropertyIntelligenceError] = []
        self._undecided: list[_Listed] = []

    # --- what is known so far

    @property
    def has_begun(self) -> bool:
        """Whether an earlier run of the job asked for pages in vain."""
        return bool(self._before)

    @property
    def voices(self) -> int:
        """How many sources there are: what one office says twice is one source."""
        return len(independent(one.record.voice for one in self.read))

    def parcel_number(self) -> str | None:
        """The parcel number of the address, from the source that knows best."""
        by_kind = sorted(self.read, key=lambda one: _parcel_rank(one.record.source_kind))
        numbers = (one.record.values.get(PARCEL) for one in by_kind)
        return next((str(number) for number in numbers if number), None)

    def require_all(self) -> None:
        """Raises what put off one of the pages, soonest first, if the run can come back for it."""
        busy = [one for one in self._open if isinstance(one, HostBusyError)]
        if busy:
            raise min(busy, key=lambda one: float(one.facts["retry_after_seconds"]))
        if self._open:
            raise self._open[0]

    # --- asking

    def ask(self, source: Source, ways: Sequence[Mapping[str, str]]) -> None:
        """Read the page of a template; it says of which place it is by being asked.

        `ways` are the values of the placeholders in one spelling or more: the next one is tried where nothing is known
        under that before it.
        """
        for values in ways:
            if self._ask(source, values):
                return

    def _ask(self, source: Source, values: Mapping[str, str]) -> bool:
        """False where another spelling may find what this one did not."""
        missing = source.template.missing(values)
        if missing:
            lacks = f"it needs {', '.join(missing)}, which is not known of this address"
            self._note(source.name, source.kind, None, SKIPPED, lacks)
            return True
        try:
            url = source.template.url(values)
        except InvalidTargetError as exc:
            self._note(source.name, source.kind, None, exc.code, str(exc))
            return True
        return self._visit(source.name, source.kind, url, place_is_known=True)

    def ask_cited(self, name: str, kind: SourceKind | None, url: str, allows: Callable[[str], bool]) -> None:
        """Read a page that a search cites, as long as it leads nowhere but to hosts that `allows`."""
        self._visit(name, kind, url, place_is_known=False, allows=allows)

    def skip(self, name: str, kind: SourceKind | None, url: str | None, outcome: str, detail: str) -> None:
        """Say of a source that it was not read."""
        self._note(name, kind, url, outcome, detail)

    def _visit(
        self,
        name: str,
        kind: SourceKind | None,
        url: str,
        *,
        place_is_known: bool,
        may_follow: bool = True,
        allows: Callable[[str], bool] | None = None,
        led_by: str | None = None,
    ) -> bool:
        """False where the site answered, and knows nothing of the address by this URL."""
        if url in self._seen:
            return False
        self._seen.add(url)
        visit = self._visited(name, kind, url, led_by)
        if isinstance(visit, bool):
            return visit
        host = urlsplit(visit.page.final_url).hostname or ""
        if allows is not None and not allows(host):
            self._note(name, kind, url, OUTSIDE, f"it leads to {host}, which is not among the allowed domains")
            return True
        if allows is not None and urlsplit(visit.page.final_url).netloc != urlsplit(url).netloc:
            kind = None  # it was the cited host's
        try:
            found = self._parts.recipes.read(visit.page)
            extraction = found.extraction
            if extraction.kind is PageKind.SEARCH and (
                rows := self._parts.recipes.read_rows(visit.page, self._may_be_told)
            ):
                return self._judge_rows(_Listed(name, kind, url, visit, rows, place_is_known))
            follow = partial(self._visit, place_is_known=place_is_known, may_follow=False, allows=allows, led_by=url)
            return self._judge(
                Read(name, extraction, visit, source_record(url, extraction, visit, kind), found),
                place_is_known=place_is_known,
                follow=follow if may_follow else None,
            )
        except PageTooComplexError as exc:
            self._in_vain(name, kind, url, exc)
            return True

    def _visited(self, name: str, kind: SourceKind | None, url: str, led_by: str | None) -> Visit | bool:
        """The page; else it is noted why there is none, and False where another URL may be of use (see `_visit`)."""
        known = self._before.get(url)
        if known is not None and known.is_final:
            self._cannot_be_read(url, known.outcome)
            self._note(name, kind, url, known.outcome, known.detail)
            return known.outcome != HttpStatusError.code
        if not self.run.has(PAGE_SECONDS):
            self._note(name, kind, url, OutOfTimeError.code, "no time was left for it")
            return True
        try:
            return self._parts.visitors.visit(url, self.run, led_by)
        except (PurgedMeanwhileError, PageNamesPersonError) as exc:  # nothing of it is kept, its URL as little
            self._note(name, kind, None, exc.code, str(exc))
            return True
        except ConfigurationError as exc:  # its URL names a secret that there is not; other sources need none
            self._note(name, kind, url, SKIPPED, str(exc))
            return True
        except (FetchError, PageError, InvalidTargetError) as exc:
            self._in_vain(name, kind, url, exc)
            return exc.code != HttpStatusError.code

    def _judge(
        self, found: Read, *, place_is_known: bool, follow: Callable[[str, SourceKind | None, str], bool] | None
    ) -> bool:
        """Keep the page if it is of the address, else follow the one link that is, else say whose it is (False)."""
        name, extraction, record = found.source, found.extraction, found.record
        kind, url = record.source_kind, record.url
        whose = belonging(record.values, self._address, self._parcels(), place_is_known=place_is_known)
        holds = extraction.kind in WITH_PROPERTY and bool(set(record.values) - NOT_ENOUGH)
        if holds and whose.is_wanted:
            self._keep(found, whose.reason)
            return True
        if follow is not None and extraction.kind is not PageKind.BLOCKED:
            with reading(found.visit.page.url, found.visit.page.spent):
                link = the_link(found.visit.page, self._address)
            if link is not None:
                return follow(name, kind, link)
        try:
            require_property(extraction)
        except PageError as exc:
            if isinstance(exc, PageBlockedError):
                self._cannot_be_read(url, exc.code)
            self._note(name, kind, url, exc.code, str(exc))
            return isinstance(exc, PageBlockedError)
        self._note(name, kind, url, OTHER if whose.whose is Whose.OTHER else UNKNOWN, whose.reason)
        return False

    # --- answers that list several properties

    def _may_be_told(self, text: str) -> bool:
        """Whether the JSON text of one of several can be of the address: it names its house number, or its parcel."""
        number = self._address.street_number
        if not number:
            return True
        named = re.search(rf"(?<!\w){re.escape(number.split()[0])}(?!\w)", text, re.IGNORECASE)
        return named is not None or any(parcel in (plain_parcel(text) or "") for parcel in self._parcels())

    def _parcels(self) -> set[str]:
        return {number for one in self.read if (number := plain_parcel_of(one.record.values))}

    def _judge_rows(self, listed: _Listed) -> bool:
        """Keep the one of several that is of the address; False if none is. Which of several parcels is meant may be
        told by a source that is asked later.
        """
        records = [source_record(listed.url, row.extraction, listed.visit, listed.kind) for row in listed.rows]
        whose = choose(
            [record.values for record in records],
            len(listed.rows),
            self._address,
            self._parcels(),
            place_is_known=listed.place_is_known,
        )
        if whose.place is not None and set(records[whose.place].values) - NOT_ENOUGH:
            row, record = listed.rows[whose.place], records[whose.place]
            self._keep(Read(listed.name, row.extraction, listed.visit, record, row), whose.reason)
            return True
        if whose.is_open:
            self._undecided.append(listed)
        outcome = OTHER if whose.whose is Whose.OTHER else UNKNOWN
        self._note(listed.name, listed.kind, listed.url, outcome, whose.reason)
        return False

    def decide(self) -> None:
        """Look again at answers that list several parcels of the address: another source may have named one since."""
        undecided, self._undecided = self._undecided, []
        for listed in undecided if self._parcels() else ():
            self.tried = [one for one in self.tried if (one.url, one.outcome) != (listed.url, UNKNOWN)]
            self._judge_rows(listed)

    def _keep(self, found: Read, reason: str) -> None:
        same = next((one for one in self.read if _is_same(one.record, found.record)), None)
        if same is not None:
            detail = f"it is the page of {same.source}"
            self._note(found.source, found.record.source_kind, found.record.url, SAME_PAGE, detail)
            return
        self.read.append(found)
        self._note(found.source, found.record.source_kind, found.record.url, USED, reason)

    def _in_vain(self, name: str, kind: SourceKind | None, url: str, exc: PropertyIntelligenceError) -> None:
        """A page that was not to be had: for good, or for now."""
        lease = self.run.lease
        before = self._before.get(url)
        tries = (before.tries if before else 0) + (0 if isinstance(exc, HostBusyError) else 1)
        is_final = not exc.transient or tries >= _MOST_TRIES or not self.run.may_wait
        if lease is not None:
            tried = Tried(name, kind, url, exc.code, str(exc), tries, is_final)
            self._parts.patiently(lambda: note_failed_page(self._database, lease, tried))
        if is_final:
            self._cannot_be_read(url, exc.code)
            self._note(name, kind, url, exc.code, str(exc))
        else:
            self._open.append(exc)

    def _cannot_be_read(self, url: str, code: str) -> None:
        """What is said of such a page can neither be shown nor denied; a place where no page is, is a lie."""
        if code not in _NO_PAGE:
            self.unreadable.add(url)

    def _note(self, name: str, kind: SourceKind | None, url: str | None, outcome: str, detail: str) -> None:
        SOURCES.labels(str(kind) if kind else "unknown", outcome).inc()
        self.tried.append(Tried(name, kind, url, outcome, detail))

    def drop(self, one: Read, why: PropertyIntelligenceError) -> None:
        """A page that was read may not be kept: leave it out after all, and say so."""
        self.read.remove(one)
        self.tried = [tried for tried in self.tried if (tried.url, tried.outcome) != (one.record.url, USED)]
        self._note(one.source, one.record.source_kind, None, why.code, str(why))

    def replaced(self, old: Read, extraction: Extraction) -> SourceRecord:
        """Take what a model said of a page; -> the page's new record."""
        record = with_values(old.record, extraction)
        self.read[self.read.index(old)] = replace(old, extraction=extraction, record=record)
        return record


def _is_same(one: SourceRecord, other: SourceRecord) -> bool:
    ways = {one.url, one.final_url, one.page_url} & {other.url, other.final_url, other.page_url}
    return bool(ways) or one.content_sha256 == other.content_sha256


def _parcel_rank(kind: SourceKind | None) -> int:
    order = (SourceKind.ASSESSOR, SourceKind.GIS, SourceKind.TAX_ROLL, SourceKind.PERMITS)
    return order.index(kind) if kind in order else len(order)
