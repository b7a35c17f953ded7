"""Cache answers of models and web searches, so that no question is paid for twice."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Row, select

from app.errors.purging import PurgedMeanwhileError
from app.property.page import Page
from app.property.storage.llm.tables import CacheKind, LlmCache
from app.property.storage.privacy.suppressions import purged_since
from app.property.storage.statements import Store, digest, upsert

_CACHE = LlmCache.__table__


@dataclass(frozen=True)
class Question:
    """Identifies a model call: page body, requested fields (sorted), model, and prompt."""

    content_sha256: str
    fields: tuple[str, ...]
    model: str
    prompt_sha256: str

    @cached_property
    def id(self) -> str:
        return digest([self.content_sha256, list(self.fields), self.model, self.prompt_sha256])


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """A model's answer, before it is verified against the page. `values` maps fields to (value, quote).

    `model` and `service_tier` come from the response; the tier may be "". If the call failed, `failure` is the error
    code, and `note` is the message.
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
    """A web search's answer in JSON types."""

    answer: Mapping[str, Any]
    model: str
    prompt_tokens: int
    completion_tokens: int
    asked_at: datetime


class AnswerStore(Store):
    def model_answer(self, question: Question, *, failed_since: datetime | None = None) -> StoredAnswer | None:
        """Return the cached answer to the question, or None.

        A failed answer is returned only if it is not older than `failed_since` (None: never).
        """
        row = self._row(question.id)
        if row is None or (row.answer["failure"] and (failed_since is None or row.created_at < failed_since)):
            return None
        values = {name: (value, quote) for name, (value, quote) in row.answer["values"].items()}
        answer = {**row.answer, "values": values}
        return StoredAnswer(
            model=row.model, prompt_tokens=row.prompt_tokens, completion_tokens=row.completion_tokens, **answer
        )

    def save_model_answer(self, question: Question, answer: StoredAnswer, page: Page | None = None) -> None:
        """Cache an answer, without names purged since `page` was fetched.

        Raises `PurgedMeanwhileError` if the page was purged since then.
        """
        content = {
            "values": {name: list(pair) for name, pair in answer.values.items()},
            "service_tier": answer.service_tier,
            "failure": answer.failure,
            "note": answer.note,
        }
        row = _row_of(CacheKind.PAGE, answer, self._database.clock.now()) | {"content_sha256": question.content_sha256}

        def work(connection: Connection) -> None:
            kept = content
            if page is not None:
                purged = purged_since(self._database, connection, page.fetched_at, (page.url, page.final_url))
                purged.refuse()
                kept = purged.names.without(content)
            upsert(connection, _CACHE, {"id": question.id}, {**row, "answer": kept})

        self._database.repeat(work)

    def search(self, question: str, since: datetime) -> StoredSearch | None:
        """Return the cached answer to the question with this hash, unless it is older than `since`."""
        row = self._row(question)
        if row is None or row.created_at < since:
            return None
        return StoredSearch(row.answer, row.model, row.prompt_tokens, row.completion_tokens, row.created_at)

    def save_search(self, question: str, target: str, found: StoredSearch, urls: Iterable[str]) -> set[str]:
        """Cache the answer of a web search for the address `target`. `urls` are all URLs in the answer.

        Return the URLs that were purged since the search. If there are any, the answer is not cached, because it may
        contain text of their pages. Names purged since the search are removed. Raises `PurgedMeanwhileError` if
        `target` was purged since the search.
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
