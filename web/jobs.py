"""Job API: enqueue targets, see how far they are, cancel them, do them again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from app.access.tokens import Caller
from app.property.record import SourceKind
from app.property.storage.jobs.models import JobState, PageFrom
from tasks._celery.submission import resubmit_jobs, submit_targets
from web.auth import OPERATIONS, READING, allow, api_router
from web.context import ContextOf
from web.envelope import answers, failure, success
from web.idempotency import REPLAYED, IdempotencyKey, request_key
from web.limits import MAX_TARGETS, MeteredTargets
from web.parameters import BatchFilter, Id, JobsCursor, Limit, whole

router = api_router("/api/v1/jobs", "jobs")
_URL = {"format": "http-url"}
_TARGET = {"format": "target"}
Targets = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=4096, json_schema_extra=_TARGET)]],
    Field(
        min_length=1,
        max_length=MAX_TARGETS,
        description="absolute http:// or https:// URLs of property pages, or addresses: house number and street, town "
        "or ZIP code, state",
        examples=[["https://www.example.com/homes/123-main-st", "12 Main St, Springfield, IL 62701"]],
    ),
    AfterValidator(MeteredTargets),
]
Refresh = Annotated[bool, Field(strict=True, description="scrape again even if the property is fresh")]
InBatches = Annotated[
    bool, Field(strict=True, description="not urgent: the model answers within a day, in batches at half the price")
]


class JobRequest(BaseModel):
    """What to scrape. A target that is under way, or whose property is fresh, makes no second job."""

    model_config = ConfigDict(extra="forbid")

    targets: Targets
    priority: Annotated[int, BeforeValidator(whole)] = Field(
        5, ge=0, le=9, strict=True, description="0 is the most urgent, 9 the least"
    )
    refresh: Refresh = False
    economy: InBatches = False
    callback_url: Annotated[str, Field(max_length=4096, json_schema_extra=_URL)] | None = Field(
        None, description="http:// or https:// URL that gets a signed POST when the batch is complete"
    )


class EnqueuedJobs(BaseModel):
    """`jobs` holds the job of every target, new or already there; `duplicates` counts targets that made no new job."""

    batch: str
    jobs: list[str]
    duplicates: int


class JobError(BaseModel):
    """Why a job failed: `code` is a stable word."""

    code: str
    message: str


class SearchView(BaseModel):
    """What a search found, in numbers: `found` listings, of which `taken` are jobs now; the others are `left_out`, by
    why. `ended_by` says why no further page of results was read."""

    pages: int
    found: int
    taken: int
    left_out: dict[str, int]
    ended_by: str


class TriedView(BaseModel):
    """What came of one source of an address: `outcome` is `used`, or a word for why not, which `detail` says in words.
    Without a `url` no page was asked for, or nothing of it is kept."""

    source: str
    kind: SourceKind | None
    url: str | None
    outcome: str
    detail: str | None


class JobView(BaseModel):
    """One job; `error` is that of a failed one, `property` the id of what a done one brought.

    `attempts` leaves out waits for capacity, of which `waited_seconds` is the total. `wanted_model` names the fields
    for which a model was wanted and not heard, `model_note` says why. `due_at` is when a deferred job goes on, or the
    failed job of a watch is queued again; one with `parked_at` waits since then for a batch of the model, which wakes
    it before. `page_from` says how a done job came by its property: only `site` can have cost a call of the model.
    `watch` is the id of the watch that made it.
    `search` is what a done search found, which has no property; `found_by` the job of the search that found its target.
    `tried` has the sources of an address and what came of each; it is there when the job is over.
    """

    id: str
    batch: str
    target: str
    state: JobState
    error: JobError | None
    property: str | None
    page_from: PageFrom | None
    priority: int
    attempts: int
    waited_seconds: float
    wanted_model: list[str]
    model_note: str | None
    due_at: datetime | None
    economy: bool
    parked_at: datetime | None
    watch: str | None
    found_by: str | None
    search: SearchView | None
    tried: list[TriedView]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class JobList(BaseModel):
    """`counts` has every state, of the batch if one was asked for, whatever `jobs` are shown; null where nobody wants
    them. `next_cursor` is null on the last page."""

    counts: dict[JobState, int] | None
    jobs: list[JobView]
    next_cursor: str | None


@router.post(
    "",
    status_code=202,
    summary="Enqueue targets",
    responses=answers(
        EnqueuedJobs, 409, 415, 422, status=202, headers={REPLAYED: "`true`: the answer to an earlier request"}
    ),
)
def enqueue_targets(
    request: JobRequest,
    caller: Annotated[Caller, allow(*OPERATIONS)],
    context: ContextOf,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """All or nothing: with one target that is none, without a broker, or over the quota, no job is made.

    The same `Idempotency-Key` with another body is 422; while the first request is under way, 409.
    """
    key = request_key(caller.id, idempotency_key, request.model_dump()) if idempotency_key is not None else None
    enqueued = submit_targets(
        context.stores.jobs,
        context.celery,
        context.settings,
        request.targets,
        priority=request.priority,
        refresh=request.refresh,
        callback_url=request.callback_url,
        economy=request.economy,
        requester=context.requester(caller, key),
    )
    return success(enqueued.as_json(), 202, {REPLAYED: "true"} if enqueued.repeated else None)


@router.get("", summary="List jobs", dependencies=[allow(*READING)], responses=answers(JobList, 422))
def list_jobs(
    *,
    context: ContextOf,
    batch: BatchFilter = None,
    state: JobState | None = None,
    limit: Limit = 100,
    cursor: JobsCursor = None,
    counts: Annotated[
        bool | None, Query(description="count the jobs by state; by default on the first page only")
    ] = None,
) -> JSONResponse:
    """In the order in which they were asked for."""
    jobs = context.stores.jobs
    page = jobs.page(cursor, batch=batch, state=state, limit=limit)
    shown = [job.as_json() for job in page.items]
    counted = counts if counts is not None else cursor is None
    found = jobs.counts(batch) if counted else None
    return success({"counts": found, "jobs": shown, "next_cursor": page.next_cursor})


@router.get("/{job_id}", summary="One job", dependencies=[allow(*READING)], responses=answers(JobView, 404, 422))
def get_job(job_id: Id, context: ContextOf) -> JSONResponse:
    """Its property, once it is done, is at `/api/v1/properties/`."""
    return success(context.stores.jobs.get(job_id).as_json())


@router.delete(
    "/{job_id}",
    summary="Cancel a job",
    dependencies=[allow(*OPERATIONS)],
    responses=answers(JobView, 404, 409, 422),
)
def cancel_job(job_id: Id, context: ContextOf) -> JSONResponse:
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
    responses=answers(JobView, 404, 409, 422, status=202),
)
def retry_job(job_id: Id, caller: Annotated[Caller, allow(*OPERATIONS)], context: ContextOf) -> JSONResponse:
    """Queues a failed or cancelled job anew; 409 for another, or while its target is under way in another job.

    It counts against the caller's quota like a new job.

    It needs no `Idempotency-Key`: a job that is queued again is not queued a second time.
    """
    jobs = context.stores.jobs
    job = jobs.get(job_id)
    if resubmit_jobs(jobs, context.celery, context.settings, [job_id], context.requester(caller)):
        return success(jobs.get(job_id).as_json(), 202)
    if job.state in (JobState.FAILED, JobState.CANCELLED):
        return failure("target_under_way", f"Another job for the target of job {job_id} is under way.", 409)
    message = f"Job {job_id} is {job.state}; only failed and cancelled jobs are done again."
    return failure("job_not_retryable", message, 409)
