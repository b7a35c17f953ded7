"""What a list of targets would come to: how many new jobs, and what such pages took of a model so far. Only looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import exists, func, select

from app.property.store.engine import Database
from app.property.store.enqueueing import without_known
from app.property.store.tables import model_answers, records
from app.property.store.targets import normalise_target

#: the newest pages, by which the next ones are judged
_SAMPLE = 1_000


@dataclass(frozen=True, slots=True)
class Experience:
    """The newest `pages` that were stored: `calls` of them needed an answer of the model, each of these calls took so
    many tokens on average (0 without calls)."""

    pages: int
    calls: int
    input_tokens: float
    output_tokens: float


def new_targets(database: Database, targets: Sequence[str], *, fresh_days: float, refresh: bool) -> list[str]:
    """Those of `targets`, each once and in its one spelling, for which `JobStore.enqueue` would make a job now.

    Raises `InvalidTargetError` for the first that is none.
    """
    wanted = list(dict.fromkeys(normalise_target(target) for target in targets))
    since = None if refresh else database.clock.now() - timedelta(days=fresh_days)
    with database.reading() as connection:
        return without_known(connection, wanted, since)


def experience(database: Database, model: str) -> Experience:
    """What `model` was asked about the newest pages."""
    newest = select(records.c.content_sha256).order_by(records.c.id.desc()).limit(_SAMPLE).subquery()
    asked = model_answers.c.content_sha256 == newest.c.content_sha256, model_answers.c.model == model
    with database.reading() as connection:
        pages = connection.execute(select(func.count()).select_from(newest)).scalar_one()
        calls = connection.execute(select(func.count()).select_from(newest).where(exists().where(*asked))).scalar_one()
        used = func.avg(model_answers.c.prompt_tokens), func.avg(model_answers.c.completion_tokens)
        given, made = connection.execute(
            select(*used).select_from(model_answers.join(newest, asked[0])).where(asked[1])
        ).one()
    return Experience(pages, calls, float(given or 0), float(made or 0))
