"""Job API: enqueue targets, read, cancel, and retry jobs, and estimate costs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, cast

from fastapi import Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, BeforeValidator, Field

from app.property.record import SourceKind
from app.property.storage.jobs.models import JobState, PageFrom
from app.property.urls.target_lists import InvalidRow
from app.services.reports.estimate import estimate
from tasks._celery.submission import resubmit_jobs, submit_targets
from web.auth import OPERATIONS, READING, Operator, allow, api_router
from web.context import ContextOf
from web.envelope import ErrorBody, answers, failure, listed, success
from web.idempotency import REPLAYED, IdempotencyKey, request_key
from web.limits import MeteredTargets
from web.parameters import (
    BatchFilter,
    BatchId,
    FieldName,
    JobId,
    JobsCursor,
    JobStateFilter,
    Limit,
    ListPage,
    PageUrl,
    PropertyId,
    RequestBody,
    Targets,
    WatchId,
    whole,
)

router = api_router("/api/v1/jobs", "jobs", READING)
estimates = api_router("/api/v1/estimates", "jobs", OPERATIONS)
type JobCounts = Annotated[
    dict[JobState, int],
    Field(examples=[{"queued": 3, "running": 1, "deferred": 0, "done": 7, "failed": 1, "cancelled": 0}]),
]


class EstimateRequest(RequestBody):
    """The targets of a cost estimate, with the options for enqueueing them."""

    targets: Targets = Field(
        description="absolute http:// or https:// URLs of property pages or searches, or addresses: house number and "
        "street, town or ZIP code, state",
        examples=[["https://www.example.com/homes/123-main-st", "12 Main St, Springfield, IL 62701"]],
    )
    refresh: bool = Field(False, strict=True, description="scrape again even if the property is fresh")
    economy: bool = Field(
        False, strict=True, description="not urgent: the model answers within a day, in batches at half the price"
    )
    skip_invalid: bool = Field(
        False, strict=True, description="leave out invalid targets and list them, unless all are invalid"
    )

    def wanted(self) -> tuple[MeteredTargets, list[InvalidRow]]:
        """Return the targets, and the invalid ones that are left out. Raises `InvalidTargetListError` if all are."""
        targets, skipped = cast(MeteredTargets, self.targets), list[InvalidRow]()
        return (targets.valid(skipped), skipped) if self.skip_invalid else (targets, skipped)


class JobRequest(EstimateRequest):
    """The targets to scrape. A target that is in progress, or whose property is fresh, gets no new job."""

    priority: Annotated[int, BeforeValidator(whole)] = Field(
        5, ge=0, le=9, strict=True, description="0 is the most urgent, 9 the least", examples=[5]
    )
    callback_url: Annotated[str, Field(max_length=4096, json_schema_extra={"format": "http-url"})] | None = Field(
        None, description="http:// or https:// URL that gets a signed POST when the batch is complete"
    )


class SkippedTarget(BaseModel):
    """An invalid target that `skip_invalid` left out. `row` is its place in the request, from 1."""

    row: int = Field(examples=[3])
    text: str = Field(examples=["12 Main"])
    reason: str = Field(examples=["is neither a URL nor an address"])


class EnqueuedJobs(BaseModel):
    """`jobs` has the job of every target, new or existing. `duplicates` counts the targets that got no new job.

    `skipped` lists the invalid targets that `skip_invalid` left out.
    """

    batch: BatchId
    jobs: list[JobId]
    duplicates: int = Field(examples=[0])
    skipped: list[SkippedTarget]


type ListingCounts = Annotated[dict[str, int], Field(examples=[{"already_known": 2}])]


class SearchView(BaseModel):
    """The result of a search: `found` listings on `pages` pages, of which `taken` listings became jobs.

    `left_out` counts the others by reason. `ended_by` says why the search read no further page of results.
    """

    pages: int
    found: int
    taken: int
    left_out: ListingCounts
    ended_by: str = Field(examples=["last_page"])


class SourceAttempt(BaseModel):
    """The result for one source of an address. `outcome` is `used`, or a code for why the source was not used.

    `detail` explains the outcome. `url` is null if no page was requested or stored.
    """

    source: str = Field(examples=["Example County Assessor"])
    kind: SourceKind | None = Field(examples=["assessor"])
    url: PageUrl | None
    outcome: str = Field(examples=["used"])
    detail: str | None


class JobView(BaseModel):
    """A job. `error` is set if the job failed; `property` is the ID of the resulting property.

    - `attempts` does not count runs that ended in a wait, such as for capacity of the OpenAI keys. `waited_seconds` is
      the waiting time that counts toward SCRAPE_DEADLINE_SECONDS.
    - `wanted_model` lists fields that needed a model answer and got none; `model_note` says why.
    - `due_at` is when a deferred job continues, or when the failed job of a watch is queued again.
    - `parked_at` is when the job began to wait for a model batch. The batch's answer may come before `due_at`.
    - `page_from` is the origin of the result: `site` means that the page was fetched and read. With any other
      origin, the job called no model.
    - `watch` is the watch that created the job. `found_by` is the job of the search that found the target.
    - `search` is the result of a search. The job of a search has no `property`.
    - `tried` lists the sources of an address after the job has ended.
    """

    id: JobId
    batch: BatchId
    target: PageUrl
    state: JobState = Field(examples=["done"])
    error: ErrorBody | None = Field(examples=[None])
    property: PropertyId | None
    page_from: PageFrom | None = Field(examples=["site"])
    priority: int = Field(examples=[5])
    attempts: int
    waited_seconds: float
    wanted_model: list[FieldName] = Field(examples=[[]])
    model_note: str | None
    due_at: datetime | None
    economy: bool
    parked_at: datetime | None
    watch: WatchId | None = Field(examples=[None])
    found_by: JobId | None = Field(examples=[None])
    search: SearchView | None = Field(examples=[None])
    tried: list[SourceAttempt]
    created_at: datetime
    started_at: datetime | None = Field(examples=["2026-05-04T06:12:10+00:00"])
    finished_at: datetime | None = Field(examples=["2026-05-04T06:12:14+00:00"])


class JobList(ListPage):
    """Jobs, in the order of their requests. `counts` has the number of jobs in each state, or null if not requested.

    With the filter `batch`, `counts` covers that batch, else all jobs. The filter `state` does not apply to `counts`.
    """

    counts: JobCounts | None
    jobs: list[JobView]


class RecentJobs(BaseModel):
    """The number of jobs of the last seven days that the estimate is based on, by kind of target. 0 means that typical
    figures are used.

    A kind that the request does not contain is left out.
    """

    urls: int | None = Field(None, examples=[40])
    addresses: int | None = Field(None, examples=[12])


class EstimateView(BaseModel):
    """The estimated cost of the new `jobs`. `model_calls` includes web searches.

    `usd` is null if the price of the model is unknown. `minutes` is a lower bound, or null if unknown. It is computed
    from the keys' rate limits, and from the delay between requests to the busiest host. `without_source` counts the
    addresses whose jobs would fail, because nothing can be asked about them; `problem` says why and what to do.
    """

    targets: int = Field(examples=[2])
    jobs: int = Field(examples=[2])
    duplicates: int = Field(examples=[0])
    pages: int = Field(examples=[5])
    model: str = Field(examples=["gpt-4.1-mini"])
    model_calls: int = Field(examples=[3])
    tokens: int = Field(examples=[14200])
    usd: float | None = Field(examples=[0.0071])
    minutes: float | None = Field(examples=[0.4])
    recent_jobs: RecentJobs
    economy: bool
    without_source: int = Field(examples=[0])
    problem: str | None = Field(examples=[None])
    skipped: list[SkippedTarget]


@router.post(
    "",
    status_code=202,
    summary="Enqueue targets",
    responses=answers(
        EnqueuedJobs, 409, 415, 422, status=202, headers={REPLAYED: "`true`: the answer to an earlier request"}
    ),
)
def enqueue_jobs(
    request: JobRequest, caller: Operator, context: ContextOf, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """Create a batch with a job for each target.

    An unreachable broker, an exceeded quota, or an invalid target without `skip_invalid` fails the whole request, and
    nothing is enqueued. If
    the `Idempotency-Key` was used with another body, the status is 422. While the first request with the key is still
    running, the status is 409.
    """
    key = request_key(caller.id, idempotency_key, request.model_dump()) if idempotency_key is not None else None
    targets, skipped = request.wanted()
    enqueued = submit_targets(
        context.stores.jobs,
        context.celery,
        context.settings,
        targets,
        priority=request.priority,
        refresh=request.refresh,
        callback_url=request.callback_url,
        economy=request.economy,
        requester=context.requester(caller, key),
    )
    return success(
        {**enqueued.as_json(), "skipped": _shown(skipped)}, 202, {REPLAYED: "true"} if enqueued.repeated else None
    )


@router.get("", summary="List jobs", responses=answers(JobList, 422))
def list_jobs(
    *,
    context: ContextOf,
    batch: BatchFilter = None,
    state: JobStateFilter = None,
    limit: Limit = 100,
    cursor: JobsCursor = None,
    counts: Annotated[bool | None, Query(description="count jobs by state; by default on the first page only")] = None,
) -> JSONResponse:
    """List jobs in the order of their requests."""
    jobs = context.stores.jobs
    page = jobs.page(cursor, batch=batch, state=state, limit=limit)
    counted = counts if counts is not None else cursor is None
    return success({"counts": jobs.counts(batch) if counted else None, **listed("jobs", page)})


@router.get("/{job_id}", summary="Read a job", responses=answers(JobView, 404, 422))
def get_job(job_id: JobId, context: ContextOf) -> JSONResponse:
    """Return a job. When the job is done, read its `property` at `/api/v1/properties/{property_id}`."""
    return success(context.stores.jobs.get(job_id).as_json())


@router.delete(
    "/{job_id}", summary="Cancel a job", dependencies=[allow(*OPERATIONS)], responses=answers(JobView, 404, 409, 422)
)
def cancel_job(job_id: JobId, context: ContextOf) -> JSONResponse:
    """Cancel a job. A running job stores no result after this.

    A repeated request is safe. If the job has ended without being canceled, the status is 409.
    """
    jobs = context.stores.jobs
    canceled = jobs.cancel(job_id)
    job = jobs.get(job_id)
    if not canceled and job.state is not JobState.CANCELLED:
        return failure("job_is_over", f"Job {job_id} is {job.state} already and cannot be canceled.", 409)
    return success(job.as_json())


@router.post(
    "/{job_id}/retry", status_code=202, summary="Retry a job", responses=answers(JobView, 404, 409, 422, status=202)
)
def retry_job(job_id: JobId, caller: Operator, context: ContextOf) -> JSONResponse:
    """Queue a failed or canceled job again. The job counts against the caller's quota like a new job.

    If the job is in another state, or another job for its target is in progress, the status is 409. A repeated request
    is safe without an `Idempotency-Key`.
    """
    jobs = context.stores.jobs
    job = jobs.get(job_id)
    if resubmit_jobs(jobs, context.celery, context.settings, [job_id], context.requester(caller)):
        return success(jobs.get(job_id).as_json(), 202)
    if job.state in (JobState.FAILED, JobState.CANCELLED):
        return failure("target_under_way", f"The target of job {job_id} is in progress in another job.", 409)
    message = f"Job {job_id} is {job.state}; only failed and canceled jobs can be retried."
    return failure("job_not_retryable", message, 409)


@estimates.post("", summary="Estimate the cost of targets", responses=answers(EstimateView, 415, 422))
def estimate_jobs(request: EstimateRequest, context: ContextOf) -> JSONResponse:
    """Estimate the cost of scraping the targets. Nothing is enqueued, fetched, or sent to the model."""
    targets, skipped = request.wanted()
    found = estimate(
        context.stores.database,
        context.keys,
        context.settings,
        targets,
        refresh=request.refresh,
        economy=request.economy,
    )
    return success({**found.as_json(), "skipped": _shown(skipped)})


def _shown(skipped: Sequence[InvalidRow]) -> list[dict[str, Any]]:
    return [row.as_json() for row in skipped]
