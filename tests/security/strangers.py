"""Check which addresses a hostile web site or name server can make a fetcher contact, on a simulated network.

`python -m tests.security.strangers FOLDER CHROMIUM` runs in `unshare --net --mount`. If CHROMIUM is empty, no page is
rendered. The module writes to `FOLDER/seen.json`: the result and the contacted addresses of each name, the result of
each page, and the requested internal paths.
"""

import json
import socket
import subprocess
import sys
import threading
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

from app.clock import SystemClock
from app.errors import PropertyIntelligenceError
from app.property.fetch.browser.renderer import RenderLimits
from app.property.fetch.build import build_fetcher
from app.property.fetch.guard.ranges import IPAddress
from app.property.fetch.limits import Limits
from app.settings import Settings

PUBLIC, PUBLIC_6 = "5.9.100.1", "2a01:4f8::1"
INSIDE, INSIDE_6 = "10.0.0.7", "fd00::7"
A, CNAME, AAAA = 1, 5, 28
FACTS = "<!doctype html><title>Homes</title><h1>12 Elm Street</h1><p>Price $250,000</p>"

#: The DNS records of each name, in the order in which they are sent.
RECORDS: dict[str, list[tuple[int, str]]] = {
    "honest.example": [(A, PUBLIC)],
    "honest6.example": [(AAAA, PUBLIC_6)],
    "alias.example": [(CNAME, "honest.example")],
    "plain.example": [(A, INSIDE)],
    "plain6.example": [(AAAA, INSIDE_6)],
    "loopback.example": [(A, "127.0.0.1")],
    "loopback6.example": [(AAAA, "::1")],
    "metadata.example": [(A, "169.254.169.254")],
    "zero.example": [(A, "0.0.0.0")],
    "cname-inside.example": [(CNAME, "plain.example")],
    "cname-chain.example": [(CNAME, "cname-inside.example")],
    "cname-localhost.example": [(CNAME, "localhost.example")],
    "localhost.example": [(A, "127.0.0.1")],
    "mixed.example": [(A, PUBLIC), (A, INSIDE)],
    "mixed-other-way.example": [(A, INSIDE), (A, PUBLIC)],
    "mixed6.example": [(A, PUBLIC), (AAAA, INSIDE_6)],
    "mixed-mapped.example": [(A, PUBLIC), (AAAA, "::ffff:10.0.0.7")],
    "mapped.example": [(AAAA, "::ffff:10.0.0.7")],
    "nat64.example": [(AAAA, "64:ff9b::a00:7")],
    "nat64-local.example": [(AAAA, "64:ff9b:1::a00:7")],
    "6to4.example": [(AAAA, "2002:a00:7::1")],
    "teredo.example": [(AAAA, "2001:0:a00:7::1")],
    "compatible.example": [(AAAA, "::10.0.0.7")],
    "10.0.0.7.nip.example": [(A, INSIDE)],
}
#: The first query for these names gets the public address, and later queries get the internal address.
REBINDS = ["rebinds.example"]
DEAD = ["no-such-name.example", "cname-loop.example"]
HONEST = ["honest.example", "honest6.example", "alias.example"]
REACHABLE_WITHOUT_A_GUARD = ["plain.example", "plain6.example", "cname-chain.example", "10.0.0.7.nip.example"]

_PADDING = "/* what a bundler leaves */" * 12
#: The response by host and path: a redirect's location, or a page. Other hosts serve a page at every path.
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
}
#: The URLs to request while the internal network is allowed, in this order.
URLS = [
    *(f"http://{PUBLIC}/{how}" for how in ("redirect", "refresh", "chain")),
    "http://turns.example/home",
    *(f"http://{INSIDE}/{path}" for path in ("", "moved", "out")),
]
DRAWN = [f"http://{PUBLIC}/{how}" for how in ("script", "load")]


class NameServer:
    """A name server that answers queries for `RECORDS` over UDP (RFC 1035) with TTL 0."""

    def __init__(self) -> None:
        self._asked: dict[str, int] = defaultdict(int)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.53", 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            question, client = self._socket.recvfrom(4096)
            self._socket.sendto(self._answer(question), client)

    def _answer(self, message: bytes) -> bytes:
        end = message.index(b"\0", 12)
        name, kind = _read_name(message[12:end]), int.from_bytes(message[end + 1 : end + 3])
        found = self._records(name, kind)
        code = 0 if found or name in RECORDS or name in REBINDS else 3
        head = message[:2] + (0x8580 | code).to_bytes(2) + b"\0\1" + len(found).to_bytes(2) + bytes(4)
        return head + message[12 : end + 5] + b"".join(_record(*row) for row in found)

    def _records(self, name: str, kind: int) -> list[tuple[str, int, str]]:
        if name in REBINDS:
            self._asked[name] += kind == A
            return [(name, A, PUBLIC if self._asked[name] == 1 else INSIDE)] if kind == A else []
        if name == "cname-loop.example":
            return [(name, CNAME, name)]
        found: list[tuple[str, int, str]] = []
        for of, value in RECORDS.get(name, []):
            if of == CNAME:
                found += [(name, CNAME, value), *self._records(value, kind)]
            elif of == kind:
                found.append((name, of, value))
        return found


