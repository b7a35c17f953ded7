"""The fetcher's memory grows by at most 64 MB, even if a hostile server sends data that expand to gigabytes."""

import functools
import gzip
import itertools
import json
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import brotli
import pytest

try:
    from compression import zstd
except ImportError:
    from backports import zstd  # Python before 3.14

MB = 1_000_000
GB = 1000 * MB
#: A page of up to 10 MB is held as bytes and as text, and the allocator keeps some of the freed memory.
MOST_ABOVE_IDLE_MB = 64.0
pytestmark = pytest.mark.timeout(900)
Chunks = Callable[[], Iterator[bytes]]


def _head(*fields: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", "Content-Type: text/html", *fields, "Connection: close", "", ""]).encode()


def _bomb(pack: Callable[[bytes], bytes], end: Callable[[], bytes]) -> bytes:
    """Return 1 GB of zeros, compressed to 1 MB or less."""
    zeros = bytes(MB)
    return b"".join(pack(zeros) for _ in range(GB // MB)) + end()


@functools.cache
def _gzip_bomb() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return _bomb(packer.compress, packer.flush)


@functools.cache
def _deflate_bomb() -> bytes:
    return zlib.compress(bytes(60 * MB))


@functools.cache
def _double_bomb() -> bytes:
    return gzip.compress(_gzip_bomb())


@functools.cache
def _brotli_bomb() -> bytes:
    packer = brotli.Compressor(quality=5)
    return _bomb(packer.process, packer.finish)


@functools.cache
def _zstd_bomb() -> bytes:
    packer = zstd.ZstdCompressor()
    return _bomb(packer.compress, packer.flush)


def _packed(body: Callable[[], bytes], encoding: str) -> Chunks:
    def chunks() -> Iterator[bytes]:
        yield _head(f"Content-Encoding: {encoding}", f"Content-Length: {len(body())}") + body()

    return chunks


def _endless(head: bytes, *again: bytes) -> Chunks:
    return lambda: itertools.chain([head], itertools.cycle(again))


_GZIPPED = _head("Content-Encoding: gzip") + gzip.compress(b"<p>x")
CHUNKED = _head("Transfer-Encoding: chunked")
HOSTILE: dict[str, tuple[Chunks, str]] = {
    "1 GB in 1 MB of gzip": (_packed(_gzip_bomb, "gzip"), "page_too_large"),
    "1 GB in brotli": (_packed(_brotli_bomb, "br"), "page_too_large"),
    "1 GB in zstd": (_packed(_zstd_bomb, "zstd"), "page_too_large"),
    "1 GB packed twice": (_packed(_double_bomb, "gzip, gzip"), "page_too_large"),
    "60 MB in deflate": (_packed(_deflate_bomb, "deflate"), "page_too_large"),
    "endless bytes after gzip": (_endless(_GZIPPED, b"x" * 65536), "page_too_large"),
    "endless body": (_endless(_head(), b"<p>x</p>" * 8192), "page_too_large"),
    "endless body in chunks": (_endless(CHUNKED, b"2000\r\n" + b"<p>x</p>" * 1024 + b"\r\n"), "page_too_large"),
    "endless chunk extension": (_endless(CHUNKED + b"8;", b"x" * 65536), "connection_failed"),
    "endless trailers": (_endless(CHUNKED + b"0\r\n", b"X-Trailer: y\r\n" * 4096), "connection_failed"),
    "headers of 10 MB": (lambda: iter([b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 10 * MB]), "page_too_large"),
    "20,000 headers": (_endless(b"HTTP/1.1 200 OK\r\n", b"X-More: y\r\n" * 4096), "page_too_large"),
    "endless interim answers": (_endless(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 2048), "page_too_large"),
    "a length of 1 GB": (_endless(_head(f"Content-Length: {GB}"), b"x" * 65536), "page_too_large"),
    "a page of 9.9 MB": (lambda: iter([_head(), b"<html>" + "Größe ".encode() * 1_100_000]), "fetched"),
}


@pytest.mark.long
def test_memory_stays_flat_whatever_a_server_sends(site: Any) -> None:
    for bomb in (_gzip_bomb, _double_bomb, _brotli_bomb, _zstd_bomb):
        bomb()  # each bomb is created and cached before the first request
    urls = [site.raw(f"/{number}", chunks) for number, (chunks, _) in enumerate(HOSTILE.values())]
    command = [sys.executable, "-m", "tests.security.memory_of_a_fetcher", site.page("/honest"), *urls]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=550, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    rows = dict(zip(HOSTILE, map(json.loads, done.stdout.splitlines()), strict=True))
    assert {name: row[0] for name, row in rows.items()} == {name: code for name, (_, code) in HOSTILE.items()}
    risen = {name: round(row[1]) for name, row in rows.items() if row[1] > MOST_ABOVE_IDLE_MB}
    assert risen == {}
    assert max(row[1] for row in rows.values()) > 5, "the measurement misses a page of ten megabytes"
