"""What searches of the web answered, by what was asked: a retry does not pay again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from app.property.storage.database import Database
from app.property.storage.privacy.marks import purged_of, refuse_purged
from app.property.storage.privacy.names import purged_since
from app.property.storage.statements import upsert
from app.property.storage.tables import web_searches


@dataclass(frozen=True, slots=True)
class StoredSearch:
    """An answer as it came (JSON types only), by the API's own name of the model that gave it."""

    answer: Mapping[str, Any]
    model: str
    prompt_tokens: int
    completion_tokens: int
    asked_at: datetime


class SearchStore:
    """Searches in a `Database`; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def answer(self, question: str, since: datetime) -> StoredSearch | None:
        """What `question` (its hash) was answered at `since` or later; None if it has to be asked."""
        c = web_searches.c
        with self._database.reading() as connection:
            row = connection.execute(select(web_searches).where(c.id == question, c.asked_at >= since)).one_or_none()
        if row is None:
            return None
        return StoredSearch(row.answer, row.model, row.prompt_tokens, row.completion_tokens, row.asked_at)

    def save(self, question: str, target: str, found: StoredSearch, urls: Iterable[str]) -> set[str]:
        """Keep an answer; `target` is the address that was looked for, `urls` all that the answer names.

        -> those of `urls` that were purged after it was asked: the answer, whose words are of them too, is not kept
        then. People who were purged since are left out. Raises `PurgedMeanwhileError` if the target was.
        """
        named = sorted(set(urls))
        row = {
            "target": target,
            "model": found.model,
            "answer": dict(found.answer),
            "urls": f" {' '.join(named)} ",
            "prompt_tokens": found.prompt_tokens,
            "completion_tokens": found.completion_tokens,
            "asked_at": found.asked_at,
        }

        def work(connection: Connection) -> set[str]:
            refuse_purged(self._database, connection, (target,), found.asked_at)
            gone = purged_of(self._database, connection, named, found.asked_at)
            since = purged_since(self._database, connection, found.asked_at)
            if not gone:
                upsert(connection, web_searches, {"id": question}, since.without(row))
            return gone

        return self._database.repeat(work)
