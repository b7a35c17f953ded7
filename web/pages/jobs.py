"""The pages of jobs and batches: lists, progress, and failures, and actions that cancel and retry jobs."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from app.property.presenting.missing import model_note
from app.property.presenting.summary import one_line
from app.property.storage.ids import BATCH, JOB
from app.property.storage.jobs.models import Job, JobState
from app.property.storage.paging import every
from tasks._celery.submission import resubmit_jobs
from web.auth import OPERATIONS, READING, Operator, allow
from web.context import Context, ContextOf
from web.pages.rendering import ROWS, live_page, page_addresses
from web.pages.route import SignedInRoute, full_id, inner_path, see_other
from web.parameters import BatchesCursor, BatchFilter, Id, JobsCursor, JobStateFilter

router = APIRouter(route_class=SignedInRoute)


@router.get("/jobs", dependencies=[allow(*READING)])
def list_jobs(
    request: Request,
    context: ContextOf,
    batch: BatchFilter = None,
    state: JobStateFilter = None,
    cursor: JobsCursor = None,
) -> Response:
    """List jobs, newest first. `batch` and `state` are optional filters."""
    jobs = context.stores.jobs
    batch = full_id(context, batch, BATCH) if batch else None
    shown = jobs.page(cursor, batch=batch, state=state, limit=ROWS, newest_first=True)
    return live_page(
        request,
        "jobs",
        counts=jobs.counts(batch),
        jobs=shown.items,
        found=_found(context, shown.items),
        batch=batch,
        state=state,
        **page_addresses("/jobs", cursor, shown.next_cursor, batch=batch, state=state),
    )


@router.get("/jobs/{job_id}", dependencies=[allow(*READING)])
def show_job(request: Request, job_id: Id, context: ContextOf) -> Response:
    job = context.stores.jobs.get(full_id(context, job_id, JOB))
    record = context.stores.properties.records([job.property_id]).get(job.property_id or "", {})
    return live_page(
        request,
        "job",
        job=job,
        found=_found(context, [job]),
        about_model=model_note(job.wanted_model, job.model_note, record),
        tried=[one.as_json() for one in job.tried],
    )


def _found(context: Context, jobs: Sequence[Job]) -> dict[str, str]:
    """Return the properties of jobs in one line, by id."""
    records = context.stores.properties.records(job.property_id for job in jobs)
    return {property_id: one_line(record) for property_id, record in records.items()}


@router.post("/jobs/{job_id}/cancel", dependencies=[allow(*OPERATIONS)])
def cancel_job(job_id: Id, context: ContextOf, back: Annotated[str, Form()] = "") -> Response:
    """Cancel a job, unless it has ended."""
    context.stores.jobs.cancel(job_id)
    return see_other(_row_of(job_id, back))


@router.post("/jobs/{job_id}/retry")
def retry_job(job_id: Id, caller: Operator, context: ContextOf, back: Annotated[str, Form()] = "") -> Response:
    """Retry a job if it failed or was canceled."""
    stores = context.stores
    stores.jobs.get(job_id)
    resubmit_jobs(stores.jobs, context.celery, context.settings, [job_id], context.requester(caller))
    return see_other(_row_of(job_id, back))


def _row_of(job_id: str, back: str) -> str:
    """The URL's fragment keeps the keyboard focus on the job's row."""
    return inner_path(back, f"/jobs/{job_id}") + f"#job-{job_id}"


@router.get("/batches", dependencies=[allow(*READING)])
def list_batches(request: Request, context: ContextOf, cursor: BatchesCursor = None) -> Response:
    shown = context.stores.batches.page(cursor, limit=ROWS)
    addresses = page_addresses("/batches", cursor, shown.next_cursor)
    return live_page(request, "batches", batches=shown.items, **addresses)


@router.get("/batches/{batch_id}", dependencies=[allow(*READING)])
def show_batch(request: Request, batch_id: Id, context: ContextOf) -> Response:
    stores = context.stores
    batch = stores.batches.get(full_id(context, batch_id, BATCH))
    failures = stores.jobs.list(batch=batch.id, state=JobState.FAILED, limit=ROWS)
    return live_page(request, "batch", batch=batch, failures=failures)


@router.post("/batches/{batch_id}/cancel", dependencies=[allow(*OPERATIONS)])
def cancel_batch(batch_id: Id, context: ContextOf) -> Response:
    context.stores.batches.cancel(batch_id)
    return see_other(f"/batches/{batch_id}")


@router.post("/batches/{batch_id}/retry")
def retry_batch(batch_id: Id, caller: Operator, context: ContextOf) -> Response:
    """Retry all failed jobs of a batch, or none if the caller's quota is too small for them."""
    stores = context.stores
    stores.batches.get(batch_id)
    failed = every(partial(stores.jobs.page, batch=batch_id, state=JobState.FAILED, limit=1_000))
    ids = [job.id for job in failed]
    resubmit_jobs(stores.jobs, context.celery, context.settings, ids, context.requester(caller))
    return see_other(f"/batches/{batch_id}")
