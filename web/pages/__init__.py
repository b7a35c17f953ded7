"""The web pages for jobs, properties, watches, recipes, and keys.

The server renders them as HTML and checks the same roles as the API. All actions work without JavaScript.
"""

from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from web.pages import enqueue, jobs, keys, overview, properties, recipes, sign_in, watches
from web.pages.rendering import STATIC, Assets
from web.pages.route import error_page

__all__ = ["register"]


def register(app: FastAPI) -> None:
    """Add the pages, their static files, and HTML error pages to `app`. The OpenAPI document does not list pages."""
    app.mount("/static", Assets(directory=STATIC), name="static")
    for module in (sign_in, overview, jobs, enqueue, properties, watches, recipes, keys):
        app.include_router(module.router, include_in_schema=False)
    as_json: Any = app.exception_handlers[HTTPException]

    async def answer(request: Request, exc: Exception) -> Response:
        found: Response = await run_in_threadpool(error_page if _is_browser(request) else as_json, request, exc)
        return found

    app.add_exception_handler(HTTPException, answer)


def _is_browser(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/")
