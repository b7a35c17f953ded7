"""Watch API: have properties, URLs and addresses refreshed on a schedule, within a day's budget."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from app.access.tokens import Caller
from app.property.storage.watches.models import WatchKind, WatchStatus
from app.property.storage.watches.repository import MOST_INTERVAL_DAYS, Watches
from app.services.watches import watching
from web.auth import OPERATIONS, READING, allow, api_router
from web.context import ContextOf
from web.envelope import answers, success
from web.limits import MAX_TARGETS, MeteredTargets
from web.parameters import Id, Limit, WatchesCursor, whole

router = api_router("/api/v1/watches", "watches")
Operator = Annotated[Caller, allow(*OPERATIONS)]


class WatchRequest(BaseModel):
    """What to watch. One that is watched already gets the new interval, and goes on if it was paused."""

    model_config = ConfigDict(extra="forbid")

    targets: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=4096, json_schema_extra={"format": "target"})]],
        AfterValidator(MeteredTargets),
    ] = Field(
        min_length=1,
        max_length=MAX_TARGETS,
        description="ids of stored properties, absolute http:// or https:// URLs of pages or searches, or addresses",
        examples=[["3f2c9a7be1d04f6fa1b2c3d4e5f60718", "https://www.example.com/homes/123-main-st"]],
    )
    interval_days: Annotated[int, Field(ge=1, le=MOST_INTERVAL_DAYS, strict=True), BeforeValidator(whole)] | None = (
        Field(None, description="null: WATCH_INTERVAL_DAYS")
    )


class WatchError(BaseModel):
    """What went wrong with the last refresh, or a part of it: `code` is a stable word."""

    code: str
    message: str


class WatchView(BaseModel):
    """A watch. `put_off`: a day's budget had no room for it since `put_off_at`, and it comes first on the next.

    `target` is a property's id, or a URL or an address in its one spelling; `property` is known of these after the
    first refresh. `failures` counts refreshes in a row that brought nothing.
    """

    id: str
    kind: WatchKind
    target: str
    property: str | None
    interval_days: int
    status: WatchStatus
    pause_reason: str | None
    due_at: datetime
    put_off_at: datetime | None
    under_way_since: datetime | None
    failures: int
    error: WatchError | None
    refreshed_at: datetime | None
    created_at: datetime
    created_by: str


class AddedWatches(BaseModel):
    """In the order in which they were named, each once; `new` of them were not there before."""

    new: int
    watches: list[WatchView]


class SpentView(BaseModel):
    """What of a day's budget is used."""

    used: int
    limit: int


class WatchBudgetView(BaseModel):
    """What all watches together may cost this UTC `day`."""

    day: date
    resets_at: datetime
    pages: SpentView
    model_calls: SpentView


class WatchList(BaseModel):
    """`counts` and `budget` are of all watches, whatever page is shown. `next_cursor` is null on the last page."""

    counts: dict[WatchStatus, int]
    budget: WatchBudgetView
    watches: list[WatchView]
    next_cursor: str | None


class RemovedWatch(BaseModel):
    """`cancelled_jobs` of it were waiting for a worker."""

    id: str
    cancelled_jobs: int


@router.post("", summary="Watch", responses=answers(AddedWatches, 404, 409, 415, 422))
def add_watches(request: WatchRequest, caller: Operator, context: ContextOf) -> JSONResponse:
    """All or nothing: 404 if there is no property of that id, 409 if there would be more than WATCH_MAX_WATCHES.

    Done twice it changes nothing more, so it needs no `Idempotency-Key`.
    """
    settings = context.settings
    added = Watches(context.stores.database).add(
        request.targets,
        interval_days=request.interval_days or settings.watch.interval_days,
        who=caller.who,
        most=settings.watch.max_watches,
        requester=context.requester(caller),
    )
    return success({"new": added.new, "watches": [one.as_json() for one in added.watches]})


@router.get("", summary="List watches", dependencies=[allow(*READING)], responses=answers(WatchList, 422))
def list_watches(context: ContextOf, limit: Limit = 100, cursor: WatchesCursor = None) -> JSONResponse:
    """The oldest first, with what today's budget has left."""
    database = context.stores.database
    page = Watches(database).page(cursor, limit=limit)
    shown = [one.as_json() for one in page.items]
    found = watching.summary(database, context.settings).as_json()
    return success({**found, "watches": shown, "next_cursor": page.next_cursor})


@router.get("/{watch_id}", summary="One watch", dependencies=[allow(*READING)], responses=answers(WatchView, 404, 422))
def get_watch(watch_id: Id, context: ContextOf) -> JSONResponse:
    """By its id."""
    return success(Watches(context.stores.database).get(watch_id).as_json())


@router.delete(
    "/{watch_id}",
    summary="Watch it no longer",
    dependencies=[allow(*OPERATIONS)],
    responses=answers(RemovedWatch, 404, 422),
)
def remove_watch(watch_id: Id, context: ContextOf) -> JSONResponse:
    """Its jobs that no worker has had are cancelled; one that runs goes on, and what is stored stays."""
    cancelled = Watches(context.stores.database).remove(watch_id)
    return success({"id": watch_id, "cancelled_jobs": cancelled})
