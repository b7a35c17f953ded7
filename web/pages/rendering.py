"""Render templates as pages with security headers, and serve static files."""

import base64
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
from app.plurals import counted
from app.property.presenting.attempts import result_of
from app.property.presenting.sources import KINDS
from app.property.storage.jobs.models import shown_state
from web.auth import rights_of
from web.pages.locator import distance

_WEB = Path(__file__).parents[1]
STATIC = _WEB / "static"
#: Maximum number of rows on one page of a list. More rows would delay the first paint.
ROWS = 25
#: The pages' stylesheet. It is inlined, because a request for it would delay the first paint.
_STYLE = (_WEB / "templates" / "pages.css").read_text("utf-8")
_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": f"'self' 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
#: Characters that change the text's direction (Unicode Annex 9, section 2), which can disguise a URL.
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
#: The headers of every page. The Referrer-Policy "no-referrer" would make browsers send forms with `Origin: null`.
HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in _POLICY.items()),
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Vary": "Cookie, HX-Request",
}


@cache
def _asset_url(name: str) -> str:
    """Return the URL of a file in `web/static`. It contains a hash of the file, so browsers may cache the file."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()
    return f"/static/{name}?v={digest[:12]}"


class Assets(StaticFiles):
    """Serves static files. Browsers may cache a file for a year if its URL contains a hash."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        versioned = scope["query_string"].startswith(b"v=")
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if versioned else "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def page(request: Request, template: str, status: int = 200, /, **shown: Any) -> HTMLResponse:
    """Render `template` with the variables `shown`, and with the caller and the caller's rights."""
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
    # "replace": a lone surrogate, which UTF-8 cannot encode, becomes `?`
    return HTMLResponse(body.encode("utf-8", "replace"), status, HEADERS)


def live_page(request: Request, name: str, /, **shown: Any) -> HTMLResponse:
    """Render the whole page `name`, or only its live part if the page's script asks for a refresh."""
    return page(request, f"{name}_live.html" if wants_fragment(request) else f"{name}.html", **shown)


def page_addresses(path: str, cursor: str | None, next_cursor: str | None, **filters: str | None) -> dict[str, str]:
    """Return the URLs of this page of a list (`here`) and of the next page (`next_page`, "" if there is none)."""

    def address(after: str | None) -> str:
        given = {name: value for name, value in {**filters, "cursor": after}.items() if value}
        return f"{path}?{urlencode(given)}" if given else path

    return {"here": address(cursor), "next_page": address(next_cursor) if next_cursor else ""}


def wants_fragment(request: Request) -> bool:
    """Return whether the page's script (htmx) asks only for the live part of the page."""
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
        "shown_state": shown_state,
        "source_kind": lambda kind: KINDS.get(kind or "", ""),
        "source_result": lambda attempt: result_of(attempt).short,
    }
    made.filters.update(filters)
    made.tests["web_address"] = _is_web_address
    made.globals["counted"] = counted
    made.globals["asset"] = _asset_url
    made.globals["style"] = Markup(_STYLE)  # noqa: S704 (our own file)
    return made


def _seen(value: Any) -> Any:
    """Replace characters that change the text direction with U+FFFD. Only the filter `exact` bypasses this."""
    return _TURNING.sub("\ufffd", value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _is_web_address(url: str) -> bool:
    """URLs from sources may be dangerous (`javascript:`, `data:`)."""
    try:
        return urlsplit(url).scheme in ("http", "https")
    except ValueError:
        return False


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _ago(at: datetime, now: datetime) -> str:
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
    return f"{number:,}"


def _usd(dollars: float) -> str:
    return "under $0.01" if 0 < dollars < 0.01 else f"${dollars:,.2f}"
