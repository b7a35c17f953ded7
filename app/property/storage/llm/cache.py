"""What models and searches of the web answered, by what was asked: nothing is paid for twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Row, select

from app.errors.purging import PurgedMeanwhileError
from app.property.page import Page
from app.property.storage.database import Database
from app.property.storage.llm.tables import CacheKind, LlmCache
from app.property.storage.privacy.suppressions import purged_since
from app.property.storage.statements import digest, upsert

_CACHE = LlmCache.__table__


@dataclass(frozen=True)
class Question:
    """What makes two calls the same: the page's body, the fields wanted (sorted), the model, the prompt as sent."""

    content_sha256: str
    fields: tuple[str, ...]
    model: str
    prompt_sha256: str

    @cached_property
    def id(self) -> str:
        return digest([self.content_sha256, list(self.fields), self.model, self.prompt_sha256])


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer as it came: field -> (value, quote), not yet checked against the page.

    `model` is the one that the answer names, `service_tier` the one that the reply named, empty if none. `failure` is
    the code of what was wrong with the answer and `note` that in words, both empty for a good one.
    """

    values: Mapping[str, tuple[Any, str]]
    model: str
    prompt_tokens: int
    completion_tokens: int
    service_tier: str = ""
    failure: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class StoredSearch:
    """An answer as it came (JSON types only), by the API's own name of the model that gave it."""

    answer: Mapping[str, Any]
    model: str
    prompt_tokens: int
    completion_tokens: int
    asked_at: datetime


class AnswerStore:
    """Answers in a `Database`; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def model_answer(self, question: Question, *, failed_since: datetime | None = None) -> StoredAnswer | None:
        """Return the newest answer to the same question, from whichever job; None if it has to be asked.

        One that was no good counts if it came at `failed_since` or later (None: never).
        """
        row = self._row(question.id)
        if row is None or (row.answer["failure"] and (failed_since is None or row.created_at < failed_since)):
            return None
        values = {name: (value, quote) for name, (value, quote) in row.answer["values"].items()}
        said = {**row.answer, "values": values}
        return StoredAnswer(
            model=row.model, prompt_tokens=row.prompt_tokens, completion_tokens=row.completion_tokens, **said
        )

    def save_model_answer(self, question: Question, answer: StoredAnswer, page: Page | None = None) -> None:
        """Keep an answer for the next time its question comes up.

        `page` is what it is about: raises `PurgedMeanwhileError` if that was purged after it was fetched.
        """
        said = {
            "values": {name: list(pair) for name, pair in answer.values.items()},
            "service_tier": answer.service_tier,
            "failure": answer.failure,
            "note": answer.note,
        }
        row = _row_of(CacheKind.PAGE, answer, self._database.clock.now()) | {"content_sha256": question.content_sha256}

        def work(connection: Connection) -> None:
            kept = said
            if page is not None:
                purged = purged_since(self._database, connection, page.fetched_at, (page.url, page.final_url))
                purged.refuse()
                kept = purged.names.without(said)
            upsert(connection, _CACHE, {"id": question.id}, {**row, "answer": kept})

        self._database.repeat(work)

    def search(self, question: str, since: datetime) -> StoredSearch | None:
        """Return what `question` (its hash) was answered at `since` or later; None if it has to be asked."""
        row = self._row(question)
        if row is None or row.created_at < since:
            return None
        return StoredSearch(row.answer, row.model, row.prompt_tokens, row.completion_tokens, row.created_at)

    def save_search(self, question: str, target: str, found: StoredSearch, urls: Iterable[str]) -> set[str]:
        """Keep an answer; `target` is the address that was looked for, `urls` all that the answer names.

        Returns those of `urls` that were purged after it was asked: the answer, whose words are of them too, is not
        kept then. People who were purged since are left out. Raises `PurgedMeanwhileError` if the target was.
        """
        named = sorted(set(urls))
        row = _row_of(CacheKind.SEARCH, found, found.asked_at)
        row |= {"target": target, "answer": dict(found.answer), "urls": f" {' '.join(named)} "}

        def work(connection: Connection) -> set[str]:
            purged = purged_since(self._database, connection, found.asked_at, {*named, target})
            if target in purged.urls:
                raise PurgedMeanwhileError()
            if not purged.urls:
                upsert(connection, _CACHE, {"id": question}, purged.names.without(row))
            return purged.urls

        return self._database.repeat(work)

    def _row(self, question: str) -> Row[Any] | None:
        with self._database.reading() as connection:
            return connection.execute(select(_CACHE).where(LlmCache.id == question)).one_or_none()


def _row_of(kind: CacheKind, found: StoredAnswer | StoredSearch, at: datetime) -> dict[str, Any]:
    tokens = {"prompt_tokens": found.prompt_tokens, "completion_tokens": found.completion_tokens}
    return {"kind": kind, "model": found.model, **tokens, "created_at": at}
