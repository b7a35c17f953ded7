"""Store thousands of jobs in all states, created over a day, in about a hundred small batches and a large one."""

import random
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, update

from app.errors.fetching import HttpStatusError
from app.property.storage.database import Database
from app.property.storage.jobs.batches import BatchStore
from app.property.storage.jobs.models import Job as JobRow
from app.property.storage.jobs.models import JobState
from app.property.storage.jobs.repository import JobStore
from benchmarks.pages.past import Past

_BATCHES = 100
#: The share of each state in an unfinished batch. A finished batch has no jobs in the first three states.
_SHARES = {
    JobState.QUEUED: 0.25,
    JobState.RUNNING: 0.02,
    JobState.DEFERRED: 0.05,
    JobState.DONE: 0.53,
    JobState.FAILED: 0.1,
    JobState.CANCELLED: 0.05,
}
_ERROR = HttpStatusError("http://site.example/homes/1", 503)


def fill_jobs(database: Database, count: int, brought: Sequence[str]) -> tuple[str, str]:
    """Store about `count` jobs. Successful jobs belong to the properties `brought`.

    Return the ids of the largest batch and of a failed job in it.
    """
    large = max(10, count // 10)
    small = max(1, (count - large) // _BATCHES)
    sizes = [small] * min(_BATCHES, max(1, (count - large) // small))
    sizes.insert(len(sizes) // 2, large)
    past, chance = Past(database, timedelta(hours=24)), random.Random(2)
    first, batch_of_many, a_failure = 0, "", ""
    with closing(past.database):
        store = JobStore(past.database)
        for turn, size in enumerate(sizes):
            past.move_to(turn / len(sizes))
            targets = [f"http://site.example/homes/{number}" for number in range(first, first + size)]
            made = store.enqueue(targets, refresh=True)
            store.mark_sent(made.jobs, "scrape")
            # the oldest batches are finished; the newest and the large one are not
            is_over = turn < 0.7 * len(sizes) and size != large
            states = [state for state in _SHARES if state.is_final or not is_over]
            drawn = chance.choices(states, [_SHARES[state] for state in states], k=size)
            if size == large:
                drawn[0] = JobState.FAILED
                batch_of_many, a_failure = made.batch, made.jobs[0].id
            rows = [
                {"which": job.id, **_changes(state, past.now(), brought[(first + n) % len(brought)])}
                for n, (job, state) in enumerate(zip(made.jobs, drawn, strict=True))
            ]
            with database.writing() as connection:
                connection.execute(update(JobRow).where(JobRow.id == bindparam("which")), rows)
            first += size
    BatchStore(database).complete(len(sizes))
    return batch_of_many, a_failure


def _changes(state: JobState, at: datetime, property_id: str) -> dict[str, Any]:
    started, ended = state is not JobState.QUEUED, state.is_final
    failed, done, running = state is JobState.FAILED, state is JobState.DONE, state is JobState.RUNNING
    return {
        "state": state,
        "attempts": int(started),
        "started_at": at + timedelta(seconds=2) if started else None,
        "finished_at": at + timedelta(seconds=5) if ended else None,
        "due_at": at + timedelta(hours=25) if state is JobState.DEFERRED else None,
        "error_code": _ERROR.code if failed else None,
        "error_message": str(_ERROR) if failed else None,
        "property_id": property_id if done else None,
        "lease_owner": "worker@host/1" if running else None,
        "lease_expires_at": at + timedelta(hours=25) if running else None,
    }
