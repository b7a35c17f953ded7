"""The pages: what the keys, jobs and properties do, for people with a browser.

Rendered here, signed in with the roles of the API. All works by links and forms; scripts only bring what changed.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from web.pages import api_docs, enqueue, jobs, keys, overview, properties, recipes, sign_in, watches
from web.pages.rendering import Assets, assets
from web.pages.route import error_page

__all__ = ["register"]


def register(app: FastAPI) -> None:
    """Serve the pages and their files, and answer browsers with HTML where there is no page. They are no part of the
    API's document."""
    app.mount("/static", Assets(assets.folder), name="static")
    for module in (api_docs, sign_in, overview, jobs, enqueue, properties, watches, recipes, keys):
        app.include_router(module.router, include_in_schema=False)
    as_json: Any = app.exception_handlers[HTTPException]

    async def answer(request: Request, exc: Exception) -> Response:
        found: Response = await run_in_threadpool(error_page if _is_browser(request) else as_json, request, exc)
        return found

    app.add_exception_handler(HTTPException, answer)


def _is_browser(request: Request) -> bool:
    """Whether a person asks for a page, and not a program for a part of the API."""
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/")
