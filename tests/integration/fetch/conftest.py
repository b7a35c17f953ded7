"""Fixtures: HTTP servers on loopback that record requests, configurable host names, and real fetchers."""

import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from app.clock import Clock, SystemClock
from app.property.fetch.build import build_fetcher
from app.property.fetch.client.fetcher import Fetcher
from app.property.fetch.guard.ranges import IPAddress
from app.settings import Settings
from tests.integration.fetch.certificates import Tls, make_tls

Handler = Callable[[BaseHTTPRequestHandler], None]
HTML = b"<!doctype html><html><body><h1>12 Elm Street</h1></body></html>"


@dataclass
class Site:
    """An HTTP server on loopback. `hits` lists the requested paths.

    Unknown paths, including robots.txt, are answered with 404. With `answers_all`, unknown paths other than robots.txt
    return an empty script.
    """

    host: str
    port: int = 0
    scheme: str = "http"
    hits: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)
    connections: int = 0
    sent_bytes: int = 0
    answers_all: bool = False
    _pages: dict[str, Handler] = field(default_factory=dict)
    _server: ThreadingHTTPServer | None = None

    @property
    def base(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"

    def page(
        self, path: str, body: bytes = HTML, *, status: int = 200, content_type: str | None = "text/html", **extra: str
    ) -> str:
        """Serve `body` at `path` and return the URL. `extra` has header fields, with `_` in place of `-`."""

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            if content_type is not None:
                handler.send_header("Content-Type", content_type)
            for name, value in extra.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        return self.handle(path, answer)

    def raw(self, path: str, chunks: Callable[[], Iterator[bytes]]) -> str:
        """Serve exactly these bytes at `path`, then close the connection. Return the URL."""

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.close_connection = True
            for chunk in chunks():
                handler.wfile.write(chunk)
                handler.wfile.flush()
                self.sent_bytes += len(chunk)

        return self.handle(path, answer)

    def handle(self, path: str, handler: Handler) -> str:
        self._pages[path] = handler
        return self.base + path

    def start(self, context: ssl.SSLContext | None = None) -> None:
        site = self

        class _Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.do_GET()

            def do_GET(self) -> None:
                site.hits.append(self.path)
                site.methods.append(self.command)
                site.headers.append(dict(self.headers.items()))
                page = site._pages.get(self.path)
                try:
                    if page is None:
                        self.send_response(200 if site.answers_all and self.path != "/robots.txt" else 404)
                        self.send_header("Content-Type", "text/javascript")
                        self.send_header("Content-Length", "0")
                        self.end_headers()
                    else:
                        page(self)
                except OSError:
                    self.close_connection = True  # the client disconnected, which most of these tests expect

            do_HEAD = do_OPTIONS = do_GET  # noqa: N815 (the names of the base class)
            do_PUT = do_DELETE = do_PATCH = do_POST  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:
                pass

        class _Server(ThreadingHTTPServer):
            daemon_threads = True

            def get_request(self) -> tuple[Any, Any]:
                site.connections += 1
                return super().get_request()

            def handle_error(self, request: object, client_address: object) -> None:
                pass

        server = _Server((self.host, 0), _Handler)
        if context is not None:
            self.scheme = "https"
            server.socket = context.wrap_socket(server.socket, server_side=True)
        self.port = server.server_address[1]
        self._server = server
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()


@pytest.fixture
def make_site() -> Iterator[Callable[..., Site]]:
    started: list[Site] = []

    def make(host: str = "127.0.0.1", context: ssl.SSLContext | None = None) -> Site:
        site = Site(host)
        site.start(context)
        started.append(site)
        return site

    yield make
    for site in started:
        site.stop()


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site()


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    """Create a certificate for homes.example that only the client context trusts."""
    return make_tls(tmp_path)


class Names:
    """A resolver with configurable answers. If a host has a list of answers, each lookup returns the next one."""

    def __init__(self, **hosts: Sequence[str] | Sequence[Sequence[str]]) -> None:
        self.answers: dict[str, list[list[str]]] = {}
        for host, answer in hosts.items():
            self.set(host.replace("_", "."), answer)
        self.asked: list[str] = []

    def set(self, host: str, answer: Sequence[str] | Sequence[Sequence[str]]) -> None:
        self.answers[host] = [list(a) for a in answer if not isinstance(a, str)] or [[str(a) for a in answer]]

    def resolve(self, host: str, timeout_seconds: float) -> Sequence[IPAddress]:
        self.asked.append(host)
        if host not in self.answers:
            raise OSError(f"{host} is unknown")
        series = self.answers[host]
        answer = series.pop(0) if len(series) > 1 else series[0]
        return [ip_address(text) for text in answer]


@pytest.fixture
def make_names() -> type[Names]:
    return Names


MakeFetcher = Callable[..., Fetcher]


@contextmanager
def fetchers() -> Iterator[MakeFetcher]:
    """Yield a function that builds a real fetcher. `opened` is the value of FETCH_ALLOWED_PRIVATE_NETWORKS."""
    made: list[Fetcher] = []

    def make(opened: str = "", *, clock: Clock | None = None, **options: Any) -> Fetcher:
        networks = tuple(ip_network(part) for part in opened.split(",") if part)
        settings = {name: options.pop(name) for name in list(options) if name.startswith("fetch_")}
        chosen = Settings.of(fetch_allowed_private_networks=networks, **settings)  # type: ignore[arg-type]
        made.append(build_fetcher(chosen, clock or SystemClock(), **options))
        return made[-1]

    yield make
    for fetcher in made:
        fetcher.close()


@pytest.fixture
def make_fetcher() -> Iterator[MakeFetcher]:
    with fetchers() as make:
        yield make


@pytest.fixture
def fetcher(make_fetcher: MakeFetcher) -> Fetcher:
    """Return a fetcher that may request pages from the test servers."""
    return make_fetcher("127.0.0.0/8,::1/128")
