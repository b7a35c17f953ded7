"""A site over real HTTP whose pages have validators, redirects, and canonical URLs, and change during a test."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from simulators.serving import BackgroundServer


@dataclass
class Asked:
    path: str
    status: int
    headers: Mapping[str, str]


@dataclass
class ChangingSite:
    """Serves `pages` by path and query, and `redirects` and extra `headers` by path.

    With `has_validators`, a request with a page's ETag gets 304. `asked` lists all requests except those of robots.txt.
    """

    pages: dict[str, str] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    address: str = ""
    has_validators: bool = True

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self._serve)])

    def statuses(self, path: str) -> list[int]:
        return [one.status for one in self.asked if one.path == path]

    async def _serve(self, request: Request) -> Response:
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        if path == "/robots.txt":
            return Response(status_code=404)
        answer = self._answer(path, request.headers.get("if-none-match", ""))
        self.asked.append(Asked(path, answer.status_code, dict(request.headers)))
        return answer

    def _answer(self, path: str, known: str) -> Response:
        if path in self.redirects:
            return RedirectResponse(self.redirects[path], 301)
        if path not in self.pages:
            return HTMLResponse("<title>404</title>", 404)
        body, more = self.pages[path].encode(), self.headers.get(path, {})
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if self.has_validators and known == etag:
            return Response(status_code=304, headers={"etag": etag, **more})
        return HTMLResponse(body, headers={**({"etag": etag} if self.has_validators else {}), **more})


@pytest.fixture
def changing_site() -> Iterator[ChangingSite]:
    site = ChangingSite()
    with BackgroundServer(site.app) as server:
        site.address = server.address
        yield site
