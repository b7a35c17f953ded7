"""How many jobs there are, and how long the next one has been waiting: for whoever watches the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import func, select

from app.property.storage.engine import Database
from app.property.storage.model_batches import ModelBatchStore
from app.property.storage.model_requests import NO_REQUESTS, ModelRequestStore, RequestFigures
from app.property.storage.models import JobState
from app.property.storage.tables import STATES, jobs
from app.property.storage.watch_budget import WatchDay, WatchLedger
from app.property.storage.watch_models import WatchStatus
from app.property.storage.watches import Watches


@dataclass(frozen=True, slots=True)
class JobFigures:
    """`counts` has all six states. `oldest_queued_seconds` is how long the queued job that waits longest has waited for
    a worker, 0 if none is queued: since it was handed to the broker, or since the end of its last wait for capacity.
    `requests` wait for batches of the model, of which `model_batches` are under way. `watches` are counted by status,
    `watch_day` is what they have cost today."""

    counts: dict[str, int]
    oldest_queued_seconds: float
    requests: RequestFigures = NO_REQUESTS
    model_batches: int = 0
    watches: Mapping[WatchStatus, int] = field(default_factory=dict)
    watch_day: WatchDay | None = None


def read_job_figures(database: Database) -> JobFigures:
    """Both figures at one moment. Reads an index of all jobs, and every queued one: not for each request."""
    waits_since = func.min(func.coalesce(jobs.c.sent_at, jobs.c.created_at), type_=jobs.c.created_at.type)
    by_state = select(jobs.c.state, func.count()).group_by(jobs.c.state)
    with database.reading() as connection:
        found = {row[0]: row[1] for row in connection.execute(by_state)}
        oldest = connection.execute(select(waits_since).where(jobs.c.state == JobState.QUEUED)).scalar_one()
    waited = 0.0 if oldest is None else (database.clock.now() - oldest).total_seconds()
    counts = {state: found.get(state, 0) for state in STATES}
    batches, requests = ModelBatchStore(database), ModelRequestStore(database)
    watches, today = Watches(database).counts(), WatchLedger(database).today()
    return JobFigures(counts, max(0.0, waited), requests.figures(), batches.count_under_way(), watches, today)
