"""The enqueue pages: a form for targets, an estimate of their cost, and the button that enqueues them."""

from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, File, Form, Request, Response, UploadFile

from app.errors.targets import InvalidTargetListError
from app.property.urls.target_lists import InvalidRow
from app.services.reports.estimate import estimate
from tasks._celery.submission import submit_targets
from web.auth import OPERATIONS, Operator, allow
from web.context import ContextOf
from web.idempotency import request_key
from web.pages.rendering import page
from web.pages.route import SignedInRoute, see_other
from web.pages.typed_targets import typed_targets

router = APIRouter(route_class=SignedInRoute)
Priority = Annotated[int, Form(ge=0, le=9)]


@router.get("/enqueue", dependencies=[allow(*OPERATIONS)])
def show_form(request: Request) -> Response:
    return page(
        request, "enqueue.html", text="", priority=5, refresh=False, economy=False, skip_invalid=False, problem=""
    )


@router.post("/enqueue/estimate", dependencies=[allow(*OPERATIONS)])
def show_estimate(
    *,
    request: Request,
    context: ContextOf,
    text: Annotated[str, Form()] = "",
    file: Annotated[UploadFile | None, File()] = None,
    priority: Priority = 5,
    refresh: Annotated[bool, Form()] = False,
    economy: Annotated[bool, Form()] = False,
    skip_invalid: Annotated[bool, Form()] = False,
) -> Response:
    """Show the estimated cost, and a button that enqueues the targets. If lines are invalid, show the form again, or
    list them if `skip_invalid`.
    """
    skipped = list[InvalidRow]()
    try:
        targets = typed_targets(text, file, skipped=skipped if skip_invalid else None)
    except InvalidTargetListError as exc:
        chosen = {"priority": priority, "refresh": refresh, "economy": economy, "skip_invalid": skip_invalid}
        return page(request, "enqueue.html", 422, text=text, problem=exc.facts["problem"], **chosen)
    found = estimate(context.stores.database, context.keys, context.settings, targets, refresh=refresh, economy=economy)
    return page(
        request,
        "estimate.html",
        estimate=found,
        targets="\n".join(targets),
        priority=priority,
        refresh=refresh,
        economy=economy,
        skipped=skipped,
        key=uuid4().hex,
    )


@router.post("/enqueue")
def enqueue(
    *,
    caller: Operator,
    context: ContextOf,
    targets: Annotated[str, Form()],
    key: Annotated[str, Form(pattern=r"^[0-9a-f]{32}$")],
    priority: Priority = 5,
    refresh: Annotated[bool, Form()] = False,
    economy: Annotated[bool, Form()] = False,
) -> Response:
    """Enqueue all targets or none, like `POST /api/v1/jobs`. Sending the same form twice enqueues the targets once."""
    wanted = typed_targets(targets)
    asked = {"targets": wanted, "priority": priority, "refresh": refresh, "economy": economy}
    enqueued = submit_targets(
        context.stores.jobs,
        context.celery,
        context.settings,
        wanted,
        priority=priority,
        refresh=refresh,
        economy=economy,
        requester=context.requester(caller, request_key(caller.id, f"page-{key}", asked)),
    )
    return see_other(f"/batches/{enqueued.batch}")
