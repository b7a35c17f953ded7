"""Templates become pages: one environment, the headers of every page, and the files that a page is drawn with."""

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
#: turn the text after them around (Unicode Annex 9, section 2), so that a page or URL looks like another one
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
#: of every page. The referrer stays within the site: without one a browser sends its forms with the origin "null".
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
    """The files below `web/static` by their names; each address has a piece of its file's hash, so that a browser may
    keep it for good."""

    folder = _WEB / "static"

    @cache  # noqa: B019 (one instance, as long as the process)
    def url(self, name: str) -> str:
        digest = hashlib.sha256((self.folder / name).read_bytes()).hexdigest()
        return f"/static/{name}?v={digest[:12]}"


assets = _Files()


class Assets(StaticFiles):
    """Kept by browsers for a year if asked for by the address that `assets.url` gave, else not without asking."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder)

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        versioned = scope["query_string"].startswith(b"v=")
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if versioned else "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def page(request: Request, template: str, status: int = 200, /, **shown: Any) -> HTMLResponse:
    """The page that `template` makes of `shown`, with who is signed in and what he may do."""
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
    # half of a surrogate pair, which no encoding has, is shown as `?`
    return HTMLResponse(body.encode("utf-8", "replace"), status, HEADERS)


def live_page(request: Request, name: str, /, **shown: Any) -> HTMLResponse:
    """`page`; only the part of it that changes, if the page that is shown already asks for that."""
    return page(request, f"{name}_live.html" if wants_fragment(request) else f"{name}.html", **shown)


def address(path: str, **parameters: str | None) -> str:
    """`path` with those of the parameters that have a value."""
    given = {name: value for name, value in parameters.items() if value}
    return f"{path}?{urlencode(given)}" if given else path


def wants_fragment(request: Request) -> bool:
    """Whether a page that is shown already asks for the part of it that changes."""
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
    """Text in the order in which it is read: what would turn it around is shown as U+FFFD. For all that a template
    shows but what the filter `exact` keeps, for forms."""
    return _TURNING.sub("\ufffd", value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _is_web_address(url: str) -> bool:
    """Whether a link may lead there: no `javascript:` or `data:` that a page said of itself."""
    try:
        return urlsplit(url).scheme in ("http", "https")
    except ValueError:
        return False


def _moment(at: datetime) -> str:
    """2026-11-25 10:15:02 UTC"""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _ago(at: datetime, now: datetime) -> str:
    """How long ago in its largest unit: "12 s ago", "3 min ago", "in 5 min"."""
    seconds = (now - at).total_seconds()
    size = abs(seconds)
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if size >= length:
            said = f"{int(size // length)} {unit}"
            break
    else:
        said = f"{int(size)} s"
    return f"in {said}" if seconds < 0 else f"{said} ago"


def _count(number: float) -> str:
    """12,345"""
    return f"{number:,}"


def _usd(dollars: float) -> str:
    """$1,234.50, and "under $0.01" for what is less but not nothing."""
    return "under $0.01" if 0 < dollars < 0.01 else f"${dollars:,.2f}"
