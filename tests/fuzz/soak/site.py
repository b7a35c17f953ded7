"""The services that the soak's jobs use: sites on loopback, and a model that quotes a page for every field.

Each page has its own IP address. The services run in the parent process, because the CPU time of the child process is
measured.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.fuzz.soak.pages import HostilePage
from tests.fuzz.targets import sample

#: `pages(seed, number)` returns a page.
Pages = Callable[[int, int], HostilePage]
_QUOTED = 380


class Site:
    def __init__(self, pages: Pages) -> None:
        handler = type("_SoakHandler", (_Handler,), {"pages": staticmethod(pages)})
        self._server = _Server(("", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Site:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, seed: int, number: int) -> str:
        place = number % 0xFF_FFFF + 1
        host = f"127.{place >> 16}.{place >> 8 & 0xFF}.{place & 0xFF}"
        return f"http://{host}:{self.port}/{seed}/{number}/12-elm-street"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore errors, because a job disconnects when a response is too large."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    pages: Pages

    def do_GET(self) -> None:
        parts = self.path.partition("?")[0].split("/")
        if len(parts) != 4 or parts[3] != "12-elm-street":
            self._answer(404, [], b"")
            return
        page = self.pages(int(parts[1]), int(parts[2]))
        self._answer(200, list(page.headers), page.body)

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        content = json.dumps(_quoting(asked))
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        about = {"id": "c", "object": "chat.completion", "created": 1, "model": asked["model"], "usage": usage}
        self._answer(200, [("Content-Type", "application/json")], json.dumps({**about, "choices": [choice]}).encode())

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        with suppress(OSError):
            self.send_response_only(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


def _quoting(asked: dict[str, Any]) -> dict[str, Any]:
    """Return an answer that quotes a line of the page for every requested field, with a value the line may state."""
    *lines, _, wanted = asked["messages"][-1]["content"].splitlines()[1:]
    lines = [line for line in lines if line] or ["-"]
    facts = [(name, lines[place % len(lines)]) for place, name in enumerate(wanted.partition(": ")[2].split(", "))]
    return {"facts": [{"field": name, "value": sample(name, line), "quote": line[:_QUOTED]} for name, line in facts]}
