"""Interactive documentation of the HTTP API."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from web.pages.rendering import page
from web.pages.route import PageRoute

router = APIRouter(route_class=PageRoute)


@router.get("/docs")
def show_api(request: Request) -> Response:
    return page(request, "api_docs.html")
