"""Read the sources of an address.

The URL templates of `sources.toml` come first; those that need the parcel number come last, because other pages may
contain it. The web is searched only if fewer than two sources have the address.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import openai

from app.plurals import counted
from app.property.address import Address
from app.property.presenting.attempts import WEB_SEARCH
from app.property.sources.config import ENOUGH_SOURCES, Source, Sources, WebSearch
from app.property.sources.spellings import values_of
from app.property.storage.jobs.models import OUTSIDE, SEARCHED, SKIPPED, UNCITED
from app.property.storage.properties.tables import Unverified
from app.services.scraping.run import CALL_SECONDS, Run
from app.services.scraping.source_reading import Asked, SourceReader
from app.services.scraping.web_search import SearchFound, WebSearcher

#: Maximum number of pages that are read per web search.
_MOST_CITED = 6


@dataclass(frozen=True, slots=True)
class Wanted:
    """The address to scrape, as text and in parts. A cached web search is reused unless it is older than `since`."""

    target: str
    address: Address
    since: datetime


class SourceFinder:
    """Thread-safe."""

    def __init__(self, sources: Callable[[], Sources], searcher: WebSearcher) -> None:
        self._sources = sources
        self._searcher = searcher

    def find(self, wanted: Wanted, reader: SourceReader) -> list[Unverified]:
        """Read all configured sources, and search the web if fewer than two have the address.

        Return the search's claims about pages that could not be read.

        Raises `ConfigurationError` for an invalid `sources.toml`, transient errors of pages, errors of the database,
        and `openai.RateLimitError` if no key has capacity.
        """
        sources, parts = self._sources(), wanted.address
        ours = sources.for_address(state=parts.state, city=parts.city, postal_code=parts.postal_code)
        later = [source for source in ours if source.needs_parcel]
        for source in ours:
            if source not in later:
                reader.ask(source, values_of(wanted.address, source.county))
        reader.decide()
        if later and reader.parcel_number() is None:
            reader.require_all()  # pages that must be retried may contain the parcel number
        asked_later = self._ask_by_parcel(later, wanted, reader)
        reader.require_all()
        claims = self._search(sources, wanted, reader) if reader.source_count < ENOUGH_SOURCES else []
        if not asked_later and not self._ask_by_parcel(later, wanted, reader):
            for source in later:
                reader.skip(source.name, source.kind, None, SKIPPED, "it needs the parcel number, which no page named")
        reader.require_all()
        reader.decide()
        return claims

    def _ask_by_parcel(self, later: Sequence[Source], wanted: Wanted, reader: SourceReader) -> bool:
        number = reader.parcel_number()
        if number is None:
            return not later
        for source in later:
            reader.ask(source, values_of(wanted.address, source.county, number))
        return True

    def _search(self, sources: Sources, wanted: Wanted, reader: SourceReader) -> list[Unverified]:
        search = sources.web_search
        found: SearchFound | str
        found = search.why_off or self._searched(search, wanted, reader.run)
        if isinstance(found, str):
            reader.skip(WEB_SEARCH, None, None, SKIPPED, found)
            return []
        answer = found.answer
        detail = f"{found.model} cites {counted(len(answer.cited), 'page')}"
        detail += f"; {answer.explanation}" if answer.flaw else ""
        detail += f"; {found.purged} of them were purged meanwhile" if found.purged else ""
        reader.skip(WEB_SEARCH, None, None, SEARCHED, detail)
        self._read_cited(found, sources, reader)
        reader.require_all()
        # claims about pages that could be read are not needed
        return [
            Unverified(
                field=claim.field,
                value=claim.value,
                quote=claim.quote,
                url=claim.url,
                reported_by=f"web_search, {found.model}",
                seen_at=found.asked_at,
            )
            for claim in answer.claims
            if claim.url in reader.unreadable and search.allows(urlsplit(claim.url).hostname or "")
        ]

    def _searched(self, search: WebSearch, wanted: Wanted, run: Run) -> SearchFound | str:
        if not run.has(CALL_SECONDS):
            return "no time was left for it"
        try:
            return self._searcher.search(wanted.target, wanted.address, search.allowed_domains, wanted.since, run)
        except openai.RateLimitError:
            if not run.is_due:
                raise
            return "no OpenAI key had capacity until the job's deadline"

    def _read_cited(self, found: SearchFound, sources: Sources, reader: SourceReader) -> None:
        answer = found.answer
        for url in (answer.cited or answer.visited)[:_MOST_CITED]:
            host = urlsplit(url).hostname or ""
            kind = sources.kind_of_cited(url)
            if sources.web_search.allows(host):
                search = sources.web_search
                led_by = None if host in search.allowed_domains else url  # anyone may have a free subdomain
                reader.visit(Asked(WEB_SEARCH, kind, url, place_is_known=False, allows=search.allows, led_by=led_by))
            else:
                reader.skip(WEB_SEARCH, kind, url, OUTSIDE, f"{host} is not among the allowed domains")
        for url in answer.uncited[:_MOST_CITED]:
            reader.skip(WEB_SEARCH, None, url, UNCITED, "the answer names it and does not cite it")
