"""The pages: what the keys, jobs and properties do, for people with a browser.

Rendered here, signed in with the roles of the API. All works by links and forms; scripts only bring what changed.
"""

from __future__ import annotations

from fastapi import FastAPI

from web.pages import api_docs, enqueue, jobs, keys, properties, recipes, sign_in, watches
from web.pages.rendering import Assets, assets

__all__ = ["register"]


def register(app: FastAPI) -> None:
    """Serve the pages and what they are drawn with. They are no part of the API's document."""
    app.mount("/static", Assets(assets.folder), name="static")
    for module in (api_docs, sign_in, jobs, enqueue, properties, watches, recipes, keys):
        app.include_router(module.router, include_in_schema=False)
