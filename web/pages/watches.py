"""The watches page: watches sorted by next refresh, the daily budget, and forms that add and remove watches."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response

from app.errors import NotFoundError
from app.errors.ids import AmbiguousIdError
from app.errors.requests import QuotaExceededError
from app.errors.targets import InvalidTargetError, InvalidTargetListError, TargetsTooCostlyError
from app.errors.watches import TooManyWatchesError
from app.property.storage.watches.models import WatchStatus
from app.property.storage.watches.repository import MOST_INTERVAL_DAYS, PLANNED, Watches
from app.property.urls.targets import normalize_watched
from app.services.watches import watching
from web.auth import OPERATIONS, READING, Operator, allow
from web.context import Context, ContextOf
from web.errors import status_of
from web.pages.rendering import ROWS, live_page, page, page_addresses
from web.pages.route import SignedInRoute, inner_path, see_other
from web.pages.typed_targets import typed_targets
from web.parameters import Id, PlannedWatchesCursor, WatchStatusFilter

router = APIRouter(route_class=SignedInRoute)
#: Errors that a submitted list can cause. The page then shows the form again, with the problem.
_REFUSALS = (
    AmbiguousIdError,
    InvalidTargetListError,
    InvalidTargetError,
    NotFoundError,
    QuotaExceededError,
    TargetsTooCostlyError,
    TooManyWatchesError,
)


@router.get("/watches", dependencies=[allow(*READING)])
def list_watches(
    request: Request, context: ContextOf, status: WatchStatusFilter = None, cursor: PlannedWatchesCursor = None
) -> Response:
    """List watches, sorted by next refresh. `status` is an optional filter."""
    return live_page(request, "watches", **_shown(context, status, cursor))


@router.post("/watches")
def add_watches(
    request: Request,
    caller: Operator,
    context: ContextOf,
    text: Annotated[str, Form()] = "",
    interval_days: Annotated[int | None, Form(ge=1, le=MOST_INTERVAL_DAYS)] = None,
) -> Response:
    """Add all watches or none, like `POST /api/v1/watches`. After an error, show the form again with the problem."""
    settings = context.settings
    days = interval_days or settings.watch.interval_days
    try:
        added = Watches(context.stores.database).add(
            typed_targets(text, read=normalize_watched),
            interval_days=days,
            who=caller.who,
            most=settings.watch.max_watches,
            requester=context.requester(caller),
        )
    except _REFUSALS as exc:
        problem = exc.facts["problem"] if isinstance(exc, InvalidTargetListError) else str(exc)
        shown = _shown(context, text=text, days=days, problem=problem)
        return page(request, "watches.html", status_of(exc), **shown)
    if (note := added.note()) is not None:
        return page(request, "watches.html", **_shown(context, note=note))
    return see_other("/watches")


@router.post("/watches/{watch_id}/remove", dependencies=[allow(*OPERATIONS)])
def remove_watch(watch_id: Id, context: ContextOf, back: Annotated[str, Form()] = "") -> Response:
    """Remove a watch and cancel its jobs that have not started. Raises `NotFoundError` if there is no such watch."""
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
    note: str = "",
) -> dict[str, Any]:
    """After a rejected form, `text` and `days` are the submitted values and `problem` is the error message. `note` says
    which watches existed before.
    """
    database, settings = context.stores.database, context.settings
    found = Watches(database).page(cursor, order=PLANNED, status=status, limit=ROWS)
    return {
        "summary": watching.summary(database, settings),
        "watches": found.items,
        "status": status,
        **page_addresses("/watches", cursor, found.next_cursor, status=status),
        "text": text,
        "days": days or settings.watch.interval_days,
        "most_days": MOST_INTERVAL_DAYS,
        "problem": problem,
        "note": note,
    }
