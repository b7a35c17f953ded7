"""Wait for jobs that workers run, with a progress bar if stderr is a terminal."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from datetime import datetime
from enum import Enum, auto
from functools import partial
from itertools import chain
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from app.clock import Clock
from app.plurals import counted
from app.property.storage.jobs.models import Enqueued, Job, JobState, shown_state
from app.property.storage.jobs.repository import JobStore
from app.property.storage.paging import every
from app.services.runtime.heartbeats import MAINTENANCE_NODE, read_heartbeats
from cli.output import note, stderr_console

_POLL_SECONDS = 0.5
#: If nothing changes within this time, a note says why.
_SILENCE_SECONDS = 15.0
_PAGE = 500
_PENDING = tuple(state for state in JobState if not state.is_final)


class _Reason(Enum):
    """Why no job goes on: one runs, waits for its next attempt, or no worker is free, takes jobs, or runs."""

    RUNNING = auto()
    AGAIN = auto()
    BUSY = auto()
    IDLE = auto()
    MISSING = auto()


#: Shows progress: how many jobs have ended, the counts of the batch by state, and how many jobs belong to other
#: batches.
_Meter = Callable[[int, Mapping[str, int], int], None]


def wait_for_jobs(jobs: JobStore, enqueued: Enqueued, clock: Clock, home: Path) -> list[Job]:
    """Wait for all jobs of `enqueued`, including existing jobs and jobs created by a search. Return the jobs.

    If nothing happens for a while, a note says why, once for each reason. `home` has the heartbeats of workers.
    """
    others = {job.id for job in enqueued.jobs} - set(enqueued.new)
    changed_at, seen, said = clock.now(), None, set[_Reason]()
    with _meter(len(enqueued.jobs)) as show:
        while True:
            counts = jobs.counts(enqueued.batch)
            waiting = sum(counts[state] for state in JobState if not state.is_final)
            others_over = {job_id for job_id in others if jobs.get(job_id).state.is_final}
            show(sum(counts.values()) - waiting + len(others_over), counts, len(others))
            if not waiting and others_over == others:
                return _as_they_ended(jobs, enqueued)
            if seen != (counts, others_over):
                changed_at, seen = clock.now(), (counts, others_over)
            if (clock.now() - changed_at).total_seconds() > _SILENCE_SECONDS:
                reason, text = _reason_of_silence(jobs, enqueued, others - others_over, clock.now(), home)
                if text and reason not in said:
                    note(text)
                said.add(reason)
            clock.sleep(_POLL_SECONDS)


def _reason_of_silence(
    jobs: JobStore, enqueued: Enqueued, others: Set[str], now: datetime, home: Path
) -> tuple[_Reason, str]:
    """Return why no job goes on, and a text for the user, which is "" if there is nothing to say."""
    pages = (jobs.page(batch=enqueued.batch, state=state, limit=_PAGE).items for state in _PENDING)
    pending = [*chain(*pages), *map(jobs.get, others)]
    if any(job.state is JobState.RUNNING for job in pending):
        return _Reason.RUNNING, ""
    if again := [job for job in pending if job.started_at is not None]:
        return _Reason.AGAIN, _next_attempt(again, now)
    if any(count for state, count in jobs.counts(enqueued.batch).items() if JobState(state).is_final):
        return _Reason.RUNNING, ""  # a worker has ended jobs of this list, and takes the others in turn
    if running := jobs.counts()[JobState.RUNNING]:
        return (
            _Reason.BUSY,
            f"Workers are running but busy: {counted(running, 'other job is', 'other jobs are')} first.",
        )
    silence = f"No worker has taken a job for {_SILENCE_SECONDS:.0f} s"
    if any(beat.is_fresh(now) for beat in read_heartbeats(home) if not beat.node.startswith(MAINTENANCE_NODE)):
        return _Reason.IDLE, f"{silence}, although one is running. `propintel doctor` checks it."
    return _Reason.MISSING, f"{silence}: no worker is running here. Run `propintel up`."


def _next_attempt(again: Sequence[Job], now: datetime) -> str:
    job = min(again, key=lambda one: one.due_at or now)
    what = f"failed {counted(job.attempts, 'time')}" if job.attempts else "has to wait"
    seconds = round((job.due_at - now).total_seconds()) if job.due_at else 0
    more = f" ({counted(len(again) - 1, 'other job waits', 'other jobs wait')} too)" if len(again) > 1 else ""
    when = f"in {seconds} s" if seconds > 0 else "as soon as a worker is free"
    return f"A worker took job {job.id[:8]}; it {what}. Next attempt {when}{more}."


def _as_they_ended(jobs: JobStore, enqueued: Enqueued) -> list[Job]:
    new = set(enqueued.new)
    ended = every(partial(jobs.page, batch=enqueued.batch, limit=_PAGE))
    return list(ended) + [jobs.get(job.id) for job in enqueued.jobs if job.id not in new]


@contextmanager
def _meter(total: int) -> Iterator[_Meter]:
    if not sys.stderr.isatty():
        yield lambda _over, _counts, _others: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=stderr_console(), transient=False) as progress:
        bar = progress.add_task("enqueued", total=total)

        def show(over: int, counts: Mapping[str, int], others: int) -> None:
            words = [f"{counts[state]} {shown_state(state)}" for state in JobState if counts[state]]
            known = sum(counts.values()) + others  # not `total`, because a search adds jobs to its batch
            progress.update(bar, total=known, completed=over, description=", ".join(words) or "jobs of earlier batches")

        yield show
