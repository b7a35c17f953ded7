"""Compute statistics of unfinished and recently finished jobs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import case, func, select

from app.property.storage.database import Database
from app.property.storage.jobs.models import DailyUsage, Job, JobState
from app.property.storage.keys.tables import KeyHour
from app.property.storage.llm.batches import LlmBatchStore
from app.property.storage.llm.requests import LlmRequestStore, RequestFigures
from app.property.storage.llm.tables import CacheKind, LlmCache
from app.property.storage.types import ACTIVE
from app.property.storage.watches.budget import SUBJECT, Charge, WatchDay, watch_day
from app.property.storage.watches.models import WatchStatus
from app.property.storage.watches.repository import Watches

#: Cost estimates use the work of this many days before today, and of today.
RECENT_DAYS = 7


@dataclass(frozen=True, slots=True)
class JobFigures:
    """Counts of unfinished work.

    `counts` is the number of jobs in each active state. `oldest_queued_seconds` is the longest wait of a queued job for
    a worker, or 0 if none is queued. A wait begins when the job's message was sent or its countdown ended; if it was
    never sent, when the job was created. `requests` counts unfinished model requests, and `model_batches` unfinished
    OpenAI batches. `watch_day` is today's use of the watch budget.
    """

    counts: dict[str, int]
    oldest_queued_seconds: float
    requests: RequestFigures = field(default_factory=RequestFigures)
    model_batches: int = 0
    watches: Mapping[WatchStatus, int] = field(default_factory=dict)
    watch_day: WatchDay | None = None


def read_job_figures(database: Database) -> JobFigures:
    waits_since = func.min(func.coalesce(Job.sent_at, Job.created_at), type_=Job.created_at.type)
    counts = dict.fromkeys(ACTIVE, 0)
    by_state = select(Job.state, func.count()).where(Job.state.in_(ACTIVE)).group_by(Job.state)
    with database.reading() as connection:
        counts |= {row.state: row[1] for row in connection.execute(by_state)}
        oldest = connection.execute(select(waits_since).where(Job.state == JobState.QUEUED)).scalar_one()
    waited = 0.0 if oldest is None else (database.clock.now() - oldest).total_seconds()
    batches, requests = LlmBatchStore(database), LlmRequestStore(database)
    watches, today = Watches(database).counts(), watch_day(database)
    return JobFigures(counts, max(0.0, waited), requests.figures(), batches.count_under_way(), watches, today)


@dataclass(frozen=True, slots=True)
class RecentWork:
    """Work of recently finished jobs, except jobs of watches.

    `urls` and `addresses` count URL jobs and address jobs. Web searches are not in `calls` and the token counts, but in
    `searches` and `search_tokens` (input tokens).
    """

    urls: int
    addresses: int
    calls: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    searches: int
    search_tokens: int


def read_recent_work(database: Database) -> RecentWork:
    """Return the work of today (UTC) and of the `RECENT_DAYS` days before. The share of watches is estimated and
    subtracted.
    """
    today = database.clock.now().date() - timedelta(days=RECENT_DAYS)
    since = datetime.combine(today, time(), UTC)
    h = KeyHour
    recent = Job.finished_at >= since, Job.state.in_((JobState.DONE, JobState.FAILED)), Job.watch_id.is_(None)
    of_urls = func.coalesce(func.sum(case((Job.target.like("http%://%"), 1), else_=0)), 0)
    figures = (h.successes, h.input_tokens, h.cached_tokens, h.output_tokens)
    of_searches = LlmCache.kind == CacheKind.SEARCH, LlmCache.created_at >= since
    queries = (
        select(of_urls, func.count() - of_urls).where(*recent),
        select(*(func.coalesce(func.sum(figure), 0) for figure in figures)).where(h.hour >= since, h.model != ""),
        select(func.count(), func.coalesce(func.sum(LlmCache.prompt_tokens), 0)).where(*of_searches),
        select(func.coalesce(func.sum(DailyUsage.amount), 0)).where(
            DailyUsage.day >= today, DailyUsage.subject == SUBJECT, DailyUsage.unit == Charge.MODEL_CALL
        ),
    )
    with database.reading() as connection:
        values = [int(value) for query in queries for value in connection.execute(query).one()]
    urls, addresses, calls, given, cached, made, searches, searched, of_watches = values
    # tokens are not counted per job, so they are divided like the calls
    asked_for_pages = max(0, calls - searches)
    share = max(0, asked_for_pages - of_watches) / max(1, asked_for_pages)
    used = (asked_for_pages, max(0, given - searched), cached, made)
    calls, given, cached, made = (round(figure * share) for figure in used)
    return RecentWork(urls, addresses, calls, given, cached, made, searches, searched)
