"""Serve all sites of a cell from one process, and record the time of each page request."""

import asyncio
import gzip
import json
import signal
import socket
import sys
import time
from collections import defaultdict
from pathlib import Path

_ROOM = "<tr><th>Room {n}</th><td>{n} by {n} feet, oak floor, two windows</td></tr>"
#: A fictional listing of about 40 KB. Its script simulates the other content of real pages.
PAGE = (
    "<!doctype html><html lang=en><head><meta charset=utf-8><title>12 Elm Street, Springfield</title>"
    '<script type="application/ld+json">{"@type":"House","name":"12 Elm Street","numberOfRooms":6}</script>'
    f"<script>var settings = {json.dumps([{'id': n, 'label': f'entry {n}'} for n in range(600)])}</script></head>"
    "<body><h1>12 Elm Street</h1><p>$325,000</p><table>"
    + "".join(_ROOM.format(n=n) for n in range(250))
    + "</table></body></html>"
).encode()


class Sites:
    def __init__(self, gap_seconds: float) -> None:
        self.asked: dict[str, list[float]] = defaultdict(list)
        robots = f"User-agent: *\nCrawl-delay: {gap_seconds:g}\n".encode() if gap_seconds else b"User-agent: *\n"
        self._robots = _answer("text/plain", robots)
        self._page = _answer("text/html; charset=utf-8", gzip.compress(PAGE), "Content-Encoding: gzip\r\n")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").split("\r\n")
                host = next(line[5:].strip() for line in lines if line.lower().startswith("host:"))
                is_robots = lines[0].split(" ")[1] == "/robots.txt"
                if not is_robots:
                    self.asked[host].append(time.monotonic())
                writer.write(self._robots if is_robots else self._page)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def _answer(kind: str, body: bytes, more: str = "") -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def serve(sites: Sites) -> None:
    server = await asyncio.start_server(sites.serve, sock=socket.create_server(("", 80), backlog=1024))
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with server:
        print("ready", flush=True)
        await ended.wait()


def main(log: Path, gap_seconds: float) -> None:
    """Serve until SIGTERM, then write the times of each host's page requests to `log`."""
    sites = Sites(gap_seconds)
    asyncio.run(serve(sites))
    log.write_text(json.dumps(sites.asked))


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
