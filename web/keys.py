"""Key API: statistics of the OpenAI keys, actions on keys (disable, enable, probe), and the record of these actions."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Body, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from app.keypool.snapshots import Action
from app.property.storage.audit import key_actions
from app.services.keys.actions import MOST_CHARACTERS, act
from web.auth import MANAGEMENT, Manager, api_router
from web.context import ContextOf
from web.envelope import answers, listed, success
from web.parameters import ActionsCursor, KeyMask, Limit, ListPage, RequestBody, Who

router = api_router("/api/v1/admin/openai", "admin", MANAGEMENT)
KeyName = Annotated[
    str,
    Path(
        pattern=r"^[0-9a-f]{8,16}$",
        description="`id` of a key in the statistics, or its first eight digits",
        examples=["3f0830be536e4ef6"],
    ),
]
KeyId = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$", examples=["3f0830be536e4ef6"])]
type KeyAction = Action
type KeyActionOutcome = Literal["done", "nothing", "under_way"]
State = Annotated[str, Field(examples=["disabled"])]


class SpentView(BaseModel):
    """The model calls, tokens, and US dollars spent on the current UTC day. `cached_tokens` are part of `tokens`."""

    calls: int = Field(examples=[148])
    tokens: int = Field(examples=[310400])
    usd: float = Field(examples=[0.1552])
    cached_tokens: int = Field(examples=[91200])


class KeyFigures(BaseModel):
    """The state and statistics of a key. Use `id` as the key's name in paths.

    `last_used` is a UTC time without offset, in whole seconds, or null if the key was never used. `resting_seconds` is
    how much longer the key stays `rate_limited`.
    """

    id: KeyId
    requests: int = Field(examples=[150])
    successes: int = Field(examples=[148])
    failures: int = Field(examples=[2])
    rate_limits: int
    circuit_open: bool
    rate_limited: bool
    last_used: str | None = Field(examples=["2026-05-04T06:12:09"])
    state: str = Field(examples=["closed"])
    spent_today: SpentView
    resting_seconds: int | None = None


type KeyFiguresByMask = dict[KeyMask, KeyFigures]


class KeyStats(BaseModel):
    """The state and statistics of all keys, by mask."""

    total_keys: int
    healthy_keys: int
    rotation_strategy: str = Field(examples=["round_robin"])
    keys: KeyFiguresByMask


class KeyActionRequest(RequestBody):
    """The reason to record with the action. An OpenAI key in the reason is redacted."""

    reason: str = Field("", max_length=MOST_CHARACTERS)


class KeyActionResult(BaseModel):
    """The result of an action. `state` is the key's new state.

    `outcome` is `done` if the key changed, `nothing` if no change was needed, and `under_way` if a probe is already
    running. `recorded_at` is null if the database was unavailable; the action is then only in the log.
    """

    key: KeyId
    mask: KeyMask
    action: KeyAction
    outcome: KeyActionOutcome
    state: State
    message: str = Field(examples=["OpenAI key sk-proj-abc...xyz1 is disabled."])
    recorded_at: datetime | None


class KeyActionView(BaseModel):
    """A recorded action. `key` is the ID of the key, and `state` is the key's state after the action."""

    id: str = Field(examples=["e1c5a9d3b7f24680a1c3e5d7f9b1d3c5"])
    at: datetime
    who: Who
    action: KeyAction
    key: KeyId
    mask: KeyMask
    reason: str = Field(examples=["leaked in a ticket"])
    outcome: KeyActionOutcome
    state: State


class KeyActionList(ListPage):
    """Actions, newest first."""

    actions: list[KeyActionView]


@router.get("/stats", summary="List keys with statistics", responses=answers(KeyStats))
def list_keys(context: ContextOf) -> JSONResponse:
    """Return the state of every key, and its requests, successes, and failures, summed over all processes.

    The figures are at most two seconds old. Reloaded keys appear at once.
    """
    return success(context.keys.stats())


@router.post(
    "/keys/{key}/{action}",
    summary="Disable, enable, or probe a key",
    responses=answers(KeyActionResult, 404, 409, 415, 422),
)
def act_on_key(
    key: KeyName,
    action: KeyAction,
    caller: Manager,
    context: ContextOf,
    request: Annotated[KeyActionRequest | None, Body(examples=[{"reason": "leaked in a ticket"}])] = None,
) -> JSONResponse:
    """Act on a key in all processes. A repeated request is safe without an `Idempotency-Key`.

    `disable`: send no new requests with the key until it is enabled. `enable`: use the key again, in its previous
    state. `probe`: let the next request try a key that failed, is invalid, or is out of quota.
    """
    reason = request.reason if request is not None else ""
    done = act(context.keys, lambda: context.stores.database, key, action, who=caller.who, reason=reason)
    return success(done.as_json())


@router.get("/actions", summary="List actions on keys", responses=answers(KeyActionList, 422))
def list_key_actions(
    context: ContextOf,
    key: Annotated[KeyId | None, Query(description="only of the key with this ID")] = None,
    limit: Limit = 100,
    cursor: ActionsCursor = None,
) -> JSONResponse:
    """List actions of the last 400 days, newest first, including actions on removed keys."""
    return success(listed("actions", key_actions(context.stores.database, cursor, key_id=key, limit=limit)))
