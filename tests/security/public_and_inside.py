"""A public site and an allowed internal network on one machine: which internal URLs a public page can make it fetch.

`python -m tests.security.public_and_inside FOLDER CHROMIUM`, run by `unshare --net`; if CHROMIUM is empty, no page is
rendered. The result of each page and the requested internal paths are written to `FOLDER/seen.json`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

from app.clock import SystemClock
from app.errors import PropertyIntelligenceError
from app.property.fetch.browser.renderer import RenderLimits
from app.property.fetch.build import build_fetcher
from app.property.fetch.guard.ranges import IPAddress
from app.settings import Settings

PUBLIC, INSIDE = "5.9.101.1", "10.0.0.5"
FACTS = "<!doctype html><title>Homes</title><h1>12 Elm Street</h1><p>Price $250,000</p>"
_PADDING = "/* what a bundler leaves */" * 12

#: The answer by host and path: a redirect's location, or a page.
ANSWERS: dict[str, dict[str, str]] = {
    PUBLIC: {
        "/redirect": f"http://{INSIDE}/by-redirect",
        "/refresh": f"<meta http-equiv=refresh content='0; url=http://{INSIDE}/by-refresh'>",
        "/chain": f"http://{PUBLIC}/chained",
        "/chained": f"http://{INSIDE}/by-chain",
        "/script": f"<title>x</title><div id=root></div><script>location.href = 'http://{INSIDE}/by-script';{_PADDING}"
        "</script>",
        "/load": f"<title>x</title><div id=root></div><script>fetch('http://{INSIDE}/by-load', {{mode: 'no-cors'}})"
        f".catch(() => 0).finally(() => document.getElementById('root').innerHTML = 'drawn');{_PADDING}</script>",
        "/back": f"http://{INSIDE}/by-back",
    },
    INSIDE: {
        "/": FACTS,
        "/moved": "/",
        "/out": f"http://{PUBLIC}/back",
        **{f"/by-{how}": FACTS for how in ("redirect", "refresh", "chain", "script", "load", "back")},
    },
    "turns.example": {"/home": FACTS},
}
#: The URLs that are requested, in this order.
URLS = [
    *(f"http://{PUBLIC}/{how}" for how in ("redirect", "refresh", "chain")),
    "http://turns.example/home",
    *(f"http://{INSIDE}/{path}" for path in ("", "moved", "out")),
]
DRAWN = [f"http://{PUBLIC}/{how}" for how in ("script", "load")]


class _Names:
    """One name that is public for the page and internal for the robots.txt of its site."""

    def __init__(self) -> None:
        self._answers = [PUBLIC, INSIDE]

    def resolve(self, host: str, timeout_seconds: float) -> Sequence[IPAddress]:
        return [ip_address(self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])]


def _serve(address: str, asked: list[str]) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            host = self.headers["Host"]
            answer = ANSWERS.get(host, {}).get(self.path)
            is_place = answer is not None and answer.startswith(("http:", "/"))
            body = answer.encode() if answer is not None and not is_place else b""
            self.send_response(404 if answer is None else 302 if is_place else 200)
            if is_place:
                self.send_header("Location", str(answer))
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer((address, 80), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def main(folder: Path, chromium: str) -> None:
    _ip("link", "set", "lo", "up")
    asked: dict[str, list[str]] = {PUBLIC: [], INSIDE: []}
    for address, paths in asked.items():
        _ip("address", "add", f"{address}/32", "dev", "lo")
        _serve(address, paths)
    settings: dict[str, Any] = {
        "fetch_allowed_private_networks": (ip_network("10.0.0.0/8"),),
        "fetch_min_delay_seconds": 0,
    }
    if chromium:
        settings |= {"fetch_browser_path": Path(chromium), "fetch_browser_sandbox": False}
    fetcher = build_fetcher(
        Settings.of(**settings),
        SystemClock(),
        resolver=_Names(),
        render_limits=RenderLimits(settle_seconds=5, quiet_seconds=0.4),
    )
    became: dict[str, str] = {}
    for url in [*URLS, *(DRAWN if chromium else [])]:
        try:
            became[url] = fetcher.fetch(url).final_url
        except PropertyIntelligenceError as exc:
            became[url] = exc.code
    fetcher.close()
    (folder / "seen.json").write_text(json.dumps({"became": became, "inside": asked[INSIDE]}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
