"""Eight processes fetch from twenty sites at public addresses, in a network namespace with these addresses. Run it
as `python fleet_of_fetchers.py FOLDER SECONDS` below `unshare --net`. It writes `FOLDER/seen.json`, with
rows [arrived, path, concurrent requests] of each host, and the result of each page."""

from __future__ import annotations

import json
import multiprocessing
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import redis

from app.clock import SystemClock
from app.errors import PropertyIntelligenceError
from app.errors.fetching import HostBusyError
from app.property.fetch.build import build_fetcher
from app.property.fetch.guard.ranges import IPAddress
from app.property.fetch.pace.rules import Visitor
from app.redis.embedded_valkey import EmbeddedValkey
from app.settings import Settings

PROCESSES, PAGES = 8, 12
GAP_SECONDS, RETRY_AFTER_SECONDS, SLOW_SECONDS = 0.5, 4, 1.5
PAGE = b"<!doctype html><html><body><h1>12 Elm Street</h1></body></html>"
#: The text of robots.txt by host. None means that the host has none, and "503" that it answers 503.
ROBOTS: dict[str, str | None] = {
    **{f"plain{n}.example": None for n in range(4)},
    **{f"delay{n}.example": "User-agent: *\nCrawl-delay: 1\n" for n in range(4)},
    **{f"rate{n}.example": "User-agent: *\nRequest-rate: 2/3s\n" for n in range(3)},
    **{f"private{n}.example": "User-agent: *\nDisallow: /homes/1\n" for n in range(2)},
    **{f"down{n}.example": "503" for n in range(2)},
    **{f"refuses{n}.example": None for n in range(2)},
    "slow0.example": None,
    "www.shared.example": None,
    "photos.shared.example": None,
}
ADDRESSES = {host: f"5.9.100.{n}" for n, host in enumerate(ROBOTS, 1)}


class Names:
    """A resolver that knows only the twenty hosts."""

    def resolve(self, host: str, timeout_seconds: float) -> Sequence[IPAddress]:
        return [ip_address(ADDRESSES[host])]


def _seconds_since_arrival(connection: socket.socket) -> float:
    """Return the seconds since the kernel received the last bytes; this process's thread may have waited for a CPU.
    `tcpi_last_data_recv` of Linux's `struct tcp_info` is in milliseconds, after 8 bytes and eleven 32-bit numbers."""
    milliseconds: int = struct.unpack_from("=I", connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), 52)[0]
    return milliseconds / 1000


class Sites:
    """The twenty servers and the log of their requests."""

    def __init__(self) -> None:
        self.seen: dict[str, list[list[Any]]] = defaultdict(list)
        self._under_way: dict[str, int] = defaultdict(int)
        self._lock = threading.Lock()

    def start(self) -> None:
        for host, address in ADDRESSES.items():
            subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
            server = ThreadingHTTPServer((address, 80), self._handler(host))
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, daemon=True).start()

    def _handler(self, host: str) -> type[BaseHTTPRequestHandler]:
        sites = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                arrived = time.time() - _seconds_since_arrival(self.connection)
                with sites._lock:
                    sites._under_way[host] += 1
                    sites.seen[host].append([arrived, self.path, sites._under_way[host]])
                    number = sum(path != "/robots.txt" for _, path, _ in sites.seen[host])
                body = sites.answer(self, host, number)
                with sites._lock:  # before the body's last byte, after which the client may send its next request
                    sites._under_way[host] -= 1
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler

    @staticmethod
    def answer(request: BaseHTTPRequestHandler, host: str, number: int) -> bytes:
        """Send everything but the body; return the body."""
        status, body, head = 200, PAGE, {"Content-Type": "text/html"}
        if request.path == "/robots.txt":
            text = ROBOTS[host]
            status = 404 if text is None else 503 if text == "503" else 200
            body = text.encode() if text and status == 200 else b"none"
        elif host.startswith("refuses") and number == 3:
            status, head = 429, {"Retry-After": str(RETRY_AFTER_SECONDS)}
        elif host.startswith("slow"):
            time.sleep(SLOW_SECONDS)
        request.send_response(status)
        for name, value in {**head, "Content-Length": str(len(body))}.items():
            request.send_header(name, value)
        request.end_headers()
        return body


def work(url: str, ends: float) -> None:
    """Run one process: fetch due pages until none is left or time is up. Deferred pages become due again later."""
    client = redis.Redis.from_url(url, decode_responses=True)
    settings = Settings.of(
        redis_url=url, fetch_min_delay_seconds=GAP_SECONDS, fetch_user_agent="tester/1.0 (+x@y.example)"
    )
    fetcher = build_fetcher(settings, SystemClock(), client, resolver=Names())
    take = client.register_script(
        "local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, 1) "
        "if due[1] then redis.call('ZREM', KEYS[1], due[1]) end return due[1]"
    )
    while time.time() < ends:
        page = take(keys=["due"], args=[time.time()])
        if not page:
            if not client.zcard("due"):
                return  # the process that holds a page returns it to the queue
            time.sleep(0.02)
            continue
        visitor = Visitor(page, page.split("/")[2], max_wait_seconds=1.0, can_defer=True)
        try:
            fetcher.fetch(page, visitor)
            outcome = "done"
        except HostBusyError as exc:
            client.zadd("due", {page: time.time() + float(exc.facts["retry_after_seconds"])})
            continue
        except PropertyIntelligenceError as exc:
            outcome = exc.code
            seconds = exc.facts.get("retry_after_seconds")
            if exc.code == "http_status_transient" and "down" not in page:
                client.zadd("due", {page: time.time() + float(seconds or 1)})
        client.hset("outcomes", page, outcome)


def main(folder: Path, seconds: float) -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    sites = Sites()
    sites.start()
    with EmbeddedValkey(folder) as valkey, redis.Redis.from_url(valkey.url, decode_responses=True) as client:
        client.zadd("due", {f"http://{host}/homes/{n}": 0 for host in ROBOTS for n in range(PAGES)})
        ends = time.time() + seconds
        context = multiprocessing.get_context("spawn")
        workers = [context.Process(target=work, args=(valkey.url, ends)) for _ in range(PROCESSES)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        outcomes = client.hgetall("outcomes")
    (folder / "seen.json").write_text(json.dumps({"seen": sites.seen, "outcomes": outcomes}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
