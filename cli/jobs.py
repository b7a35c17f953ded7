"""`propintel jobs` and `propintel batches`: see jobs and why they failed; retry or cancel them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from app.choices import require_choice
from app.plurals import counted
from app.property.presenting.attempts import used_count
from app.property.presenting.missing import model_note
from app.property.presenting.summary import one_line
from app.property.storage.ids import BATCH, JOB, PROPERTY, find_id, short_ids
from app.property.storage.jobs.models import Batch, Job, JobState, shown_state
from app.property.storage.paging import every
from app.services.runtime.stores import Stores, open_stores
from app.settings import load_settings
from cli.arguments import Limit, choice_option, id_argument
from cli.command import command, new_app
from cli.output import make_facts, make_table, moment, note, show
from cli.property_tables import tried_table
from tasks._celery.submission import make_sender, resubmit_jobs

jobs_app = new_app("jobs", "See jobs and why they failed; retry or cancel them.")
batches_app = new_app("batches", "See batches, the jobs that were enqueued together; retry or cancel them.")

_PAGE = 500
_RETRIED = (JobState.FAILED, JobState.CANCELLED)
#: The values of properties by id.
Records = Mapping[str, Mapping[str, Any]]
JobId = Annotated[str, id_argument(JOB)]
BatchId = Annotated[str, id_argument(BATCH)]
Failed = Annotated[bool, typer.Option("--failed", help="Only failed jobs.")]


@command(jobs_app, "list", "", "--failed", "--batch 0f6c2d91 --state running")
def list_jobs(
    batch: Annotated[str | None, typer.Option("--batch", metavar="BATCH", help="Only jobs of this batch.")] = None,
    state: Annotated[
        JobState | None,
        choice_option("--state", lambda text: JobState(require_choice(text, JobState)), JobState, "Only this state."),
    ] = None,
    failed: Failed = False,
    limit: Limit = 100,
) -> None:
    """List jobs in the order of enqueueing, newest last.

    JSON: `{"counts": {state: n}, "jobs": [...]}`; each job as in `propintel jobs show`.
    """
    if failed and state not in (None, JobState.FAILED):
        raise typer.BadParameter("give either --failed or --state", param_hint="--failed")
    state = JobState.FAILED if failed else state
    with open_stores(load_settings()) as stores:
        batch = find_id(stores.database, batch, BATCH) if batch else None
        jobs = stores.jobs.page(batch=batch, state=state, limit=limit, newest_first=True).items[::-1]
        counts = stores.jobs.counts(batch)
        data = {"counts": counts, "jobs": [job.as_json() for job in jobs]}
        show(data, lambda: _job_list(stores, jobs, counts))


@command(jobs_app, "show", "8e03b1c2")
def show_job(job_id: JobId) -> None:
    """Show one job: its state and why it failed or waits. For an address, the outcome of each source is shown too.

    JSON: `{"id", "batch", "target", "state", "error", "property", "tried", ...}`; each of "tried" is `{"source",
    "kind", "url", "outcome", "detail"}`.
    """
    with open_stores(load_settings()) as stores:
        job = stores.jobs.get(find_id(stores.database, job_id, JOB))
        records = _records(stores, [job])
    show(job.as_json(), lambda: _whole_job(job, records))


@command(jobs_app, "retry", "8e03b1c2 93bd0a17", "--failed")
def retry_jobs(jobs: Annotated[list[str] | None, id_argument(JOB)] = None, failed: Failed = False) -> None:
    """Queue failed or canceled jobs again. A job is left out if another job for its target is in progress.

    JSON: `{"retried": n}`.
    """
    if bool(jobs) is failed:
        raise typer.BadParameter("name jobs, or give --failed for all failed jobs", param_hint="JOB")
    with open_stores(load_settings()) as stores:
        named = [stores.jobs.get(one) for one in _full_ids(stores, jobs or ())]
        chosen = [job.id for job in named if job.state in _RETRIED] if named else _ids(stores, None, JobState.FAILED)
        _retry(stores, list(chosen))
    for job in (job for job in named if job.state not in _RETRIED):
        note(f"{job.id} is {shown_state(job.state)}: only failed and canceled jobs are retried.")


@command(jobs_app, "cancel", "8e03b1c2 93bd0a17")
def cancel_jobs(jobs: Annotated[list[str], id_argument(JOB)]) -> None:
    """Cancel jobs that have not ended. A running job stores no result after this.

    JSON: `{"cancelled": n}`.
    """
    with open_stores(load_settings()) as stores:
        canceled = sum(map(stores.jobs.cancel, _full_ids(stores, jobs)))
    _report_canceled(canceled)


@command(batches_app, "list", "--limit 20")
def list_batches(limit: Limit = 100) -> None:
    """List batches, newest first.

    JSON: a list, each entry as in `propintel batches show`.
    """
    with open_stores(load_settings()) as stores:
        batches = stores.batches.page(limit=limit).items
        show([batch.as_json() for batch in batches], lambda: [_batch_table(stores, batches)])


@command(batches_app, "show", "0f6c2d91")
def show_batch(batch_id: BatchId) -> None:
    """Show one batch: its jobs by state and its callback.

    JSON: `{"id", "created_at", "priority", "targets", "duplicates", "economy", "counts": {state: n}, "completed_at",
    "callback": null or {"url", "state", "attempts", "error"}}`.
    """
    with open_stores(load_settings()) as stores:
        batch = stores.batches.get(find_id(stores.database, batch_id, BATCH))
    show(batch.as_json(), lambda: _whole_batch(batch))


@command(batches_app, "retry", "0f6c2d91", "0f6c2d91 --failed")
def retry_batch(batch_id: BatchId, failed: Failed = False) -> None:
    """Queue the failed and canceled jobs of a batch again. When they have ended, the batch's callback is sent again.

    JSON: `{"retried": n}`.
    """
    with open_stores(load_settings()) as stores:
        batch = stores.batches.get(find_id(stores.database, batch_id, BATCH)).id
        _retry(stores, list(_ids(stores, batch, *((JobState.FAILED,) if failed else _RETRIED))))


@command(batches_app, "cancel", "0f6c2d91")
def cancel_batch(batch_id: BatchId) -> None:
    """Cancel all jobs of a batch that have not ended. Running jobs store no result after this.

    JSON: `{"cancelled": n}`.
    """
    with open_stores(load_settings()) as stores:
        canceled = stores.batches.cancel(find_id(stores.database, batch_id, BATCH))
    _report_canceled(canceled)


def _full_ids(stores: Stores, typed: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(find_id(stores.database, one, JOB) for one in typed))


def _ids(stores: Stores, batch: str | None, *states: JobState) -> Iterator[str]:
    for state in states:
        yield from (job.id for job in every(partial(stores.jobs.page, batch=batch, state=state, limit=_PAGE)))


def _retry(stores: Stores, ids: Sequence[str]) -> None:
    retried: list[str] = []
    if ids:
        with closing(make_sender(stores.settings)) as celery_app:
            retried = resubmit_jobs(stores.jobs, celery_app, stores.settings, ids)
    show({"retried": len(retried)}, lambda: [Text(f"{counted(len(retried), 'job')} queued again")])
    if left := len(ids) - len(retried):
        note(f"{left} not retried: other jobs for the same targets are in progress.")


def _report_canceled(canceled: int) -> None:
    show({"cancelled": canceled}, lambda: [Text(f"{counted(canceled, 'job')} canceled")])
    if not canceled:
        note("Nothing to cancel: all of them have ended.")


def _job_list(stores: Stores, jobs: Sequence[Job], counts: Mapping[str, int]) -> Iterator[Table | Text]:
    ids, records = short_ids(stores.database, JOB, [job.id for job in jobs]), _records(stores, jobs)
    shown = short_ids(stores.database, PROPERTY, [job.property_id for job in jobs])
    rows = [
        (ids[job.id], shown_state(job.state), job.target, shown.get(job.property_id or ""), _result(job, records))
        for job in jobs
    ]
    yield make_table(None, ("job", "state", "target", "property", "result"), rows)
    yield Text(_counted(counts))


def _whole_job(job: Job, records: Records) -> Iterator[Table]:
    facts = [
        ("target", job.target),
        ("state", shown_state(job.state)),
        ("found", _found(job, records)),
        ("note", _remark(job, records)),
        ("batch", job.batch_id),
        ("property", job.property_id),
        ("attempts", job.attempts),
        ("created", moment(job.created_at)),
        ("finished", moment(job.finished_at)),
    ]
    yield make_facts(f"Job {job.id}", facts)
    if job.tried:
        yield tried_table([one.as_json() for one in job.tried])


def _records(stores: Stores, jobs: Sequence[Job]) -> Records:
    return stores.properties.records(job.property_id for job in jobs if job.state is JobState.DONE)


def _found(job: Job, records: Records) -> str:
    """Return the property of a job that is done in one line, else ""."""
    record = records.get(job.property_id or "")
    return one_line(record) if record is not None else ""


def _result(job: Job, records: Records) -> str:
    return "; ".join(filter(None, (_found(job, records), _remark(job, records))))


def _remark(job: Job, records: Records) -> str:
    if job.error:
        return str(job.error["message"])
    if job.search is not None:
        left_out = ", ".join(f"{count} {why}" for why, count in job.search["left_out"].items())
        listings, pages = counted(job.search["found"], "listing"), counted(job.search["pages"], "page")
        found = f"a search: {listings} on {pages}, {job.search['taken']} taken"
        return f"{found}, left out: {left_out}" if left_out else found
    if job.parked_at is not None:
        return f"waiting for a model batch since {moment(job.parked_at)}"
    if job.due_at is not None:
        failures = f"failed {counted(job.attempts, 'time')}; " if job.attempts and not job.state.is_final else ""
        return f"{failures}{'next try at' if job.state.is_final else 'waiting until'} {moment(job.due_at)}"
    used, tried = used_count(one.as_json() for one in job.tried)
    about_model = model_note(job.wanted_model, job.model_note, records.get(job.property_id or "", {}))
    return "; ".join(filter(None, (f"{used} of {counted(tried, 'source')} used" if tried else "", about_model)))


def _batch_table(stores: Stores, batches: Sequence[Batch]) -> Table:
    ids = short_ids(stores.database, BATCH, [batch.id for batch in batches])
    rows = [
        (ids[batch.id], moment(batch.created_at), _progress(batch), batch.counts["failed"], _callback(batch))
        for batch in batches
    ]
    return make_table(None, ("batch", "created (UTC)", "ended", "failed", "callback"), rows)


def _whole_batch(batch: Batch) -> Iterator[Table]:
    facts = [
        ("ended", _progress(batch)),
        ("completed", moment(batch.completed_at)),
        ("jobs", _counted(batch.counts)),
        ("duplicates", batch.duplicates),
        ("created", moment(batch.created_at)),
        ("priority", batch.priority),
        ("callback", _callback(batch)),
    ]
    yield make_facts(f"Batch {batch.id}", facts)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {shown_state(state)}" for state, count in counts.items())


def _progress(batch: Batch) -> str:
    jobs = sum(batch.counts.values())
    return f"{jobs - batch.active} of {jobs}"


def _callback(batch: Batch) -> str:
    callback = batch.as_json()["callback"]
    if callback is None:
        return ""
    error = f": {callback['error']}" if callback["error"] else ""
    return f"{callback['state']} after {counted(callback['attempts'], 'attempt')}, to {callback['url']}{error}"