def _read_name(labels: bytes) -> str:
    parts = []
    while labels:
        parts.append(labels[1 : 1 + labels[0]].decode().lower())
        labels = labels[1 + labels[0] :]
    return ".".join(parts)


def _write_name(name: str) -> bytes:
    return b"".join(len(part).to_bytes(1) + part.encode() for part in name.split(".")) + b"\0"


def _record(name: str, kind: int, value: str) -> bytes:
    data = _write_name(value) if kind == CNAME else ip_address(value).packed
    return _write_name(name) + kind.to_bytes(2) + b"\0\1" + bytes(4) + len(data).to_bytes(2) + data


class Everywhere(ThreadingHTTPServer):
    """An HTTP server at every address of this machine. `contacts` records the address of each connection."""

    address_family = socket.AF_INET6

    def __init__(self) -> None:
        self.contacts: list[str] = []
        self.requests: list[tuple[str, str]] = []
        super().__init__(("::", 80), _Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, client = super().get_request()
        self.contacts.append(_address(connection))
        return connection, client

    def during(self, act: Callable[[], object]) -> tuple[str, list[str]]:
        """Return "fetched" or the error's code or type, and the addresses that `act` contacted."""
        before = len(self.contacts)
        try:
            act()
            outcome = "fetched"
        except PropertyIntelligenceError as exc:
            outcome = exc.code
        except OSError as exc:
            outcome = type(exc).__name__
        return outcome, self.contacts[before:]


def _address(connection: socket.socket) -> str:
    return str(connection.getsockname()[0]).removeprefix("::ffff:")


class _Handler(BaseHTTPRequestHandler):
    server: Everywhere

    def do_GET(self) -> None:
        self.server.requests.append((_address(self.connection), self.path))
        host = self.headers["Host"]
        answer = ANSWERS[host].get(self.path) if host in ANSWERS else FACTS if self.path != "/robots.txt" else None
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


class _Turning:
    """Resolves a site's name to the public address for a page, then to the internal address for its robots.txt."""

    def __init__(self) -> None:
        self._answers = [PUBLIC, INSIDE]

    def resolve(self, host: str, timeout_seconds: float) -> Sequence[IPAddress]:
        return [ip_address(self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])]


def _without_a_guard(host: str) -> None:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://{host}/", timeout=60) as answer:
        answer.read()


def _became(url: str, fetcher: Any) -> str:
    try:
        return str(fetcher.fetch(url).final_url)
    except PropertyIntelligenceError as exc:
        return exc.code


def main(folder: Path, chromium: str) -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    inside = (INSIDE, INSIDE_6, "169.254.169.254", "::a00:7", "64:ff9b::a00:7", "64:ff9b:1::a00:7")
    for address in (PUBLIC, PUBLIC_6, *inside, "2002:a00:7::1", "2001:0:a00:7::1"):
        subprocess.run(["ip", "address", "add", address, "dev", "lo"], check=True)
    (folder / "resolv.conf").write_text("nameserver 127.0.0.53\noptions timeout:30 attempts:1\n")
    subprocess.run(["mount", "--bind", str(folder / "resolv.conf"), "/etc/resolv.conf"], check=True)
    NameServer()
    server = Everywhere()
    seen: dict[str, Any] = {}
    limits = Limits(connect_seconds=60, total_seconds=240)
    # each loop has a new fetcher without cached answers
    for label, names in {"guarded": [*RECORDS, *DEAD, *REBINDS], "later": REBINDS}.items():
        fetcher = build_fetcher(Settings.of(fetch_min_delay_seconds=0), SystemClock(), limits=limits)
        seen[label] = {name: server.during(lambda: fetcher.fetch(f"http://{name}/")) for name in names}  # noqa: B023
    naive = [*REACHABLE_WITHOUT_A_GUARD, *REBINDS]
    seen["naive"] = {name: server.during(lambda name=name: _without_a_guard(name)) for name in naive}  # type: ignore[misc]

    settings: dict[str, Any] = {"fetch_allowed_private_networks": (ip_network("10.0.0.0/8"),)}
    if chromium:
        settings |= {"fetch_browser_path": Path(chromium), "fetch_browser_sandbox": False}
    allowing = build_fetcher(
        Settings.of(**settings, fetch_min_delay_seconds=0),
        SystemClock(),
        resolver=_Turning(),
        limits=limits,
        render_limits=RenderLimits(settle_seconds=30, quiet_seconds=3.0),
    )
    server.requests.clear()
    seen["became"] = {url: _became(url, allowing) for url in [*URLS, *(DRAWN if chromium else [])]}
    allowing.close()
    seen["inside"] = [path for address, path in server.requests if address == INSIDE]
    (folder / "seen.json").write_text(json.dumps(seen))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
