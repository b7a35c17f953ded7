"""Batch API: how far the jobs of one call are, whether its callback was heard, and an end to all of them at once."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Security
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from app.property.store import CallbackState, JobState
from web.auth import OPERATIONS, AuthenticatedRoute, allow, bearer_scheme
from web.context import Context, context_of
from web.envelope import Failure, Success, failure, success

router = APIRouter(
    prefix="/api/v1/batches",
    tags=["batches"],
    route_class=AuthenticatedRoute,
    dependencies=[Security(bearer_scheme), allow(*OPERATIONS)],
    responses={status: {"model": Failure} for status in (401, 403, 422, 503)},
)
ContextOf = Annotated[Context, Depends(context_of)]


class CallbackView(BaseModel):
    """`url` is the receiver's origin only, `attempts` how often it was tried, `error` what was wrong the last time."""

    url: str
    state: CallbackState
    attempts: int
    error: str | None


class BatchView(BaseModel):
    """`duplicates` of the `targets` made no new job; `completed_at` is null as long as a job is not over."""

    model_config = ConfigDict(extra="allow")

    id: str
    created_at: datetime
    priority: int
    targets: int
    duplicates: int
    counts: dict[JobState, int]
    completed_at: datetime | None
    callback: CallbackView | None


class BatchList(BaseModel):
    batches: list[BatchView]
    limit: int
    offset: int


@router.get("", summary="List batches", responses={200: {"model": Success[BatchList]}})
def list_batches(
    context: ContextOf,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
) -> JSONResponse:
    """The newest first."""
    page = [batch.as_json() for batch in context.stores.batches.list(limit=limit, offset=offset)]
    data: dict[str, Any] = {"batches": page, "limit": limit, "offset": offset}
    return success(data)


@router.get("/{batch_id}", summary="One batch", responses={200: {"model": Success[BatchView]}, 404: {"model": Failure}})
def get_batch(batch_id: str, context: ContextOf) -> JSONResponse:
    """Its jobs are at `/api/v1/jobs?batch=`."""
    return success(context.stores.batches.get(batch_id).as_json())


@router.delete(
    "/{batch_id}",
    summary="Cancel a batch",
    responses={200: {"model": Success[BatchView]}, 404: {"model": Failure}, 409: {"model": Failure}},
)
def cancel_batch(batch_id: str, context: ContextOf) -> JSONResponse:
    """Ends all its jobs that are not over; one that runs stores no result after this.

    Cancelling twice is fine; a batch that ended without it answers 409.
    """
    batches = context.stores.batches
    cancelled = batches.cancel(batch_id)
    batch = batches.get(batch_id)
    if not cancelled and not batch.counts[JobState.CANCELLED]:
        return failure("batch_is_over", f"Batch {batch_id} is over already and cannot be cancelled.", 409)
    return success(batch.as_json())
