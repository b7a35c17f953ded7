"""Batch API: how far the jobs of one call are, whether its callback was heard, and an end to all of them at once."""

from __future__ import annotations

from datetime import datetime

from fastapi.responses import JSONResponse
from pydantic import BaseModel

from app.property.storage.jobs.models import CallbackState, JobState
from web.auth import OPERATIONS, READING, allow, api_router
from web.context import ContextOf
from web.envelope import answers, failure, success
from web.parameters import BatchesCursor, Id, Limit

router = api_router("/api/v1/batches", "batches")


class CallbackView(BaseModel):
    """`url` is the receiver's origin only, `attempts` how often it was tried, `error` what was wrong the last time."""

    url: str
    state: CallbackState
    attempts: int
    error: str | None


class BatchView(BaseModel):
    """`duplicates` of the `targets` made no new job; jobs of an `economy` batch may wait for the model's batches.

    `completed_at` is null as long as a job is not over.
    """

    id: str
    created_at: datetime
    priority: int
    targets: int
    duplicates: int
    economy: bool
    counts: dict[JobState, int]
    completed_at: datetime | None
    callback: CallbackView | None


class BatchList(BaseModel):
    """`next_cursor` is null on the last page."""

    batches: list[BatchView]
    next_cursor: str | None


@router.get("", summary="List batches", dependencies=[allow(*READING)], responses=answers(BatchList, 422))
def list_batches(context: ContextOf, limit: Limit = 100, cursor: BatchesCursor = None) -> JSONResponse:
    """The newest first."""
    page = context.stores.batches.page(cursor, limit=limit)
    return success({"batches": [batch.as_json() for batch in page.items], "next_cursor": page.next_cursor})


@router.get("/{batch_id}", summary="One batch", dependencies=[allow(*READING)], responses=answers(BatchView, 404, 422))
def get_batch(batch_id: Id, context: ContextOf) -> JSONResponse:
    """Its jobs are at `/api/v1/jobs?batch=`."""
    return success(context.stores.batches.get(batch_id).as_json())


@router.delete(
    "/{batch_id}",
    summary="Cancel a batch",
    dependencies=[allow(*OPERATIONS)],
    responses=answers(BatchView, 404, 409, 422),
)
def cancel_batch(batch_id: Id, context: ContextOf) -> JSONResponse:
    """Ends all its jobs that are not over; one that runs stores no result after this.

    Cancelling twice is fine; a batch that ended without it answers 409.
    """
    batches = context.stores.batches
    cancelled = batches.cancel(batch_id)
    batch = batches.get(batch_id)
    if not cancelled and not batch.counts[JobState.CANCELLED]:
        return failure("batch_is_over", f"Batch {batch_id} is over already and cannot be cancelled.", 409)
    return success(batch.as_json())
