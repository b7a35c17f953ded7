"""What a list of targets would come to: how many new jobs, and what such targets took so far. Only looks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select

from app.property.storage.engine import Database
from app.property.storage.enqueueing import without_known
from app.property.storage.job_sources import tried_by
from app.property.storage.models import JobState
from app.property.storage.rows import chunks
from app.property.storage.tables import job_sources, jobs, key_hours, model_answers, pages, records, web_searches
from app.property.urls.rows import answer_of
from app.property.urls.targets import normalise_target

#: the newest pages and the newest jobs of addresses, by which the next ones are judged
_PAGES, _JOBS = 1_000, 500
#: how far back cached tokens are looked at
CACHED_DAYS = 7


@dataclass(frozen=True, slots=True)
class Took:
    """What one target took: `pages` that sites were asked for, `calls` of the model for what pages say, `searches` of
    the web by it, and the tokens of both."""

    pages: int = 1
    calls: int = 0
    searches: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    search_input_tokens: int = 0
    search_output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class AddressTook:
    """What the job of the address `target` took; `sources` are the names of those that it was asked of."""

    target: str
    sources: frozenset[str]
    took: Took


def new_targets(database: Database, targets: Sequence[str], *, fresh_days: float, refresh: bool) -> list[str]:
    """Those of `targets`, each once and in its one spelling, for which `JobStore.enqueue` would make a job now.

    Raises `InvalidTargetError` for the first that is none.
    """
    wanted = list(dict.fromkeys(normalise_target(target) for target in targets))
    since = None if refresh else database.clock.now() - timedelta(days=fresh_days)
    with database.reading() as connection:
        return without_known(connection, wanted, since)


def pages_took(database: Database, model: str) -> list[Took]:
    """What `model` was asked about each of the newest pages, without those that jobs read for an address: of these one
    is asked about for all.
    """
    for_address = select(job_sources.c.job_id).where(job_sources.c.url == records.c.url).exists()
    newest = select(records.c.id, records.c.content_sha256).where(~for_address)
    newest_pages = newest.order_by(records.c.id.desc()).limit(_PAGES).subquery()
    a = model_answers.c
    asked = (a.content_sha256 == newest_pages.c.content_sha256) & (a.model == model)
    query = select(func.count(a.id), func.sum(a.prompt_tokens), func.sum(a.completion_tokens))
    query = query.select_from(newest_pages.outerjoin(model_answers, asked)).group_by(newest_pages.c.id)
    with database.reading() as connection:
        return [
            Took(calls=calls, input_tokens=int(given or 0), output_tokens=int(made or 0))
            for calls, given, made in connection.execute(query)
        ]


def cached_share(database: Database, model: str) -> float | None:
    """The share (0 to 1) of the input of `model` that its provider had in its cache in the last `CACHED_DAYS` days;
    None where nothing was counted."""
    c, since = key_hours.c, database.clock.now() - timedelta(days=CACHED_DAYS)
    query = select(func.sum(c.cached_tokens), func.sum(c.input_tokens)).where(c.model == model, c.hour >= since)
    with database.reading() as connection:
        cached, given = connection.execute(query).one()
    return float(cached / given) if given else None


def addresses_took(database: Database, model: str) -> list[AddressTook]:
    """What each of the newest jobs took that asked sources about an address, whether it found anything or not.

    Left out are those that are not over, and those whose pages are not kept any more: what was asked of them is not
    known either.
    """
    ended = jobs.c.state.in_((JobState.DONE, JobState.FAILED)), jobs.c.finished_at.is_not(None)
    asked = select(job_sources.c.job_id).distinct().subquery()
    query = select(jobs.c.id, jobs.c.target, jobs.c.state, jobs.c.started_at, jobs.c.finished_at)
    query = query.join(asked, asked.c.job_id == jobs.c.id).where(*ended)
    with database.reading() as connection:
        newest = connection.execute(query.order_by(jobs.c.created_at.desc(), jobs.c.id).limit(_JOBS)).all()
        return list(_took(connection, newest, model))


def _took(connection: Connection, ended: Sequence[Any], model: str) -> Iterable[AddressTook]:
    ids = [job.id for job in ended]
    tried = tried_by(connection, ids)
    p, a, s = pages.c, model_answers.c, web_searches.c
    got = _grouped(connection, select(p.job_id, p.url, p.sha256), p.job_id, ids)
    bodies = sorted({row.sha256 for rows in got.values() for row in rows})
    query = select(a.content_sha256, a.created_at, a.prompt_tokens, a.completion_tokens).where(a.model == model)
    answers = _grouped(connection, query, a.content_sha256, bodies)
    query = select(s.target, s.asked_at, s.prompt_tokens, s.completion_tokens)
    searches = _grouped(connection, query, s.target, sorted({job.target for job in ended}))
    for job in ended:
        mine = got.get(job.id, ())
        if not mine and job.state == JobState.DONE:
            continue
        hashes = {row.sha256 for row in mine}
        began = job.started_at or job.finished_at
        called = [row for one in hashes for row in answers.get(one, ()) if began <= row.created_at <= job.finished_at]
        searched = [row for row in searches.get(job.target, ()) if began <= row.asked_at <= job.finished_at]
        urls = {row.url for row in mine} | {answer_of(one.url) for one in tried[job.id] if one.url and one.was_asked}
        took = Took(
            pages=len(urls),
            calls=len(called),
            searches=len(searched),
            input_tokens=sum(row.prompt_tokens for row in called),
            output_tokens=sum(row.completion_tokens for row in called),
            search_input_tokens=sum(row.prompt_tokens for row in searched),
            search_output_tokens=sum(row.completion_tokens for row in searched),
        )
        yield AddressTook(job.target, frozenset(one.source for one in tried[job.id]), took)


def _grouped(connection: Connection, query: Any, column: Any, values: Sequence[str]) -> dict[str, list[Row[Any]]]:
    """The rows of `query` whose first column, which is `column`, is one of `values`, by that."""
    found: dict[str, list[Row[Any]]] = {}
    for some in chunks(values):
        for row in connection.execute(query.where(column.in_(some))):
            found.setdefault(row[0], []).append(row)
    return found
