"""Admin API: what the OpenAI keys do."""

from __future__ import annotations

from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from web.auth import MANAGEMENT, api_router
from web.context import ContextOf
from web.envelope import answers, success

router = api_router("/api/v1/admin", "admin", MANAGEMENT)


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
def openai_stats(context: ContextOf) -> JSONResponse:
    """Requests, successes, failures and state of every key, summed over the processes of the fleet.

    The figures are at most two seconds old; keys that were read again are shown at once.
    """
    stats: dict[str, Any] = context.keys.stats()
    return success(stats)
