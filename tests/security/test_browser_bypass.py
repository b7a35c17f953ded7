"""A page in the browser cannot bypass the request filter with requests that Playwright's routes do not see.

The tests count what a server received, requests as well as connections.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from app.property.fetch.browser.renderer import RenderLimits
from tests.integration.fetch.browser.conftest import chromium, drawing, make_browser_fetcher, shell

__all__ = ["chromium", "make_browser_fetcher"]

_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
_REQUESTS = 5

#: Each is repeated 200 times within seconds, forty times the limit of a page. More would exhaust memory, since each
#: request takes memory until its response. `u()` is a new URL of the page's own site, `other` a URL of another host.
FLOODS = {
    "audio worklet": "const c = new OfflineAudioContext(1, 128, 44100); again(() => c.audioWorklet.addModule(u()))",
    "paint worklet": "again(() => CSS.paintWorklet.addModule(u()))",
    "fetch later": "again(() => fetchLater(u(), {activateAfter: 0}))",
    "worker": "again(() => new Worker(u()))",
    "worker of a blob": "work(`again(() => fetch('${u()}' + Math.random()))`)",
    "worker's scripts": "work(`again(() => importScripts('${u()}' + Math.random()))`)",
    "worker's methods": "work(`for (const method of ['PUT', 'DELETE', 'PATCH']) again(() => fetch('${u()}',"
    " {method, mode: 'same-origin'}))`)",
    "worker's worker": "work(`new Worker(URL.createObjectURL(new Blob(['const again = ' + again, "
    "\"; again(() => fetch('${u()}'))\"])))`)",
    "shared worker": "again(() => new SharedWorker(u()))",
    "socket": "again(() => new WebSocket(u().replace('http', 'ws')))",
    "worker's socket": "work(`again(() => new WebSocket('${u()}'.replace('http', 'ws')))`)",
    "events": "again(() => new EventSource(u()))",
    "worker's events": "work(`again(() => new EventSource('${u()}'))`)",
    "methods": "for (const method of ['PUT', 'DELETE', 'PATCH']) again(() => fetch(u(), {method}))",
    "beacon": "again(() => navigator.sendBeacon(u(), 'x'))",
    "modules": "again(() => import(u()))",
    "fetch": "again(() => fetch(u()))",
    "another host": "again(() => fetch(other, {mode: 'no-cors', keepalive: true})); again(() => new WebSocket("
    "other.replace('http', 'ws'))); work(`again(() => fetch('${other}', {mode: 'no-cors'}))`)",
}
_HELPERS = """let n = 0; const u = () => location.origin + '/flood/' + n++; const other = 'OTHER';
const again = (act, left = 200) => { const id = setInterval(() => { if (!left--) return clearInterval(id);
  try { Promise.resolve(act()).catch(() => 0) } catch {} }, 5) };
const work = code => new Worker(URL.createObjectURL(new Blob([`const again = ${again}; ${code}`])));
"""


class _RecordingSite:
    """A site on loopback that records all requests. It answers with an empty script, except for `pages`."""

    def __init__(self, host: str) -> None:
        self.asked: list[tuple[str, str]] = []
        self.connections = 0
        self.pages: dict[str, bytes] = {}
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                recorder.asked.append((self.command, self.path))
                body = recorder.pages.get(self.path, b"")
                self.send_response(404 if self.path == "/robots.txt" else 200)
                self.send_header("Content-Type", "text/html" if body else "text/javascript")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with suppress(OSError):
                    self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        for method in _METHODS[1:]:
            setattr(Handler, f"do_{method}", Handler.do_GET)

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def get_request(self) -> tuple[socket.socket, Any]:
                recorder.connections += 1
                return super().get_request()

        self._server = Server((host, 0), Handler)
        self.base = f"http://{host}:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def recorders() -> Iterator[tuple[_RecordingSite, _RecordingSite]]:
    """Start the page's own site, and another host."""
    made = _RecordingSite("127.0.0.1"), _RecordingSite("127.0.0.2")
    yield made
    for one in made:
        one.close()


@pytest.mark.parametrize("way", FLOODS)
def test_no_page_exceeds_its_request_limit(
    recorders: tuple[_RecordingSite, _RecordingSite], make_browser_fetcher: Any, way: str
) -> None:
    """No method exceeds the page's request limit, uses another HTTP method, or opens a connection of its own."""
    home, other = recorders
    script = f"{_HELPERS.replace('OTHER', other.base)} {drawing()} {FLOODS[way]};"
    home.pages["/home"] = shell(script)
    limits = RenderLimits(settle_seconds=3.0, quiet_seconds=2.5, requests=_REQUESTS)
    page = make_browser_fetcher(render_limits=limits).fetch(f"{home.base}/home")
    assert "12 Elm Street" in page.text
    asked = [(method, path) for method, path in home.asked + other.asked if path not in ("/robots.txt", "/home")]
    assert len(asked) <= _REQUESTS
    assert {method for method, _ in asked} <= {"GET", "HEAD", "POST"}
    assert home.connections + other.connections <= _REQUESTS + 3, (
        "more connections than requests, robots.txt of both hosts, and the page"
    )
