"""Batch API: read the progress of a batch's jobs and callback, or cancel the batch."""

from datetime import datetime

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from app.property.storage.jobs.models import CallbackState, JobState
from web.auth import OPERATIONS, READING, allow, api_router
from web.context import ContextOf
from web.envelope import answers, failure, listed, success
from web.jobs import JobCounts
from web.parameters import BatchesCursor, BatchId, Limit, ListPage

router = api_router("/api/v1/batches", "batches", READING)


class CallbackView(BaseModel):
    """The state of a callback. `url` shows only the origin of the callback URL; `error` is the last attempt's error."""

    url: str = Field(examples=["https://crm.example.com"])
    state: CallbackState = Field(examples=["delivered"])
    attempts: int
    error: str | None


class BatchView(BaseModel):
    """A batch, which contains the jobs of one request. `duplicates` counts the targets that got no new job.

    Jobs of an `economy` batch may wait for model batches. `completed_at` is null until all jobs have ended.
    """

    id: BatchId
    created_at: datetime
    priority: int = Field(examples=[5])
    targets: int = Field(examples=[12])
    duplicates: int = Field(examples=[0])
    economy: bool
    counts: JobCounts
    completed_at: datetime | None
    callback: CallbackView | None


class BatchList(ListPage):
    """Batches, newest first."""

    batches: list[BatchView]


@router.get("", summary="List batches", responses=answers(BatchList, 422))
def list_batches(context: ContextOf, limit: Limit = 100, cursor: BatchesCursor = None) -> JSONResponse:
    """List batches, newest first."""
    return success(listed("batches", context.stores.batches.page(cursor, limit=limit)))


@router.get("/{batch_id}", summary="Read a batch", responses=answers(BatchView, 404, 422))
def get_batch(batch_id: BatchId, context: ContextOf) -> JSONResponse:
    """Return a batch. To list its jobs, use `/api/v1/jobs?batch=BATCH_ID`."""
    return success(context.stores.batches.get(batch_id).as_json())


@router.delete(
    "/{batch_id}",
    summary="Cancel a batch",
    dependencies=[allow(*OPERATIONS)],
    responses=answers(BatchView, 404, 409, 422),
)
def cancel_batch(batch_id: BatchId, context: ContextOf) -> JSONResponse:
    """Cancel all jobs of the batch that have not ended. A running job stores no result after this.

    A repeated request is safe. If all jobs have ended and none was canceled, the status is 409.
    """
    batches = context.stores.batches
    canceled = batches.cancel(batch_id)
    batch = batches.get(batch_id)
    if not canceled and not batch.counts[JobState.CANCELLED]:
        return failure("batch_is_over", f"Batch {batch_id} is over already and cannot be canceled.", 409)
    return success(batch.as_json())
