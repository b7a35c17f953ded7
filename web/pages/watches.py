"""The page of watches: what is planned, what a day's budget had no room for, and the hand that adds and removes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response

from app.access.tokens import Caller
from app.errors import NotFoundError
from app.errors.requests import QuotaExceededError
from app.errors.targets import InvalidTargetError, InvalidTargetListError, TargetsTooCostlyError
from app.errors.watches import TooManyWatchesError
from app.property.storage.watches.models import WatchStatus
from app.property.storage.watches.repository import MOST_INTERVAL_DAYS, PLANNED, Watches
from app.property.urls.targets import normalise_watched
from app.services.watches import watching
from web.auth import OPERATIONS, READING, allow
from web.context import Context, ContextOf
from web.errors import status_of
from web.pages.rendering import address, live_page, page
from web.pages.route import SignedInRoute, inner_path, see_other
from web.pages.typed_targets import typed_targets
from web.parameters import Id, PlannedWatchesCursor

router = APIRouter(route_class=SignedInRoute)
_ROWS = 50
#: what may be wrong with what was typed
_REFUSALS = (
    InvalidTargetListError,
    InvalidTargetError,
    NotFoundError,
    QuotaExceededError,
    TargetsTooCostlyError,
    TooManyWatchesError,
)


@router.get("/watches", dependencies=[allow(*READING)])
def list_watches(
    request: Request, context: ContextOf, status: WatchStatus | None = None, cursor: PlannedWatchesCursor = None
) -> Response:
    """What is due first, then what comes next; all, or those of one status."""
    return live_page(request, "watches", **_shown(context, status, cursor))


@router.post("/watches")
def add_watches(
    request: Request,
    caller: Annotated[Caller, allow(*OPERATIONS)],
    context: ContextOf,
    text: Annotated[str, Form()] = "",
    interval_days: Annotated[int | None, Form(ge=1, le=MOST_INTERVAL_DAYS)] = None,
) -> Response:
    """All or nothing, as `POST /api/v1/watches`; a bad list comes back with its bad lines named."""
    settings = context.settings
    days = interval_days or settings.watch.interval_days
    try:
        Watches(context.stores.database).add(
            typed_targets(text, read=normalise_watched),
            interval_days=days,
            who=caller.who,
            most=settings.watch.max_watches,
            requester=context.requester(caller),
        )
    except _REFUSALS as exc:
        problem = exc.facts["problem"] if isinstance(exc, InvalidTargetListError) else str(exc)
        shown = _shown(context, text=text, days=days, problem=problem)
        return page(request, "watches.html", status_of(exc), **shown)
    return see_other("/watches")


@router.post("/watches/{watch_id}/remove", dependencies=[allow(*OPERATIONS)])
def remove_watch(watch_id: Id, context: ContextOf, back: Annotated[str, Form()] = "") -> Response:
    """Its jobs that no worker has had are cancelled. One that is gone already is an error: nothing was removed."""
    Watches(context.stores.database).remove(watch_id)
    return see_other(inner_path(back, "/watches"))


def _shown(
    context: Context,
    status: WatchStatus | None = None,
    cursor: str | None = None,
    *,
    text: str = "",
    days: int | None = None,
    problem: str = "",
) -> dict[str, Any]:
    """What the page shows; with `text` and `days` as they were typed if something is wrong with them."""
    database, settings = context.stores.database, context.settings
    found = Watches(database).page(cursor, order=PLANNED, status=status, limit=_ROWS)
    chosen = {"status": str(status)} if status else {}
    return {
        "summary": watching.summary(database, settings),
        "watches": found.items,
        "status": status,
        "statuses": list(WatchStatus),
        "here": address("/watches", **chosen, cursor=cursor),
        "next_page": address("/watches", **chosen, cursor=found.next_cursor) if found.next_cursor else "",
        "text": text,
        "days": days or settings.watch.interval_days,
        "most_days": MOST_INTERVAL_DAYS,
        "problem": problem,
    }
