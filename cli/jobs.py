"""`propintel jobs`: see how far jobs are, do failed ones again, cancel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from app.printable import printable
from app.property.storage.jobs.models import Batch, Job, JobState
from app.property.storage.jobs.repository import JobStore
from app.property.storage.paging import every
from app.services.runtime.stores import Stores, open_stores
from app.settings import Settings, load_settings
from cli.output import FormatOption, make_table, note, show
from cli.property_tables import tried_table
from tasks._celery.submission import make_sender, resubmit_jobs

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_EXAMPLES = """\b
Examples:
  propintel jobs                            the newest jobs, and how many are in each state
  propintel jobs JOB                        one job; of an address, what came of each source
  propintel jobs --batch BATCH              how far a batch is, and whether its callback was heard
  propintel jobs --batch BATCH --failed     what failed, and why
  propintel jobs --batch BATCH --retry      do what failed again
  propintel jobs --batch BATCH --cancel
"""
_PAGE = 500


@app.command(epilog=_EXAMPLES)
def jobs(
    *,
    job: Annotated[str | None, typer.Argument(metavar="JOB", help="Only this job.")] = None,
    batch: Annotated[str | None, typer.Option("--batch", help="Only this batch.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only those that failed.")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Do them again, if they failed or were cancelled.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Cancel them, if they are not over.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="Show at most so many.")] = 100,
    format_: FormatOption = None,
) -> None:
    """Show jobs, in the order in which they were asked for.

    --retry and --cancel work on all jobs chosen by JOB, --batch or --failed.
    JSON: `{"counts": {state: n}, "jobs": [...]}`; a job has "id", "batch", "target", "state", "error", "property", ...;
    one of an address has "tried": of each source `{"source", "kind", "url", "outcome", "detail"}`.
    With --batch also "batch": `{"id", "targets", "duplicates", "completed_at", "callback", ...}`.
    """
    _check_usage(job, batch, failed, retry, cancel)
    settings = load_settings()
    with open_stores(settings) as stores:
        if batch is not None:
            stores.batches.get(batch)  # says so if there is none
        chosen = _Choice(stores.jobs, job, batch, JobState.FAILED if failed else None)
        if retry:
            _retry(chosen, settings)
        elif cancel:
            _cancel(chosen, stores, batch, limit)
        shown = chosen.shown(limit, after_change=retry or cancel)
        found = stores.batches.get(batch) if batch is not None else None
        counts = found.counts if found is not None else chosen.counts()
    data: dict[str, Any] = {"counts": counts, "jobs": [j.as_json() for j in shown]}
    if found is not None:
        data["batch"] = found.as_json()
    show(data, format_, lambda: _tables(counts, shown, found))


def _check_usage(job: str | None, batch: str | None, failed: bool, retry: bool, cancel: bool) -> None:
    if retry and cancel:
        raise typer.BadParameter("--retry and --cancel exclude each other")
    if job is not None and batch is not None:
        raise typer.BadParameter("name a JOB or a --batch, not both")
    if retry and not (job or batch or failed):
        raise typer.BadParameter("--retry needs to know which jobs: name a JOB, --batch B or --failed")
    if cancel and (failed or not (job or batch)):
        raise typer.BadParameter("--cancel needs to know which jobs: name a JOB or --batch B")


class _Choice:
    """The jobs that the command line names; they are found once, so that a change does not lose sight of them."""

    def __init__(self, store: JobStore, job: str | None, batch: str | None, state: JobState | None) -> None:
        self.store = store
        self._job = store.get(job) if job is not None else None
        self._batch = self._job.batch_id if self._job is not None else batch
        self._state = state
        self._touched: list[str] = []

    def ids(self, *states: JobState, limit: int | None = None) -> list[str]:
        """Of the chosen jobs those in one of `states` (of each up to `limit`); remembered for `shown`."""
        wanted = [state for state in states if self._state in (None, state)]
        if self._job is not None:
            found = [self._job.id] if self._job.state in wanted else []
        else:
            found = [job.id for state in wanted for job in islice(self._all(state), limit)]
        self._touched = found
        return found

    def remark(self) -> str:
        """The state of the one job that was named, for a message."""
        return f" ({self._job.id} is {self._job.state})" if self._job is not None else ""

    def counts(self) -> dict[str, int]:
        return self.store.counts(self._batch)

    def shown(self, limit: int, *, after_change: bool) -> list[Job]:
        """What is to be shown: the jobs that were changed, else the chosen ones, the newest `limit` of them."""
        if self._job is not None:
            return [self.store.get(self._job.id)]
        if after_change:
            return [self.store.get(job_id) for job_id in self._touched[:limit]]
        page = self.store.page(batch=self._batch, state=self._state, limit=limit, newest_first=True)
        return page.items[::-1]

    def _all(self, state: JobState) -> Iterator[Job]:
        return every(partial(self.store.page, batch=self._batch, state=state, limit=_PAGE))


def _retry(chosen: _Choice, settings: Settings) -> None:
    ids = chosen.ids(JobState.FAILED, JobState.CANCELLED)
    queued: list[str] = []
    if ids:
        with closing(make_sender(settings)) as celery_app:
            queued = resubmit_jobs(chosen.store, celery_app, settings, ids)
    if queued:
        note(f"{len(queued)} jobs are queued again")
    elif ids:
        note("nothing to retry: other jobs for the same targets are under way")
    else:
        note(f"nothing to retry: only failed or cancelled jobs are done again{chosen.remark()}")


def _cancel(chosen: _Choice, stores: Stores, batch: str | None, limit: int) -> None:
    """The one job that is named, or all of a batch in one statement; of these `limit` are remembered for showing."""
    ids = chosen.ids(JobState.QUEUED, JobState.RUNNING, JobState.DEFERRED, limit=limit)
    cancelled = stores.batches.cancel(batch) if batch is not None else sum(map(stores.jobs.cancel, ids))
    if cancelled:
        note(f"{cancelled} jobs are cancelled")
    elif ids:
        note("nothing to cancel: the jobs have just ended")
    else:
        note(f"nothing to cancel: only jobs that are not over can be cancelled{chosen.remark()}")


def _tables(counts: dict[str, int], shown: list[Job], batch: Batch | None) -> Iterator[Table | Text]:
    rows: list[tuple[Any, ...]] = [
        (j.id, str(j.state), j.target, j.property_id, j.error["message"] if j.error else _remark(j)) for j in shown
    ]
    yield make_table(None, ("job", "state", "target", "property", "remark"), rows)
    if len(shown) == 1 and shown[0].tried:
        yield tried_table([one.as_json() for one in shown[0].tried])
    yield Text(", ".join(f"{count} {state}" for state, count in counts.items()))
    if batch is not None:
        yield from _about(batch)


def _about(batch: Batch) -> Iterator[Text]:
    jobs = sum(batch.counts.values())
    end = f"complete since {_moment(batch.completed_at)}" if batch.completed_at else "not complete"
    yield Text(f"Batch {batch.id}: {jobs - batch.active} of {jobs} jobs over, {batch.duplicates} duplicates, {end}")
    told = batch.as_json()["callback"]
    if told is not None:
        error = f": {told['error']}" if told["error"] else ""
        yield Text(printable(f"Callback to {told['url']}: {told['state']} after {told['attempts']} attempts{error}"))


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _remark(job: Job) -> str:
    if job.search is not None:
        left_out = ", ".join(f"{count} {why}" for why, count in job.search["left_out"].items())
        found = f"a search: {job.search['found']} listings on {job.search['pages']} pages, {job.search['taken']} taken"
        return f"{found}, left out: {left_out}" if left_out else found
    if job.parked_at is not None:
        return f"waits for a batch of the model since {_moment(job.parked_at)}"
    if job.due_at is not None:
        return f"{'is tried again at' if job.state.is_final else 'waits until'} {_moment(job.due_at)}"
    said = [f"{len(job.wanted_model)} fields left for the model: {job.model_note}"] if job.model_note else []
    if job.tried:
        said.insert(0, f"{sum(one.is_used for one in job.tried)} of {len(job.tried)} sources used")
    return "; ".join(said)
