"""Makes the HTTP door: routes, limits, errors, and what happens when it starts and stops."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NoReturn

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.clock import Clock
from app.errors import PropertyIntelligenceError
from app.logs import configure_logging
from app.services.keys.reload import on_sighup
from app.settings import Settings
from app.settings.names import log_near_misses
from web import (
    admin,
    batches,
    changes,
    errors,
    estimates,
    health,
    identity,
    jobs,
    key_actions,
    key_reports,
    me,
    metrics,
    pages,
    properties,
    purges,
    recipes,
    reviews,
    watches,
)
from web.context import Context
from web.limits import RateLimitHeaders, SizeLimits
from web.metrics import RequestCounter
from web.proxies import ProxyHeaders
from web.request_id import RequestId

_DESCRIPTION = """
Property pages become records with evidence; this is the door for other programs.

Every route below `/api/v1` needs `Authorization: Bearer TOKEN`, a JWT with the claim `role`:

| role | may |
|---|---|
| `exec`, `manager` | everything |
| `operator` | enqueue, cancel and retry jobs; watch; read jobs, batches, properties and watches |
| `reader` | read jobs, batches, properties and watches |

The claims `iss` and `sub` say who calls: limits, quotas and idempotency keys are per caller.

Answers are `{"success": true, "data": ...}` or `{"success": false, "error": {"code", "message"}}`.
"""


def create_app(settings_loader: Callable[[], Settings], clock: Clock | None = None) -> FastAPI:
    """The ASGI app. `settings_loader` is called when the server starts, or at the first request that needs settings."""
    context = Context(settings_loader, clock)
    app = FastAPI(
        title="Property intelligence",
        version="1",
        description=_DESCRIPTION,
        lifespan=_lifespan(context),
        docs_url=None,  # the framework's page takes its scripts from other hosts: `web.pages.api_docs` does not
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.context = context
    errors.register(app)
    app.add_middleware(SizeLimits)
    app.add_middleware(RateLimitHeaders)
    app.add_middleware(ProxyHeaders, settings=lambda: context.settings)
    app.add_middleware(RequestId)
    app.add_middleware(RequestCounter)
    app.add_middleware(StartupFailure)
    for module in (
        admin,
        key_actions,
        purges,
        key_reports,
        jobs,
        estimates,
        batches,
        properties,
        changes,
        identity,
        reviews,
        watches,
        recipes,
        me,
        health,
        metrics,
    ):
        app.include_router(module.router)
    pages.register(app)
    return app


def _lifespan(context: Context) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        configure_logging(log_format="auto")  # what is wrong with the settings is logged as well
        chosen = context.settings
        configure_logging(level=chosen.logs.level or logging.INFO, log_format=chosen.logs.format)
        log_near_misses()
        reloader = context.key_reloader()  # reads the settings: what is wrong with them is said now, not at a request
        reloader.start()
        flusher = context.report_counts()
        flusher.start()
        restore = on_sighup(reloader.ask)  # uvicorn leaves SIGHUP its default, which is to end the process
        try:
            yield
        finally:
            restore()
            await run_in_threadpool(reloader.stop)
            await run_in_threadpool(flusher.stop)
            await run_in_threadpool(context.close)

    return lifespan


class StartupFailure:
    """ASGI middleware: a setting that cannot be used ends the start with one sentence and exit code 2, no traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return

        failed = False

        async def hold_failure(message: Message) -> None:
            nonlocal failed
            failed = message["type"] == "lifespan.startup.failed"
            if not failed:
                await send(message)

        try:
            await self._app(scope, receive, hold_failure)
        except PropertyIntelligenceError as exc:
            if _serves_this_process():
                asyncio.get_running_loop().call_soon(_exit_misconfigured)
            await send({"type": "lifespan.startup.failed", "message": str(exc)})
            raise  # the server expects the call to end so; it shows the message only
        except BaseException:
            if failed:
                await send({"type": "lifespan.startup.failed", "message": "The HTTP door could not start."})
            raise


def _serves_this_process() -> bool:
    """True if the server is the whole process.

    It is not in a thread of another program. Nor is it in a process of `uvicorn --workers`, whose parent takes exit
    code 3 as the sign not to start it again.
    """
    return threading.current_thread() is threading.main_thread() and multiprocessing.parent_process() is None


def _exit_misconfigured() -> NoReturn:
    """End the process before uvicorn ends it with its own exit code 3."""
    raise SystemExit(2)
