"""Liveness and readiness checks, for load balancers and orchestrators.

They need no token, so their answers contain no detail that would help an attacker.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from app.errors import PropertyIntelligenceError
from web.context import context_of
from web.envelope import answers, failure, success

log = logging.getLogger(__name__)
router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The answer of the liveness check."""

    status: Literal["alive"]


type Checks = Annotated[dict[str, Literal["ok"]], Field(examples=[{"database": "ok", "broker": "ok"}])]


class Ready(BaseModel):
    """The server can accept jobs. `checks` maps each dependency to "ok"."""

    status: Literal["ready"]
    checks: Checks


@router.get("/healthz", summary="Check liveness", responses=answers(Alive, 413, 414))
async def get_liveness() -> JSONResponse:
    """Always answer 200. No dependency is checked, so that a broker outage does not restart web processes."""
    return success({"status": "alive"})


@router.get("/readyz", summary="Check readiness", responses=answers(Ready, 413, 414, 503))
async def get_readiness(request: Request) -> JSONResponse:
    """Answer 200 if the database and the broker can be reached, else 503 with the result of each check.

    The log has details. The answer comes within seconds, even if a dependency hangs.
    """
    context = context_of(request)
    run = partial(asyncio.get_running_loop().run_in_executor, context.probe_threads)
    results = await asyncio.gather(*(run(partial(_check, probe)) for probe in context.probes.values()))
    checks = dict(zip(context.probes, results, strict=True))
    if all(result == "ok" for result in checks.values()):
        return success({"status": "ready", "checks": checks})
    message = ", ".join(f"{name}: {result}" for name, result in checks.items())
    return failure("not_ready", message, 503, {"Retry-After": "5"})


def _check(probe: Callable[[], object]) -> str:
    try:
        probe()
    except PropertyIntelligenceError as exc:
        log.warning("Not ready: %s", exc)
        return exc.code
    return "ok"
