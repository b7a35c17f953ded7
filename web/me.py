"""Caller API: read your own rights, rate limit, and quota."""

from datetime import datetime
from typing import Annotated

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from app.access.rate_limits import WINDOW_SECONDS, Allowance
from app.access.tokens import Caller
from app.property.storage.jobs.usage import next_day
from web.auth import READING, allow, api_router, rights_of
from web.context import ContextOf
from web.envelope import answers, success

router = api_router("/api/v1/me", "me")


class RateLimit(BaseModel):
    """The rate limit: `limit` requests in `window_seconds`, of which `remaining` are left."""

    limit: int = Field(examples=[600])
    window_seconds: int = Field(examples=[60])
    remaining: int = Field(examples=[594])


class Quota(BaseModel):
    """The quota of new jobs on this UTC day. If there is no quota, `limit` and `left` are null."""

    limit: int | None = Field(examples=[1000])
    used: int = Field(examples=[12])
    left: int | None = Field(examples=[988])
    resets_at: datetime = Field(examples=["2026-05-05T00:00:00+00:00"])


class CallerView(BaseModel):
    """The caller's rights and limits. `rate_limit` is null if no limit is set or Redis is unreachable."""

    subject: str = Field(examples=["nightly-import"])
    role: str = Field(examples=["operator"])
    may: list[str] = Field(examples=[["operate", "read"]])
    rate_limit: RateLimit | None
    daily_targets: Quota


@router.get("", summary="Read your rights and limits", responses=answers(CallerView))
def get_caller(request: Request, caller: Annotated[Caller, allow(*READING)], context: ContextOf) -> JSONResponse:
    """Return the caller's rights and limits.

    Tokens without a subject share their limits with all such tokens of the same issuer and role.
    """
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
    view = CallerView(
        subject=caller.subject.encode("utf-8", "replace").decode(),
        role=caller.role,
        may=rights_of(caller.role),
        rate_limit=rate,
        daily_targets=quota,
    )
    return success(view.model_dump(mode="json"))
