"""The site's routes: listings, generated listings, an index, robots.txt, and a few pages without a property."""

import hashlib

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from simulators.site import homes
from simulators.site.pages import bundled_pages

ROBOTS = "User-agent: *\nDisallow: /private/\n"
_MODIFIED = "Mon, 02 Mar 2026 08:00:00 GMT"

_CARDS = "".join(
    f'<div class="card"><a href="{one.path}">{one.street}</a> ${one.price:,} {one.bedrooms} beds</div>'
    for one in map(homes.home, range(1, 25))
)
#: Pages without a property, by name: status, title, and text.
_ODD: dict[str, tuple[int, str, str]] = {
    "gone": (410, "Gone", "<h1>This listing has been removed</h1><p>The property is no longer available.</p>"),
    "off-market": (200, "Not available", "<h1>This listing is no longer available</h1><p>It has been removed.</p>"),
    "challenge": (403, "Just a moment...", "<h1>Verify you are human</h1><p>Complete the CAPTCHA to continue.</p>"),
    "search": (200, "24 homes for sale in Fernwick", f"<h1>24 homes for sale</h1>{_CARDS}<p>Page 1 of 9</p>"),
}


def _with_validators(request: Request, body: bytes, content_type: str) -> Response:
    """Return the body, or a 304 if the client's cached copy is current (RFC 9110 section 13.1)."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Last-Modified": _MODIFIED, "Cache-Control": "max-age=60"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    # Starlette would add a charset to `media_type`, even for a page that must not announce one.
    return Response(body, headers={**headers, "Content-Type": content_type})


async def _listing(request: Request) -> Response:
    found = bundled_pages().get(request.path_params["slug"])
    if found is None:
        return _not_found()
    return _with_validators(request, found.body(), found.content_type)


async def _home(request: Request) -> Response:
    try:
        text = homes.page(request.path_params["number"])
    except ValueError:
        return _not_found()
    return _with_validators(request, text.encode(), "text/html; charset=utf-8")


async def _index(request: Request) -> Response:
    """List the URLs, one per line. `?homes=N` adds the first N generated listings."""
    given = request.query_params.get("homes", "0")
    count = min(int(given), homes.COUNT) if given.isdigit() else 0
    paths = [page.path for page in bundled_pages().values()] + [f"/homes/{n}" for n in range(1, count + 1)]
    root = str(request.base_url).rstrip("/")
    return PlainTextResponse("".join(f"{root}{path}\n" for path in paths))


async def _front(request: Request) -> Response:  # noqa: ARG001 (starlette passes it)
    links = "".join(f'<li><a href="{p.path}">{p.slug}</a>: {p.style}</li>' for p in bundled_pages().values())
    return HTMLResponse(f"<!doctype html><title>Invented homes</title><h1>Invented homes</h1><ul>{links}</ul>")


async def _robots(request: Request) -> Response:  # noqa: ARG001 (starlette passes it)
    return PlainTextResponse(ROBOTS)


async def _private(request: Request) -> Response:  # noqa: ARG001 (starlette passes it)
    return HTMLResponse(homes.page(1))


async def _moved(request: Request) -> Response:  # noqa: ARG001 (starlette passes it)
    return RedirectResponse("/listings/oak-hollow-lane", 301)


async def _odd(request: Request) -> Response:
    found = _ODD.get(request.path_params["name"])
    if found is None:
        return _not_found()
    status, title, text = found
    return HTMLResponse(f"<!doctype html><title>{title}</title>{text}", status)


def _not_found() -> Response:
    return HTMLResponse("<!doctype html><title>404</title><h1>Page not found</h1>", 404)


def build_site() -> Starlette:
    return Starlette(
        routes=[
            Route("/", _front),
            Route("/index.txt", _index),
            Route("/robots.txt", _robots),
            Route("/listings/{slug}", _listing),
            Route("/homes/{number:int}", _home),
            Route("/private/{rest:path}", _private),
            Route("/moved/{rest:path}", _moved),
            Route("/odd/empty", lambda _: Response(b"", headers={"Content-Type": "text/html"})),
            Route("/odd/{name}", _odd),
        ]
    )
