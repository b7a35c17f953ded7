"""Admin API: what the OpenAI keys do."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Security
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from web.auth import MANAGEMENT, AuthenticatedRoute, allow, bearer_scheme
from web.context import Context, context_of
from web.envelope import COMMON, answers, success

router = APIRouter(
    prefix="/api/v1/admin",
    tags=["admin"],
    route_class=AuthenticatedRoute,
    dependencies=[Security(bearer_scheme), allow(*MANAGEMENT)],
    responses=COMMON,
)


class KeyFigures(BaseModel):
    """One key. `last_used` is UTC without offset, whole seconds; null if it never was. `id` names it in a path."""

    model_config = ConfigDict(extra="allow")

    id: str
    requests: int
    successes: int
    failures: int
    circuit_open: bool
    rate_limited: bool
    last_used: str | None


class KeyStats(BaseModel):
    """All keys, by their masks."""

    model_config = ConfigDict(extra="allow")

    total_keys: int
    healthy_keys: int
    rotation_strategy: str
    keys: dict[str, KeyFigures]


@router.get("/openai/stats", summary="Statistics of the OpenAI keys", responses=answers(KeyStats))
def openai_stats(context: Annotated[Context, Depends(context_of)]) -> JSONResponse:
    """Requests, successes, failures and state of every key, summed over the processes of the fleet.

    The figures are at most two seconds old; keys that were read again are shown at once.
    """
    stats: dict[str, Any] = context.keys.stats()
    return success(stats)
