"""Job pages: what was asked, how far it is, and the hand that cancels it or does it again."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from app.access.tokens import Caller
from app.property.storage.jobs.models import JobState
from app.property.storage.paging import every
from tasks._celery.submission import resubmit_jobs
from web.auth import OPERATIONS, READING, allow
from web.context import ContextOf
from web.pages.rendering import address, live_page
from web.pages.route import SignedInRoute, inner_path, see_other
from web.parameters import BatchesCursor, BatchFilter, Id, JobsCursor

router = APIRouter(route_class=SignedInRoute)
_ROWS = 50
Operator = Annotated[Caller, allow(*OPERATIONS)]


@router.get("/jobs", dependencies=[allow(*READING)])
def list_jobs(
    request: Request,
    context: ContextOf,
    batch: BatchFilter = None,
    state: JobState | None = None,
    cursor: JobsCursor = None,
) -> Response:
    """The newest first, of all batches or of one, in all states or in one."""
    jobs = context.stores.jobs
    shown = jobs.page(cursor, batch=batch, state=state, limit=_ROWS, newest_first=True)
    chosen = {name: value for name, value in (("batch", batch), ("state", state)) if value}
    return live_page(
        request,
        "jobs",
        counts=jobs.counts(batch),
        jobs=shown.items,
        batch=batch,
        state=state,
        here=address("/jobs", **chosen, cursor=cursor),
        next_page=address("/jobs", **chosen, cursor=shown.next_cursor) if shown.next_cursor else "",
        states=list(JobState),
    )


@router.get("/jobs/{job_id}", dependencies=[allow(*READING)])
def show_job(request: Request, job_id: Id, context: ContextOf) -> Response:
    return live_page(request, "job", job=context.stores.jobs.get(job_id))


@router.post("/jobs/{job_id}/cancel", dependencies=[allow(*OPERATIONS)])
def cancel_job(job_id: Id, context: ContextOf, back: Annotated[str, Form()] = "") -> Response:
    """Cancelling one that has ended changes nothing: the page shows how it ended."""
    context.stores.jobs.cancel(job_id)
    return see_other(_row_of(job_id, back))


@router.post("/jobs/{job_id}/retry")
def retry_job(job_id: Id, caller: Operator, context: ContextOf, back: Annotated[str, Form()] = "") -> Response:
    """As for `cancel_job`: one that is not failed or cancelled stays as it is."""
    stores = context.stores
    stores.jobs.get(job_id)
    resubmit_jobs(stores.jobs, context.celery, context.settings, [job_id], context.requester(caller))
    return see_other(_row_of(job_id, back))


def _row_of(job_id: str, back: str) -> str:
    """Where its sender was: a keyboard then goes on at the job's row, not at the top of the page."""
    return inner_path(back, f"/jobs/{job_id}") + f"#job-{job_id}"


@router.get("/batches", dependencies=[allow(*READING)])
def list_batches(request: Request, context: ContextOf, cursor: BatchesCursor = None) -> Response:
    shown = context.stores.batches.page(cursor, limit=_ROWS)
    return live_page(
        request,
        "batches",
        batches=shown.items,
        here=address("/batches", cursor=cursor),
        next_page=address("/batches", cursor=shown.next_cursor) if shown.next_cursor else "",
    )


@router.get("/batches/{batch_id}", dependencies=[allow(*READING)])
def show_batch(request: Request, batch_id: Id, context: ContextOf) -> Response:
    stores = context.stores
    batch = stores.batches.get(batch_id)
    return live_page(
        request, "batch", batch=batch, failures=stores.jobs.list(batch=batch_id, state=JobState.FAILED, limit=_ROWS)
    )


@router.post("/batches/{batch_id}/cancel", dependencies=[allow(*OPERATIONS)])
def cancel_batch(batch_id: Id, context: ContextOf) -> Response:
    """Ends all its jobs that are not over."""
    context.stores.batches.cancel(batch_id)
    return see_other(f"/batches/{batch_id}")


@router.post("/batches/{batch_id}/retry")
def retry_batch(batch_id: Id, caller: Operator, context: ContextOf) -> Response:
    """Does its failed jobs again, all or none: they count against the caller's quota."""
    stores = context.stores
    stores.batches.get(batch_id)
    failed = every(partial(stores.jobs.page, batch=batch_id, state=JobState.FAILED, limit=1_000))
    ids = [job.id for job in failed]
    resubmit_jobs(stores.jobs, context.celery, context.settings, ids, context.requester(caller))
    return see_other(f"/batches/{batch_id}")
