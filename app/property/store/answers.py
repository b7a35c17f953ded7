"""What a model answered, by what it was asked: nothing is paid for twice, and every call counts against the budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from app.property.store.engine import Database
from app.property.store.rows import clean
from app.property.store.tables import model_answers


@dataclass(frozen=True, slots=True)
class ModelBudget:
    """Limits of the whole fleet for one UTC day; None means no limit."""

    daily_calls: int | None = None
    daily_tokens: int | None = None

    @property
    def is_unlimited(self) -> bool:
        return self.daily_calls is None and self.daily_tokens is None


@dataclass(frozen=True, slots=True)
class Question:
    """What makes two calls the same: the page's body, the fields wanted (sorted), the model, the prompt as sent."""

    content_sha256: str
    fields: tuple[str, ...]
    model: str
    prompt_sha256: str


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer as it came: field -> (value, quote), not yet checked against the page."""

    values: dict[str, tuple[Any, str]]
    model: str
    prompt_tokens: int
    completion_tokens: int


class AnswerStore:
    """Calls to models in a `Database`; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def model_answer(self, question: Question) -> StoredAnswer | None:
        """The newest answer to the same question, from whichever job; None if it has to be asked."""
        c = model_answers.c
        query = (
            select(model_answers)
            .where(
                c.content_sha256 == question.content_sha256,
                c.prompt_sha256 == question.prompt_sha256,
                c.model == question.model,
                c.answer.is_not(None),
            )
            .order_by(c.id.desc())
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        row = next((row for row in rows if tuple(row.fields) == question.fields), None)
        if row is None:
            return None
        values = {name: (value, quote) for name, (value, quote) in row.answer["values"].items()}
        return StoredAnswer(values, row.answer["model"], row.prompt_tokens, row.completion_tokens)

    def reserve_call(self, question: Question, budget: ModelBudget) -> int | None:
        """Count a call before it is made; -> its number, or None if the day's budget is used up.

        Checked and counted at once for the whole fleet, so that no number of workers exceeds `daily_calls`. Tokens
        are known only after a call: those in flight may exceed `daily_tokens`.
        """
        now = self._database.clock.now()
        row = {
            "content_sha256": question.content_sha256,
            "fields": list(question.fields),
            "model": question.model,
            "prompt_sha256": question.prompt_sha256,
            "problem": "no answer was recorded",
            "prompt_tokens": 0,
            "completion_tokens": 0,
            "created_at": now,
        }
        with self._database.writing() as connection:
            if not budget.is_unlimited:
                self._database.exclusively(connection, "model_answers.budget")
                calls, tokens = _used(connection, now)
                if _reached(calls, budget.daily_calls) or _reached(tokens, budget.daily_tokens):
                    return None
            result = connection.execute(insert(model_answers).values(row).returning(model_answers.c.id))
            return int(result.scalar_one())

    def save_model_answer(
        self,
        call: int,
        values: Mapping[str, tuple[Any, str]],
        *,
        model: str,
        prompt_tokens: int,
        completion_tokens: int,
    ) -> None:
        """The reserved call was answered. `model` is the one that the answer names."""
        answer = {"model": model, "values": {name: list(pair) for name, pair in values.items()}}
        tokens = {"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens}
        self._settle(call, {"answer": answer, "problem": None, **tokens})

    def save_problem(self, call: int, problem: str) -> None:
        """The reserved call was made and gave nothing usable: it counts, and is made again when asked again."""
        self._settle(call, {"problem": clean(problem)})

    def withdraw_call(self, call: int) -> None:
        """The reserved call was turned away unanswered: it cost nothing and does not count."""
        with self._database.writing() as connection:
            connection.execute(delete(model_answers).where(model_answers.c.id == call))

    def used_today(self) -> tuple[int, int]:
        """Calls and tokens of this UTC day, whole fleet."""
        with self._database.reading() as connection:
            return _used(connection, self._database.clock.now())

    def _settle(self, call: int, change: dict[str, Any]) -> None:
        with self._database.writing() as connection:
            connection.execute(update(model_answers).where(model_answers.c.id == call).values(change))


def _used(connection: Connection, now: datetime) -> tuple[int, int]:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    tokens = func.coalesce(func.sum(model_answers.c.prompt_tokens + model_answers.c.completion_tokens), 0)
    row = connection.execute(select(func.count(), tokens).where(model_answers.c.created_at >= midnight)).one()
    return int(row[0]), int(row[1])


def _reached(used: int, limit: int | None) -> bool:
    return limit is not None and used >= limit
