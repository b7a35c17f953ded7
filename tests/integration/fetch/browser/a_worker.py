"""A program that renders a page, prints the id of its browser process, and waits to be killed. Run as `python -m
tests.integration.fetch.browser.a_worker CHROMIUM idle|busy`. With `busy`, the page has an endless script."""

from __future__ import annotations

import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path

from app.clock import SystemClock
from app.property.fetch.build import build_fetcher
from app.settings import Settings
from tests.integration.fetch.browser.conftest import drawing, renderer_of, shell

PAGES = {"/good": shell(drawing()), "/busy": shell("setTimeout(() => {while (true) {}}, 10)")}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = PAGES.get(self.path, b"")
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def main(chromium: str, state: str) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings = Settings.of(  # type: ignore[call-arg]
        fetch_allowed_private_networks=(ip_network("127.0.0.0/8"),),
        fetch_browser_path=Path(chromium),
        fetch_browser_sandbox=False,
    )
    fetcher = build_fetcher(settings, SystemClock())
    base = f"http://127.0.0.1:{server.server_address[1]}"
    assert "12 Elm Street" in fetcher.fetch(f"{base}/good").text
    renderer = renderer_of(fetcher)
    if state == "busy":
        threading.Thread(target=fetcher.fetch, args=(f"{base}/busy",), daemon=True).start()
        while not renderer._current.users:
            time.sleep(0.01)
        time.sleep(1.0)
    sys.stdout.write(f"{renderer._current.pid}\n")
    sys.stdout.flush()
    threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
