"""Scrape an address: read pages of its sources, cross-check their values, and store one property.

All pages are first read without the model. Then the model is asked once, about the page that mentions the most missing
fields. Values are stored after all pages are read, so that an interrupted run changes no property.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import openai

from app.errors.jobs import OutOfTimeError
from app.errors.keys import CapacityError
from app.errors.pages import PageTooComplexError
from app.errors.purging import PurgedMeanwhileError
from app.errors.targets import NoSourceError
from app.keypool.retry_loop import bound, spending_batch
from app.property.merging.merge import merge
from app.property.presenting.attempts import sources_in_words
from app.property.presenting.missing import some_of
from app.property.reading.base import Extraction
from app.property.reading.model.label_words import labels_in
from app.property.reading.model.prompt import Prompt
from app.property.reading.pipeline import with_paid_values
from app.property.record import FIELDS
from app.property.storage.properties.source_records import ASKED_ELSEWHERE
from app.property.storage.properties.tables import Unverified
from app.property.urls.targets import address_of_target
from app.services.scraping.model_reading import ModelReading
from app.services.scraping.pages import count_fields
from app.services.scraping.run import CALL_SECONDS, Run
from app.services.scraping.source_finding import SourceFinder, Wanted
from app.services.scraping.source_reading import Read, SourceReader
from app.services.scraping.storing import Found, ScrapeParts, Stored
from app.tracing import span

log = logging.getLogger(__name__)

#: Maps a page's URL to the model's reading, or to a note that says why the model was not asked about the page.
Notes = Mapping[str, ModelReading]
#: Note of a page that waits for a model, but is not a source of the property's address.
_READ_BY_URL = "This page is no source of the property's address. Scrape its URL, then a model is asked about it."


class AddressScraper:
    """Stateless and thread-safe."""

    def __init__(self, parts: ScrapeParts, finder: SourceFinder) -> None:
        self._parts = parts
        self._finder = finder

    def scrape(self, target: str, run: Run, *, refresh: bool = False, asked_at: datetime | None = None) -> Stored:
        """Scrape the property at the normalized address `target` (see `Scraper.scrape`).

        Raises `NoSourceError` if no source has the property, `ConfigurationError`, errors of the database, and
        `openai.RateLimitError` if no key has capacity. If the job must continue in another run, raises `HostBusyError`,
        a transient fetch error, or `OutOfTimeError`.
        """
        parts, now = self._parts, self._parts.database.clock.now()
        since = (asked_at or now) if refresh else now - parts.fresh
        wanted = Wanted(target, address_of_target(target), since)
        # a property that only waits for a model is not fetched again
        home = None if refresh else parts.properties.fresh_at(wanted.address, since, can_ask=False)
        reader = SourceReader(wanted.address, run, parts, since if home is not None else None)
        has_begun = reader.has_begun or (run.job_id is not None and parts.pages.checkpoint(run.job_id) is not None)
        if home is not None and not has_begun:
            known = parts.properties.fresh_at(wanted.address, since, can_ask=parts.reader.can_ask)
            if known is not None:
                return parts.storing.fresh(run.lease, known, why_silent=parts.reader.why_silent)
        try:
            with bound(spending_batch, run.batch):
                stored = self._scraped(wanted, reader, now, home)
        except NoSourceError:
            if run.lease is not None:
                parts.storing.tried(run.lease, reader.tried, now)
                parts.pages.forget_checkpoint(run.lease.job_id)  # a retry of the job fetches all pages again
            raise
        parts.end(run)
        return stored

    def _scraped(self, wanted: Wanted, reader: SourceReader, asked_at: datetime, home: Found | None) -> Stored:
        """`home` is a property at the address that was read recently and may wait for a model."""
        with span("sources", {}) as asking:
            claims = self._finder.find(wanted, reader)
            asking.set({"propintel.sources": reader.source_count, "propintel.pages": len(reader.read)})
        is_complete = True
        for one in list(reader.read):  # keep values that a model has read from the same body before
            known = self._parts.index.record_of(one.record.page_url or one.record.url)
            is_same = known is not None and known.record.content_sha256 == one.record.content_sha256
            if known is not None and is_same:
                reader.replaced(one, with_paid_values(one.extraction, known.record.evidence))
            is_complete &= known is not None and is_same and not known.waits
        if home is not None and is_complete:
            return self._parts.storing.fresh(reader.run.lease, home, why_silent=_READ_BY_URL)
        notes = self._ask_model(reader)
        stored = self._parts.storing.address(reader.run.lease, reader, notes, claims, asked_at)
        if stored is None:
            raise NoSourceError(wanted.target, _summary(reader, claims))
        # an address needs at most one model call, so only its first page may count a call as saved by recipes
        is_asked = any(note.asked for note in notes.values())
        for place, one in enumerate(reader.read):
            count_fields(one.record)
            reading = notes.get(one.record.url, ModelReading(one.extraction))
            self._parts.recipes.learn(one.found, reading, could_ask=place == 0 and not is_asked)
        return replace(stored, tried=tuple(one.as_json() for one in reader.tried))

    def _ask_model(self, reader: SourceReader) -> Notes:
        if not reader.read:
            return {}
        use = self._parts.reader.use
        lacking = None if use == "always" else _lacking(reader.read)
        open_ = [replace(one.extraction, only=lacking, audited=False) for one in reader.read]
        if use == "never":
            pages = zip(reader.read, open_, strict=True)
            return {one.record.url: self._parts.reader.read(it, reader.run) for one, it in pages if it.row is None}
        asked = [self._parts.reader.resumed(one, reader.run) for one in open_]
        prompts = [self._prompt(extraction) for extraction in asked]
        named = [_named(prompt) for prompt in prompts]
        # prefer the page whose question waited in a batch, then the page that names the most missing fields
        best = max(
            range(len(named)),
            key=lambda place: (asked[place].wanted is not None, len(named[place]), prompts[place] is not None, -place),
        )
        notes: dict[str, ModelReading] = {}
        known: set[str] = set()
        if (prompt := prompts[best]) is not None:
            one = reader.read[best]
            try:
                reading = self._answer(asked[best], prompt.fields, reader.run)
            except PurgedMeanwhileError as exc:
                reader.drop(one, exc)
                return self._ask_model(reader)  # another page may have the missing fields
            record = reader.replaced(one, reading.extraction)
            notes[record.url] = reading
            known = {*record.values, *prompt.fields}
        for one, fields in zip(reader.read, named, strict=True):
            left = tuple(name for name in fields if name not in known)
            if one.record.url not in notes and left:
                notes[one.record.url] = ModelReading(one.extraction, ASKED_ELSEWHERE, left)
        return notes

    def _prompt(self, asked: Extraction) -> Prompt | None:
        """A row of a page gets no question, because the model might answer about another row."""
        if asked.row is not None:
            return None
        try:
            prompt = self._parts.reader.question(asked)
        except PageTooComplexError as exc:
            log.warning("No model is asked about a page: %s", exc)
            return None
        return prompt if prompt.fields else None

    def _answer(self, asked: Extraction, fields: tuple[str, ...], run: Run) -> ModelReading:
        try:
            if run.has(CALL_SECONDS):
                return self._parts.reader.read(asked, run)
            note = f"No time was left for the model ({OutOfTimeError.code})."
        except PageTooComplexError as exc:
            return ModelReading(asked, str(exc), fields)
        except openai.RateLimitError:
            if not run.is_due:
                raise
            note = f"No OpenAI key had capacity by the job's deadline ({CapacityError.code}). Scrape again."
        return ModelReading(asked, note, fields, asks_again=True)


def _named(prompt: Prompt | None) -> tuple[str, ...]:
    if prompt is None:
        return ()
    labels = labels_in(prompt.text, prompt.lang)
    return tuple(name for name in prompt.fields if any(label.serves(name) for label in labels))


def _lacking(read: Sequence[Read]) -> frozenset[str]:
    merged = merge([one.record for one in read]).values
    sure = {name for one in read for name in one.record.values if name not in one.extraction.doubtful}
    return frozenset(
        name for name, spec in FIELDS.items() if spec.ask_model and (name not in merged or name not in sure)
    )


def _summary(reader: SourceReader, claims: Sequence[Unverified]) -> str:
    """The values of claims are left out, because a purge of their pages would not find them in the message."""
    fields = some_of(list(dict.fromkeys(FIELDS[one.field].label for one in claims)))
    claimed = f"; the web search claims values that no page confirms: {fields}" if claims else ""
    return sources_in_words(one.as_json() for one in reader.tried) + claimed
