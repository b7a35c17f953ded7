"""Wait for jobs that workers run, with a progress bar if stderr is a terminal."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from app.clock import Clock
from app.property.storage.jobs.models import Enqueued, Job, JobState, shown_state
from app.property.storage.jobs.repository import JobStore
from app.property.storage.paging import every
from cli.output import note, stderr_console

_POLL_SECONDS = 0.5
#: If no worker starts a job within this time, a note asks whether a worker is running.
_SILENCE_SECONDS = 15.0
_PAGE = 500


#: Shows progress: how many jobs have ended, the counts of the batch by state, and how many jobs belong to other
#: batches.
_Meter = Callable[[int, Mapping[str, int], int], None]


def wait_for_jobs(jobs: JobStore, enqueued: Enqueued, clock: Clock) -> list[Job]:
    """Wait for all jobs of `enqueued`, including existing jobs and jobs created by a search. Return the jobs."""
    others = {job.id for job in enqueued.jobs} - set(enqueued.new)
    started, warned = clock.now(), False
    with _meter(len(enqueued.jobs)) as show:
        while True:
            counts = jobs.counts(enqueued.batch)
            waiting = sum(counts[state] for state in JobState if not state.is_final)
            others_over = {job_id for job_id in others if jobs.get(job_id).state.is_final}
            show(sum(counts.values()) - waiting + len(others_over), counts, len(others))
            if not waiting and others_over == others:
                return _as_they_ended(jobs, enqueued)
            untouched = counts[JobState.QUEUED] == len(enqueued.new) > 0
            if untouched and not warned and (clock.now() - started).total_seconds() > _SILENCE_SECONDS:
                warned = True
                note(f"No worker has taken a job for {_SILENCE_SECONDS:.0f} s. Is `propintel up` running?")
            clock.sleep(_POLL_SECONDS)


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
