"""Watch API: refresh properties, URLs, and addresses on a schedule, within a daily budget."""

from datetime import date, datetime
from typing import Annotated

from fastapi.responses import JSONResponse
from pydantic import BaseModel, BeforeValidator, Field

from app.property.storage.watches.models import WatchKind, WatchStatus
from app.property.storage.watches.repository import MOST_INTERVAL_DAYS, Watches
from app.services.watches import watching
from web.auth import OPERATIONS, READING, Operator, allow, api_router
from web.context import ContextOf
from web.envelope import ErrorBody, answers, listed, success
from web.parameters import (
    Limit,
    ListPage,
    PropertyId,
    RequestBody,
    Targets,
    WatchesCursor,
    WatchId,
    WatchStatusFilter,
    Who,
    whole,
)

router = api_router("/api/v1/watches", "watches", READING)
type WatchCounts = Annotated[
    dict[WatchStatus, int], Field(examples=[{"waiting": 12, "due": 0, "put_off": 0, "under_way": 1, "paused": 0}])
]


class WatchRequest(RequestBody):
    """The targets to watch. A home has one watch: if it is already watched, by whatever name, that watch gets the new
    interval, and resumes if paused.
    """

    targets: Targets = Field(
        description="IDs of stored properties, absolute http:// or https:// URLs of pages or searches, or addresses",
        examples=[["3f2c9a7be1d04f6fa1b2c3d4e5f60718", "https://www.example.com/homes/123-main-st"]],
    )
    interval_days: Annotated[int, Field(ge=1, le=MOST_INTERVAL_DAYS, strict=True), BeforeValidator(whole)] | None = (
        Field(None, description="null: WATCH_INTERVAL_DAYS", examples=[7])
    )


class WatchView(BaseModel):
    """A watch. `target` is a property ID, or a normalized URL or address.

    The `property` of a URL or an address is known after the first refresh. The status `put_off` means that the watch
    has waited for the daily budget since `put_off_at`. Such a watch is refreshed first on the next day. `failures`
    counts consecutive failed refreshes.
    """

    id: WatchId
    kind: WatchKind
    target: str = Field(examples=["3f2c9a7be1d04f6fa1b2c3d4e5f60718"])
    property: PropertyId | None
    interval_days: int = Field(examples=[7])
    status: WatchStatus
    pause_reason: str | None
    due_at: datetime
    put_off_at: datetime | None
    under_way_since: datetime | None
    failures: int = Field(examples=[0])
    error: ErrorBody | None = Field(examples=[None])
    refreshed_at: datetime | None
    created_at: datetime
    created_by: Who


class KnownWatch(BaseModel):
    """A target, and the watch that its home had before."""

    target: str = Field(examples=["12 MAIN ST, SPRINGFIELD, IL 62701"])
    watch: WatchId


class AddedWatches(BaseModel):
    """The watches in the order of the targets, without duplicates. `new` of them were created by this request.

    `already_watched` lists the targets whose home was watched before, by whatever name, with the existing watches.
    """

    new: int
    already_watched: list[KnownWatch]
    watches: list[WatchView]


class BudgetUse(BaseModel):
    """The used part of a daily budget, and the limit of the budget."""

    used: int = Field(examples=[40])
    limit: int = Field(examples=[500])


class WatchBudget(BaseModel):
    """The budget that all watches share on the UTC `day`."""

    day: date
    resets_at: datetime = Field(examples=["2026-05-05T00:00:00+00:00"])
    pages: BudgetUse
    model_calls: BudgetUse


class WatchList(ListPage):
    """One page of watches, oldest first. `counts` and `budget` cover all watches, not only this page."""

    counts: WatchCounts
    budget: WatchBudget
    watches: list[WatchView]


class RemovedWatch(BaseModel):
    """The ID of the removed watch, and how many of its jobs were canceled."""

    id: WatchId
    cancelled_jobs: int


@router.post("", summary="Watch targets", responses=answers(AddedWatches, 404, 409, 415, 422))
def add_watches(request: WatchRequest, caller: Operator, context: ContextOf) -> JSONResponse:
    """Watch all targets, or none if there is an error.

    An unknown property ID gives 404, and more than WATCH_MAX_WATCHES watches give 409. A repeated request is safe
    without an `Idempotency-Key`.
    """
    settings = context.settings
    added = Watches(context.stores.database).add(
        request.targets,
        interval_days=request.interval_days or settings.watch.interval_days,
        who=caller.who,
        most=settings.watch.max_watches,
        requester=context.requester(caller),
    )
    return success(added.as_json())


@router.get("", summary="List watches", responses=answers(WatchList, 422))
def list_watches(
    context: ContextOf, status: WatchStatusFilter = None, limit: Limit = 100, cursor: WatchesCursor = None
) -> JSONResponse:
    """List watches, oldest first, and show how much of today's budget is used."""
    database = context.stores.database
    page = Watches(database).page(cursor, status=status, limit=limit)
    return success({**watching.summary(database, context.settings).as_json(), **listed("watches", page)})


@router.get("/{watch_id}", summary="Read a watch", responses=answers(WatchView, 404, 422))
def get_watch(watch_id: WatchId, context: ContextOf) -> JSONResponse:
    """Return a watch."""
    return success(Watches(context.stores.database).get(watch_id).as_json())


@router.delete(
    "/{watch_id}",
    summary="Remove a watch",
    dependencies=[allow(*OPERATIONS)],
    responses=answers(RemovedWatch, 404, 422),
)
def remove_watch(watch_id: WatchId, context: ContextOf) -> JSONResponse:
    """Remove a watch, and cancel its jobs that no worker has started. Running jobs continue; stored data stays."""
    canceled = Watches(context.stores.database).remove(watch_id)
    return success({"id": watch_id, "cancelled_jobs": canceled})
