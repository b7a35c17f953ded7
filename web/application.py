"""Create the web server's ASGI app: routes, middleware, error handlers, startup, and shutdown."""

import asyncio
import logging
import multiprocessing
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NoReturn

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.clock import Clock
from app.errors import PropertyIntelligenceError
from app.logs import configure_logging
from app.services.keys.reload import on_sighup
from app.services.reports.metrics.shared_counts import make_flusher
from app.settings import Settings
from app.settings.names import log_near_misses
from web import (
    batches,
    changes,
    errors,
    health,
    identity,
    jobs,
    key_reports,
    keys,
    me,
    metrics,
    pages,
    properties,
    purges,
    recipes,
    watches,
)
from web.context import Context
from web.document import DocumentedApp
from web.limits import RateLimitHeaders, SizeLimits
from web.metrics import RequestCounter
from web.proxies import ProxyHeaders
from web.request_id import RequestId

_DESCRIPTION = """
Turns property web pages into verified records.

Every route below `/api/v1` needs `Authorization: Bearer TOKEN`, a JWT with the claim `role`:

| role | may |
|---|---|
| `reader` | read jobs, batches, properties, changes, watches, recipes |
| `operator` | also enqueue, cancel, retry, watch, split, join |
| `manager`, `exec` | also delete recipes, use `/api/v1/admin` (keys, alerts, purges) |

The claims `iss` and `sub` name the caller: limits, quotas, and idempotency keys are per caller.

Answers are `{"success": true, "data": ...}` or `{"success": false, "error": {"code", "message"}}`.
"""


def create_app(settings_loader: Callable[[], Settings], clock: Clock | None = None) -> FastAPI:
    """Return the ASGI app. It calls `settings_loader` at startup. If the server sends no lifespan events, the first
    request that needs the settings calls it.
    """
    app = DocumentedApp(
        title="Property intelligence",
        version="1",
        description=_DESCRIPTION,
        lifespan=_lifespan,
        docs_url=None,  # FastAPI's page loads scripts from other hosts; `web.pages.sign_in` serves /docs
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    context = app.state.context = Context(settings_loader, clock)
    errors.register(app)
    app.add_middleware(SizeLimits)
    app.add_middleware(RateLimitHeaders)
    app.add_middleware(ProxyHeaders, settings=lambda: context.settings)
    app.add_middleware(RequestId)
    app.add_middleware(RequestCounter)
    app.add_middleware(StartupFailure)
    for router in (
        keys.router,
        purges.router,
        key_reports.router,
        jobs.router,
        jobs.estimates,
        batches.router,
        properties.router,
        changes.router,
        identity.router,
        identity.reviews,
        watches.router,
        recipes.router,
        me.router,
        health.router,
        metrics.router,
    ):
        app.include_router(router)
    pages.register(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    context: Context = app.state.context
    configure_logging(log_format="auto")  # before the settings are loaded, so that their errors are logged
    chosen = context.settings
    configure_logging(level=chosen.logs.level or logging.INFO, log_format=chosen.logs.format)
    log_near_misses()
    reloader = context.key_reloader()  # raises an error if a key setting is invalid
    reloader.start()
    flusher = make_flusher(chosen)  # adds this process's counters to the shared counters
    flusher.start()
    restore = on_sighup(reloader.ask)  # the default action of SIGHUP would end the process
    try:
        yield
    finally:
        restore()
        for stop in (reloader.stop, flusher.stop, context.close):
            await run_in_threadpool(stop)


class StartupFailure:
    """ASGI middleware that reports invalid settings at startup in one sentence, and exits with code 2."""

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
            raise  # uvicorn expects the exception, and shows only the message sent above
        except BaseException:
            if failed:
                await send({"type": "lifespan.startup.failed", "message": "The web server could not start."})
            raise


def _serves_this_process() -> bool:
    """Return False in a thread of another program, and in a child of `uvicorn --workers`, which would be restarted
    after exit code 2.
    """
    return threading.current_thread() is threading.main_thread() and multiprocessing.parent_process() is None


def _exit_misconfigured() -> NoReturn:
    raise SystemExit(2)
