"""Render templates into pages, with the headers of every page, and serve static files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.access.page_sessions import PageSession
from app.access.tokens import Caller
from app.clock import SystemClock
from web.auth import rights_of
from web.pages.locator import distance

_WEB = Path(__file__).parents[1]
#: The rows of one page of a list. The time to the first paint grows with the rows.
ROWS = 25
_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
#: The characters that reverse the text after them (Unicode Annex 9, section 2), which can disguise a URL.
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
#: The headers of every page. If no referrer were allowed, a browser would send forms with the origin "null".
HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in _POLICY.items()),
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Vary": "Cookie, HX-Request",
}


class _Files:
    """URLs of the files below `web/static`, with a part of each file's hash, so that browsers may cache them."""

    folder = _WEB / "static"

    @cache  # noqa: B019 (there is one instance)
    def url(self, name: str) -> str:
        digest = hashlib.sha256((self.folder / name).read_bytes()).hexdigest()
        return f"/static/{name}?v={digest[:12]}"


assets = _Files()


class Assets(StaticFiles):
    """Static files: cached for a year at URLs of `assets.url`, else revalidated each time."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder)

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        versioned = scope["query_string"].startswith(b"v=")
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if versioned else "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def page(request: Request, template: str, status: int = 200, /, **shown: Any) -> HTMLResponse:
    """Render `template` with `shown`, the caller, and the caller's rights."""
    session: PageSession | None = getattr(request.state, "page_session", None)
    caller: Caller | None = session.caller if session is not None else None
    body = (
        _environment()
        .get_template(template)
        .render(
            path=request.url.path,
            caller=caller,
            rights=rights_of(caller.role) if caller is not None else [],
            csrf=session.csrf if session is not None else "",
            now=SystemClock().now(),
            **shown,
        )
    )
    # a lone surrogate, which cannot be encoded, becomes `?`
    return HTMLResponse(body.encode("utf-8", "replace"), status, HEADERS)


def live_page(request: Request, name: str, /, **shown: Any) -> HTMLResponse:
    """Render the page, or only its live part if an open page refreshes itself."""
    return page(request, f"{name}_live.html" if wants_fragment(request) else f"{name}.html", **shown)


def page_addresses(path: str, cursor: str | None, next_cursor: str | None, **filters: str | None) -> dict[str, str]:
    """Return the URLs of this page of a list (`here`) and of the `next_page`, "" on the last one."""

    def address(after: str | None) -> str:
        given = {name: value for name, value in {**filters, "cursor": after}.items() if value}
        return f"{path}?{urlencode(given)}" if given else path

    return {"here": address(cursor), "next_page": address(next_cursor) if next_cursor else ""}


def wants_fragment(request: Request) -> bool:
    """Return whether an open page refreshes its live part."""
    return request.headers.get("hx-request") == "true"


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_WEB / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_seen,
    )
    filters: Mapping[str, Any] = {
        "moment": _moment,
        "ago": _ago,
        "count": _count,
        "usd": _usd,
        "distance": distance,
        "exact": escape,
    }
    made.filters.update(filters)
    made.tests["web_address"] = _is_web_address
    made.globals["asset"] = assets.url
    return made


def _seen(value: Any) -> Any:
    """Replace characters that reverse text by U+FFFD, in all output of templates except through the filter `exact`."""
    return _TURNING.sub("\ufffd", value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _is_web_address(url: str) -> bool:
    """Return whether a page may link to `url`. Sources may state dangerous `javascript:` and `data:` URLs."""
    try:
        return urlsplit(url).scheme in ("http", "https")
    except ValueError:
        return False


def _moment(at: datetime) -> str:
    """Return a moment as 2026-11-25 10:15:02 UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _ago(at: datetime, now: datetime) -> str:
    """Return the time since or until `at` in its largest unit: "12 s ago", "3 min ago", "in 5 min"."""
    seconds = (now - at).total_seconds()
    size = abs(seconds)
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if size >= length:
            text = f"{int(size // length)} {unit}"
            break
    else:
        text = f"{int(size)} s"
    return f"in {text}" if seconds < 0 else f"{text} ago"


def _count(number: float) -> str:
    """Return a number as 12,345."""
    return f"{number:,}"


def _usd(dollars: float) -> str:
    """Return dollars as $1,234.50; amounts below a cent as "under $0.01"."""
    return "under $0.01" if 0 < dollars < 0.01 else f"${dollars:,.2f}"
