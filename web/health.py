"""Is the process alive, and can it serve?

For load balancers and orchestrators: no token needed, and no detail that would help a stranger.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from app.errors import PropertyIntelligenceError
from web.context import context_of
from web.envelope import answers, failure, success

log = logging.getLogger(__name__)
router = APIRouter(tags=["health"])


class Alive(BaseModel):
    status: Literal["alive"]


class Ready(BaseModel):
    """`checks` has an "ok" for everything that is needed."""

    status: Literal["ready"]
    checks: dict[str, Literal["ok"]]


@router.get("/healthz", summary="The process is alive", responses=answers(Alive, 413, 414))
async def healthz() -> JSONResponse:
    """200 as long as the process answers; asks nothing else, so that a broker outage restarts no web process."""
    return success({"status": "alive"})


@router.get("/readyz", summary="Database and broker answer", responses=answers(Ready, 413, 414, 503))
async def readyz(request: Request) -> JSONResponse:
    """200 if jobs can be taken, 503 with the code of what is missing; the log has the details.

    Either way it answers within seconds: what hangs is not waited for, nor are the routes that wait for it.
    """
    context = context_of(request)
    run = partial(asyncio.get_running_loop().run_in_executor, context.probe_threads)
    results = await asyncio.gather(*(run(partial(_check, ask)) for ask in context.probes.values()))
    checks = dict(zip(context.probes, results, strict=True))
    if all(result == "ok" for result in checks.values()):
        return success({"status": "ready", "checks": checks})
    message = ", ".join(f"{name}: {result}" for name, result in checks.items())
    return failure("not_ready", message, 503, {"Retry-After": "5"})


def _check(ask: Callable[[], object]) -> str:
    try:
        ask()
    except PropertyIntelligenceError as exc:
        log.warning("Not ready: %s", exc)
        return exc.code
    return "ok"
