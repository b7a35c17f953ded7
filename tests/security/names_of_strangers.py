"""A fetcher with the machine's resolver queries a malicious name server, in a private network.

`python -m ... FOLDER`, run by `unshare --net --mount`. Writes the result and the contacted addresses of each name to
`FOLDER/seen.json`, and the same for a client without a guard.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

from app.clock import SystemClock
from app.errors import PropertyIntelligenceError
from app.property.fetch.build import build_fetcher
from app.property.fetch.limits import Limits
from app.settings import Settings

PUBLIC, PUBLIC_6 = "5.9.100.1", "2a01:4f8::1"
INSIDE, INSIDE_6 = "10.0.0.7", "fd00::7"
A, CNAME, AAAA = 1, 5, 28
PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 12\r\nConnection: close\r\n\r\n<h1>Elm</h1>"

#: The records of each name, in the order of the answer.
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
#: The first query for these is answered with the public address, later ones with the internal address.
REBINDS = ["rebinds.example"]
#: These names do not resolve.
DEAD = ["no-such-name.example", "cname-loop.example"]
HONEST = ["honest.example", "honest6.example", "alias.example"]
REACHABLE_WITHOUT_A_GUARD = ["plain.example", "plain6.example", "cname-chain.example", "10.0.0.7.nip.example"]


class NameServer:
    """Answers queries for `RECORDS` over UDP (RFC 1035) with TTL 0."""

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


class Everywhere:
    """One server at every address of this machine, which records the address of each connection."""

    def __init__(self) -> None:
        self.reached: list[str] = []
        self._listener = socket.create_server(("::", 80), family=socket.AF_INET6, dualstack_ipv6=True)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            self.reached.append(connection.getsockname()[0].removeprefix("::ffff:"))
            with connection, contextlib.suppress(OSError):
                asked = connection.recv(65536)
                robots = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                connection.sendall(robots if b"/robots.txt" in asked else PAGE)

    def during(self, act: Callable[[], object]) -> tuple[str, list[str]]:
        """Return the result of `act` ("fetched", or its error's code or type) and the addresses contacted meanwhile."""
        self.reached.clear()
        try:
            act()
            outcome = "fetched"
        except PropertyIntelligenceError as exc:
            outcome = exc.code
        except OSError as exc:
            outcome = type(exc).__name__
        return outcome, list(self.reached)


def _without_a_guard(host: str) -> None:
    connection = http.client.HTTPConnection(host, 80, timeout=5)
    connection.request("GET", "/")
    connection.getresponse().read()
    connection.close()


def main(folder: Path) -> None:
    """Set up the network, and fetch from every name."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    inside = (INSIDE, INSIDE_6, "169.254.169.254", "::a00:7", "64:ff9b::a00:7", "64:ff9b:1::a00:7")
    for address in (PUBLIC, PUBLIC_6, *inside, "2002:a00:7::1", "2001:0:a00:7::1"):
        subprocess.run(["ip", "address", "add", address, "dev", "lo"], check=True)
    (folder / "resolv.conf").write_text("nameserver 127.0.0.53\noptions timeout:1 attempts:1\n")
    subprocess.run(["mount", "--bind", str(folder / "resolv.conf"), "/etc/resolv.conf"], check=True)
    NameServer()
    server = Everywhere()
    settings = Settings.of(fetch_min_delay_seconds=0)
    limits = Limits(connect_seconds=3, total_seconds=10)
    fetcher = build_fetcher(settings, SystemClock(), limits=limits)
    seen = {
        name: server.during(lambda name=name: fetcher.fetch(f"http://{name}/"))  # type: ignore[misc]
        for name in [*RECORDS, *DEAD, *REBINDS]
    }
    later_fetcher = build_fetcher(settings, SystemClock(), limits=limits)  # drop the cached answer
    later = {
        name: server.during(lambda name=name: later_fetcher.fetch(f"http://{name}/"))  # type: ignore[misc]
        for name in REBINDS
    }
    naive = {
        name: server.during(lambda name=name: _without_a_guard(name))  # type: ignore[misc]
        for name in [*REACHABLE_WITHOUT_A_GUARD, *REBINDS]
    }
    (folder / "seen.json").write_text(json.dumps({"guarded": seen, "later": later, "naive": naive}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
