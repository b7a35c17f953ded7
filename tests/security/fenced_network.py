"""A network on one machine: public sites, internal servers, and a recorder of every packet.

`python -m tests.security.fenced_network FOLDER WAY CHROMIUM`, run by `unshare --net`. WAY is `fetcher` for the complete
fetcher, `browser` for Chromium with the project's launch options but without the request filter, or `unfenced` for
Chromium without either. The module writes the observations to `FOLDER/seen.json`.
"""

import asyncio
import json
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from playwright.async_api import Request, Route, async_playwright

from app.clock import SystemClock
from app.errors import PropertyIntelligenceError
from app.property.fetch.browser.chromium.program import launch_options
from app.property.fetch.browser.renderer import RenderLimits
from app.property.fetch.build import build_fetcher
from app.property.fetch.guard.ranges import IPAddress
from app.property.fetch.limits import Limits
from app.settings import Settings, bare_environment
from tests.security import browser_attacks as attacks
from tests.security import ssrf_corpus

PUBLIC = {"www.site.example": "5.9.101.1", "api.site.example": "5.9.101.2", "far.example": "5.9.101.3"}
#: The internal addresses of this machine. Loopback addresses exist already; the module adds the others.
INSIDE = ("127.0.0.1", "::1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "100.100.100.200", "198.18.0.1")
INSIDE += ("169.254.0.5", "169.254.169.254", "168.63.129.16", "fc00::1", "fd00:ec2::254")
PORTS = (80, 443, 3000, 5432, 6379, 8080)
#: The answers to successive lookups of each name. Rebinding names give an internal address only on a later lookup.
NAMES: dict[str, list[list[str]]] = {
    **{name: [[address]] for name, address in PUBLIC.items()},
    **{name: [addresses] for name, addresses in ssrf_corpus.NAMES.items()},
    **{f"rebind{n}.example": [*[["5.9.101.3"]] * n, ["127.0.0.1"]] for n in range(1, 5)},
    "x.localhost": [["127.0.0.1"]],
}


class Names:
    """Resolves the names in `NAMES`. The last answer of a name is repeated."""

    def __init__(self) -> None:
        self._left = {name: list(answers) for name, answers in NAMES.items()}
        self._lock = threading.Lock()

    def resolve(self, host: str, timeout_seconds: float) -> Sequence[IPAddress]:
        with self._lock:
            if host not in self._left:
                raise OSError(f"{host} is unknown")
            series = self._left[host]
            return [ip_address(text) for text in (series.pop(0) if len(series) > 1 else series[0])]


class PacketRecorder:
    """Reads every packet of the machine and records the destinations of new connections and datagrams."""

    def __init__(self) -> None:
        self.began: set[tuple[str, str, int]] = set()
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            frame = self._socket.recv(65_536)
            (kind,) = struct.unpack("!H", frame[12:14])
            if kind == 0x0800:
                header = (frame[14] & 15) * 4
                self._note(frame[23], ip_address(frame[30:34]), frame[14 + header :])
            elif kind == 0x86DD:
                self._note(frame[20], ip_address(frame[38:54]), frame[54:])

    def _note(self, protocol: int, address: IPAddress, segment: bytes) -> None:
        if protocol == socket.IPPROTO_TCP and segment[13] & 0x12 == 0x02:  # a SYN without ACK opens a connection
            self.began.add(("tcp", str(address), struct.unpack("!H", segment[2:4])[0]))
        elif protocol == socket.IPPROTO_UDP:
            self.began.add(("udp", str(address), struct.unpack("!H", segment[2:4])[0]))


class Network:
    def __init__(self) -> None:
        self.reached: list[tuple[str, int, str]] = []
        self.asked: dict[str, list[str]] = defaultdict(list)

    def start(self) -> None:
        _ip("link", "set", "lo", "up")
        for address in (*PUBLIC.values(), *INSIDE):
            if address not in ("127.0.0.1", "::1"):
                _ip("address", "add", f"{address}/{128 if ':' in address else 32}", "dev", "lo")
        # a default route sends outgoing packets to the veth pair, where the recorder sees them
        _ip("link", "add", "out", "type", "veth", "peer", "name", "beyond")
        for device in ("out", "beyond"):
            _ip("link", "set", device, "up", "arp", "off")
        _ip("address", "add", "5.9.200.1/24", "dev", "out")
        _ip("route", "add", "default", "dev", "out")
        for address in INSIDE:
            for port in PORTS:
                self._listen_inside(address, port)
        for host, address in PUBLIC.items():
            server = ThreadingHTTPServer((address, 80), self._handler(host))
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, daemon=True).start()

    def _listen_inside(self, address: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = socket.create_server((address, port), family=family)
        threading.Thread(target=self._note_visitors, args=(listener, address, port), daemon=True).start()
        datagrams = socket.socket(family, socket.SOCK_DGRAM)
        datagrams.bind((address, port))
        threading.Thread(target=self._note_datagrams, args=(datagrams, address, port), daemon=True).start()

    def _note_visitors(self, listener: socket.socket, address: str, port: int) -> None:
        while True:
            visitor, _ = listener.accept()
            visitor.settimeout(0.5)
            try:
                first = visitor.recv(200)
                visitor.sendall(b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 6\r\n\r\nsecret")
            except OSError:
                first = b""
            visitor.close()
            self.reached.append((address, port, first[:60].decode("latin-1")))

    def _note_datagrams(self, datagrams: socket.socket, address: str, port: int) -> None:
        while True:
            data, _ = datagrams.recvfrom(2048)
            self.reached.append((address, port, f"datagram of {len(data)} bytes"))

    def _handler(self, host: str) -> type[BaseHTTPRequestHandler]:
        network = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                network.asked[host].append(self.path)
                body, head = attacks.answer(self.path)
                self.send_response(302 if "Location" in head else 200 if body else 404)
                more = {"Access-Control-Allow-Origin": "*", "Content-Length": str(len(body))}
                for name, value in {**head, **more}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815 (the name in the base class)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def fetch_all(chromium: str) -> dict[str, str]:
    settings = Settings.of(  # type: ignore[call-arg]
        fetch_browser_path=Path(chromium), fetch_browser_sandbox=False, fetch_min_delay_seconds=0
    )
    fetcher = build_fetcher(
        settings,
        SystemClock(),
        limits=Limits(total_seconds=100, read_seconds=5, connect_seconds=3),
        resolver=Names(),
        render_limits=RenderLimits(settle_seconds=10, quiet_seconds=1.0, requests=100_000),
    )
    became: dict[str, str] = {}
    for path in attacks.PAGES:
        try:
            page = fetcher.fetch(f"http://www.site.example{path}")
            became[path] = f"rendered={page.rendered} {attacks.result(page.text)}"
        except PropertyIntelligenceError as exc:
            became[path] = exc.code
    fetcher.close()
    return became


async def visit(options: Mapping[str, Any], paths: Sequence[str]) -> dict[str, str]:
    """Open pages in Chromium without the fetcher. Only documents are served here; other requests are not filtered."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**options)

        async def show(path: str) -> str:
            context = await browser.new_context()
            await context.route("**/*", _only_documents)
            page = await context.new_page()
            await page.goto(f"http://www.site.example{path}", wait_until="commit", timeout=200_000)
            await asyncio.sleep(6)
            return attacks.result(await page.content())

        became = await asyncio.gather(*map(show, paths))
        await browser.close()
    return dict(zip(paths, became, strict=True))


async def _only_documents(route: Route, request: Request) -> None:
    path = request.url.removeprefix("http://www.site.example")
    if request.is_navigation_request() and path in attacks.PAGES:
        body, headers = attacks.answer(path)
        await route.fulfill(status=200, headers=headers, body=body)
    else:
        await route.continue_()


def main(folder: Path, way: str, chromium: str) -> None:
    network = Network()
    network.start()
    recorder = PacketRecorder()
    time.sleep(0.3)
    if way == "fetcher":
        became = fetch_all(chromium)
    elif way == "browser":
        with socket.socket() as dead_end:
            dead_end.bind(("127.0.0.1", 0))
            options = launch_options(
                executable=chromium,
                proxy=f"http://127.0.0.1:{dead_end.getsockname()[1]}",
                sandbox=False,
                memory_bytes=2_000_000_000,
                environment=bare_environment(),
                more=[],
            )
            became = asyncio.run(visit(options, ["/fetch", "/socket", "/hints", "/rtc"]))
    else:
        # three pages suffice to show that the recorders see requests
        unprotected = {"executable_path": chromium, "chromium_sandbox": False, "env": bare_environment()}
        became = asyncio.run(visit(unprotected, ["/fetch", "/image", "/frame"]))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            datagrams.sendto(b"seen?", ("10.0.0.1", 3000))
    time.sleep(1.0)
    seen = {"reached": network.reached, "asked": network.asked, "began": sorted(recorder.began), "became": became}
    (folder / "seen.json").write_text(json.dumps(seen, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
