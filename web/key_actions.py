"""Admin API: take one OpenAI key out, bring it back, have it tried now; and who did so."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from app.access.tokens import Caller
from app.keypool.snapshots import Action
from app.property.storage.audit import key_actions
from app.services.keys.actions import MOST_CHARACTERS, act
from web.auth import MANAGEMENT, allow, api_router
from web.context import ContextOf
from web.envelope import answers, success
from web.parameters import ActionsCursor, Limit

router = api_router("/api/v1/admin/openai", "admin")
KeyId = Annotated[
    str, Path(pattern=r"^[0-9a-f]{8,16}$", description="`id` of a key in the statistics, or its first eight digits")
]
Outcome = Literal["done", "nothing", "under_way"]


class ActionRequest(BaseModel):
    """Why; it is written down with who and when. A key that is pasted into it is not."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field("", max_length=MOST_CHARACTERS)


class ActedView(BaseModel):
    """What came of it. `done`: the key changed; `nothing`: there was nothing to change; `under_way`: the probe is out.

    `state` is the key's now, `message` says it for people. `recorded_at` is null if only the log has it: the database
    was away.
    """

    key: str
    mask: str
    action: Action
    outcome: Outcome
    state: str
    message: str
    recorded_at: datetime | None


class ActionView(BaseModel):
    """One action that was written down; `key` is the key's id, `state` the key's after it, `reason` may be empty."""

    id: str
    at: datetime
    who: str
    action: Action
    key: str
    mask: str
    reason: str
    outcome: Outcome
    state: str


class ActionList(BaseModel):
    """The newest first; `next_cursor` is null on the last page."""

    actions: list[ActionView]
    next_cursor: str | None


@router.post("/keys/{key}/{action}", summary="Act on a key", responses=answers(ActedView, 404, 409, 415, 422))
def act_on_key(
    key: KeyId,
    action: Action,
    caller: Annotated[Caller, allow(*MANAGEMENT)],
    context: ContextOf,
    request: ActionRequest | None = None,
) -> JSONResponse:
    """`disable`: no new request until it is enabled, in any process; `enable`: back with the health that it had;
    `probe`: an open, dead or unpaid key may be tried with the next request.

    Done twice it does no more than once, so it needs no `Idempotency-Key`.
    """
    done = act(
        context.keys,
        lambda: context.stores.database,
        key,
        action,
        who=caller.who,
        reason=request.reason if request is not None else "",
    )
    return success(done.as_json())


@router.get(
    "/actions",
    summary="Who acted on which key",
    dependencies=[allow(*MANAGEMENT)],
    responses=answers(ActionList, 422),
)
def list_actions(
    context: ContextOf,
    key: Annotated[Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")] | None, Query(description="the key's id")] = None,
    limit: Limit = 100,
    cursor: ActionsCursor = None,
) -> JSONResponse:
    """The newest first, for 400 days; also those of keys that are no longer configured."""
    page = key_actions(context.stores.database, cursor, key_id=key, limit=limit)
    return success({"actions": [one.as_json() for one in page.items], "next_cursor": page.next_cursor})
