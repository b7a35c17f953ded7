"""What a caller may do, and how much of it is left."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from app.access.rate_limits import WINDOW_SECONDS, Allowance
from app.access.tokens import Caller
from app.property.storage.jobs.usage import next_day
from web.auth import READING, allow, api_router, rights_of
from web.context import ContextOf
from web.envelope import answers, success

router = api_router("/api/v1/me", "me")


class RateLimit(BaseModel):
    """`remaining` of `limit` requests may be made now."""

    limit: int
    window_seconds: int
    remaining: int


class Quota(BaseModel):
    """New jobs of this UTC day; `limit` and `left` are null without a quota."""

    limit: int | None
    used: int
    left: int | None
    resets_at: datetime


class Me(BaseModel):
    """`rate_limit` is null if there is none, or while nobody counts."""

    subject: str
    role: str
    may: list[str]
    rate_limit: RateLimit | None
    daily_targets: Quota


@router.get("", summary="Who am I, and what is left", responses=answers(Me))
def get_me(request: Request, caller: Annotated[Caller, allow(*READING)], context: ContextOf) -> JSONResponse:
    """Tokens without a subject share their limits with all others of their role."""
    allowance: Allowance | None = request.state.allowance
    limit = context.settings.web.api_daily_targets_per_caller
    used = context.stores.jobs.used_today(caller.id)
    rate = allowance and RateLimit(limit=allowance.limit, window_seconds=WINDOW_SECONDS, remaining=allowance.remaining)
    quota = Quota(
        limit=limit,
        used=used,
        left=max(0, limit - used) if limit is not None else None,
        resets_at=next_day(context.stores.database.clock.now()),
    )
    me = Me(
        subject=caller.subject.encode("utf-8", "replace").decode(),
        role=caller.role,
        may=rights_of(caller.role),
        rate_limit=rate,
        daily_targets=quota,
    )
    return success(me.model_dump(mode="json"))
