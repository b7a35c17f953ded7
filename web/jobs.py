"""Job API: enqueue targets, see how far they are, cancel them, do them again."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Security
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from app.property.store import JobState
from tasks.submission import resubmit_jobs, submit_targets
from web.auth import OPERATIONS, AuthenticatedRoute, allow, bearer_scheme
from web.context import Context, context_of
from web.envelope import Failure, Success, failure, success
from web.limits import MAX_TARGETS

router = APIRouter(
    prefix="/api/v1/jobs",
    tags=["jobs"],
    route_class=AuthenticatedRoute,
    dependencies=[Security(bearer_scheme), allow(*OPERATIONS)],
    responses={status: {"model": Failure} for status in (401, 403, 422, 503)},
)
ContextOf = Annotated[Context, Depends(context_of)]


class JobRequest(BaseModel):
    """What to scrape. A target that is under way, or whose property is fresh, makes no second job."""

    model_config = ConfigDict(extra="forbid")

    targets: list[Annotated[str, Field(min_length=1, max_length=4096)]] = Field(
        min_length=1, max_length=MAX_TARGETS, description="absolute http:// or https:// URLs of property pages"
    )
    priority: int = Field(5, ge=0, le=9, description="0 is the most urgent, 9 the least")
    refresh: bool = Field(False, description="scrape again even if the property is fresh")
    callback_url: str | None = Field(
        None, max_length=4096, description="http:// or https:// URL that gets a signed POST when the batch is complete"
    )


class EnqueuedJobs(BaseModel):
    """`jobs` holds the job of every target, new or already there; `duplicates` counts targets that made no new job."""

    batch: str
    jobs: list[str]
    duplicates: int


class JobView(BaseModel):
    """One job; `error` is `{"code", "message"}` of a failed one, `property` the id of what a done one brought."""

    model_config = ConfigDict(extra="allow")

    id: str
    batch: str
    target: str
    state: JobState
    error: dict[str, str] | None
    property: str | None


class JobList(BaseModel):
    """`counts` has every state, of the batch if one was asked for, whatever page of `jobs` is shown."""

    counts: dict[JobState, int]
    jobs: list[JobView]
    limit: int
    offset: int


@router.post("", status_code=202, summary="Enqueue targets", responses={202: {"model": Success[EnqueuedJobs]}})
def enqueue(request: JobRequest, context: ContextOf) -> JSONResponse:
    """All or nothing: with one target that is none, or without a broker, no job is made."""
    enqueued = submit_targets(
        context.stores.jobs,
        context.celery,
        context.settings,
        request.targets,
        priority=request.priority,
        refresh=request.refresh,
        callback_url=request.callback_url,
    )
    ids = [job.id for job in enqueued.jobs]
    return success({"batch": enqueued.batch, "jobs": ids, "duplicates": enqueued.duplicates}, 202)


@router.get("", summary="List jobs", responses={200: {"model": Success[JobList]}})
def list_jobs(
    context: ContextOf,
    batch: Annotated[str | None, Query(max_length=64)] = None,
    state: JobState | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
) -> JSONResponse:
    """In the order in which they were asked for."""
    jobs = context.stores.jobs
    page = [job.as_json() for job in jobs.list(batch=batch, state=state, limit=limit, offset=offset)]
    data: dict[str, Any] = {"counts": jobs.counts(batch), "jobs": page, "limit": limit, "offset": offset}
    return success(data)


@router.get("/{job_id}", summary="One job", responses={200: {"model": Success[JobView]}, 404: {"model": Failure}})
def get_job(job_id: str, context: ContextOf) -> JSONResponse:
    return success(context.stores.jobs.get(job_id).as_json())


@router.delete(
    "/{job_id}",
    summary="Cancel a job",
    responses={200: {"model": Success[JobView]}, 404: {"model": Failure}, 409: {"model": Failure}},
)
def cancel_job(job_id: str, context: ContextOf) -> JSONResponse:
    """A job that runs stores no result after this. Cancelling twice is fine; a job that has ended answers 409."""
    jobs = context.stores.jobs
    cancelled = jobs.cancel(job_id)
    job = jobs.get(job_id)
    if not cancelled and job.state is not JobState.CANCELLED:
        return failure("job_is_over", f"Job {job_id} is {job.state} already and cannot be cancelled.", 409)
    return success(job.as_json())


@router.post(
    "/{job_id}/retry",
    status_code=202,
    summary="Do a job again",
    responses={202: {"model": Success[JobView]}, 404: {"model": Failure}, 409: {"model": Failure}},
)
def retry_job(job_id: str, context: ContextOf) -> JSONResponse:
    """Queues a failed or cancelled job anew; 409 for another, or while its target is under way in another job."""
    jobs = context.stores.jobs
    job = jobs.get(job_id)
    if resubmit_jobs(jobs, context.celery, context.settings, [job_id]):
        return success(jobs.get(job_id).as_json(), 202)
    if job.state in (JobState.FAILED, JobState.CANCELLED):
        return failure("target_under_way", f"Another job for the target of job {job_id} is under way.", 409)
    message = f"Job {job_id} is {job.state}; only failed and cancelled jobs are done again."
    return failure("job_not_retryable", message, 409)
