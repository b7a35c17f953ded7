"""What a model answered, by what it was asked: nothing is paid for twice. Budgets are the key pool's affair."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select

from app.property.page import Page
from app.property.storage.database import Database
from app.property.storage.privacy.marks import refuse_purged
from app.property.storage.privacy.names import purged_since
from app.property.storage.tables import model_answers

#: what answers of earlier versions do not have
_LATER = ("service_tier", "failure", "note")


@dataclass(frozen=True, slots=True)
class Question:
    """What makes two calls the same: the page's body, the fields wanted (sorted), the model, the prompt as sent."""

    content_sha256: str
    fields: tuple[str, ...]
    model: str
    prompt_sha256: str


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer as it came: field -> (value, quote), not yet checked against the page.

    `service_tier` is the one that the reply named, empty if none. `failure` is the code of what was wrong with the
    answer and `note` that in words, both empty for a good one.
    """

    values: Mapping[str, tuple[Any, str]]
    model: str
    prompt_tokens: int
    completion_tokens: int
    service_tier: str = ""
    failure: str = ""
    note: str = ""


class AnswerStore:
    """Answers of models in a `Database`; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def model_answer(self, question: Question, *, failed_since: datetime | None = None) -> StoredAnswer | None:
        """The newest answer to the same question, from whichever job; None if it has to be asked.

        One that was no good counts if it came at `failed_since` or later (None: never).
        """
        c = model_answers.c
        query = (
            select(model_answers)
            .where(
                c.content_sha256 == question.content_sha256,
                c.prompt_sha256 == question.prompt_sha256,
                c.model == question.model,
            )
            .order_by(c.id.desc())
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        row = next((row for row in rows if tuple(row.fields) == question.fields), None)
        if row is None or (row.answer.get("failure") and (failed_since is None or row.created_at < failed_since)):
            return None
        values = {name: (value, quote) for name, (value, quote) in row.answer["values"].items()}
        kept = row.answer
        return StoredAnswer(
            values,
            kept["model"],
            row.prompt_tokens,
            row.completion_tokens,
            **{name: kept.get(name, "") for name in _LATER},
        )

    def save_model_answer(self, question: Question, answer: StoredAnswer, page: Page | None = None) -> None:
        """Keep an answer for the next time its question comes up. `answer.model` is the one that the answer names.

        `page` is what it is about: raises `PurgedMeanwhileError` if that was purged after it was fetched.
        """
        values = {name: list(pair) for name, pair in answer.values.items()}
        row = {
            "content_sha256": question.content_sha256,
            "fields": list(question.fields),
            "model": question.model,
            "prompt_sha256": question.prompt_sha256,
            "answer": {"model": answer.model, "values": values, **{name: getattr(answer, name) for name in _LATER}},
            "prompt_tokens": answer.prompt_tokens,
            "completion_tokens": answer.completion_tokens,
            "created_at": self._database.clock.now(),
        }
        with self._database.writing() as connection:
            if page is not None:
                refuse_purged(self._database, connection, (page.url, page.final_url), page.fetched_at)
                since = purged_since(self._database, connection, page.fetched_at)
                row["answer"] = since.without(row["answer"])
            connection.execute(insert(model_answers).values(row))
