"""Each response of a hostile or broken server ends in a named error within the limits, and frees the socket."""

import gzip
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import brotli
import pytest

from app.clock import ManualClock
from app.errors.fetching import (
    ConnectionFailedError,
    EmptyPageError,
    FetchError,
    FetchTimeoutError,
    HttpStatusError,
    PageTooLargeError,
    TooManyRedirectsError,
    TransientHttpStatusError,
    UnsupportedContentError,
)
from app.property.fetch.client.fetcher import Fetcher
from app.property.fetch.limits import Limits

MB = 1_000_000
OPEN = "127.0.0.0/8"
ROBOTS = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def _head(extra: str = "", content_type: str = "text/html") -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n{extra}Connection: close\r\n\r\n".encode()


def _sixty_mb() -> Iterator[bytes]:
    yield _head()
    for _ in range(600):
        yield b"x" * (MB // 10)


# --- bytes


def test_a_page_that_announces_20_mb_is_not_read(site: Any, fetcher: Fetcher) -> None:
    def chunks() -> Iterator[bytes]:
        yield _head(f"Content-Length: {60 * MB}\r\n")
        for _ in range(200):
            yield b"x" * (MB // 10)

    with pytest.raises(PageTooLargeError, match="larger than 10000000 bytes on the wire"):
        fetcher.fetch(site.raw("/", chunks))
    # the server also counts bytes in socket buffers, which the fetcher did not read
    assert site.sent_bytes < 10 * MB


def _zstd(data: bytes) -> bytes:
    try:
        from compression.zstd import compress  # Python 3.14 and later
    except ImportError:
        from backports.zstd import compress
    return bytes(compress(data))


ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda data: brotli.compress(data, quality=5),
    "zstd": _zstd,
    "gzip, gzip": lambda data: gzip.compress(gzip.compress(data)),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_compressed_pages_are_unpacked(site: Any, fetcher: Fetcher, encoding: str) -> None:
    body = b"<html><body>" + b"Elm Street " * 1000
    url = site.page("/", ENCODINGS[encoding](body), Content_Encoding=encoding)
    assert fetcher.fetch(url).body == body


def test_broken_compression_is_named(site: Any, fetcher: Fetcher) -> None:
    with pytest.raises(FetchError, match="compression is broken"):
        fetcher.fetch(site.page("/", b"<html>this is not gzip", Content_Encoding="gzip"))


# --- time


def _drip(first: bytes, drops: Iterator[bytes], every_seconds: float) -> Callable[[], Iterator[bytes]]:
    def chunks() -> Iterator[bytes]:
        yield first
        for drop in drops:
            time.sleep(every_seconds)
            yield drop

    return chunks


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\nX-Slow: ", _head()], ids=["nothing", "headers", "body"])
def test_a_slow_drip_of_bytes_ends_at_the_total_timeout(
    site: Any, make_fetcher: Callable[..., Fetcher], first: bytes
) -> None:
    """Each read is fast enough, but the whole response is too slow (a "slow loris" attack)."""
    fetcher = make_fetcher(OPEN, limits=Limits(total_seconds=0.6, read_seconds=0.5))
    drops = (b"x" for _ in range(2000)) if first else iter([b""] * 2000)
    started = time.monotonic()
    with pytest.raises(FetchTimeoutError):
        fetcher.fetch(site.raw("/", _drip(first, drops, 0.05)))
    assert time.monotonic() - started < 60, "all bytes take 100 seconds"


def test_silence_ends_at_the_read_timeout(site: Any, make_fetcher: Callable[..., Fetcher]) -> None:
    fetcher = make_fetcher(OPEN, limits=Limits(total_seconds=30, read_seconds=0.2))
    with pytest.raises(FetchTimeoutError, match=r"nothing came for 0\.2 s"):
        fetcher.fetch(site.raw("/", _drip(_head(), iter([b"late"]), 60.0)))


def test_the_total_timeout_includes_redirects(site: Any, make_fetcher: Callable[..., Fetcher]) -> None:
    def slow_redirect(number: int) -> Callable[[BaseHTTPRequestHandler], None]:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            time.sleep(0.15)
            handler.send_response(302)
            handler.send_header("Location", f"/{number + 1}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        return answer

    for number in range(9):
        site.handle(f"/{number}", slow_redirect(number))
    with pytest.raises(FetchTimeoutError):
        make_fetcher(OPEN, limits=Limits(total_seconds=0.5)).fetch(f"{site.base}/0")
    assert len(site.hits) < 7


# --- redirects


def test_endless_redirects_end_after_ten(site: Any, fetcher: Fetcher) -> None:
    for number in range(30):
        site.page(f"/{number}", b"", status=302, Location=f"/{number + 1}")
    with pytest.raises(TooManyRedirectsError, match="more than 10 times"):
        fetcher.fetch(f"{site.base}/0")
    assert [hit for hit in site.hits if hit != "/robots.txt"] == [f"/{n}" for n in range(11)]


def test_ten_redirects_are_followed_and_cookies_are_kept(site: Any, fetcher: Fetcher) -> None:
    for number in range(10):
        site.page(f"/{number}", b"", status=302, Location=f"{number + 1}", Set_Cookie=f"c{number}=1; Path=/")
    site.page("/10")
    page = fetcher.fetch(f"{site.base}/0")
    assert page.url == f"{site.base}/0"
    assert page.final_url == f"{site.base}/10"
    assert site.headers[-1]["Cookie"].count("=1") == 10
    fetcher.fetch(f"{site.base}/10")
    assert "Cookie" not in site.headers[-1], "the next page must start without cookies"


# --- statuses


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451, 300, 302, 304])
def test_a_refusal_or_a_redirect_without_a_location_is_final(site: Any, fetcher: Fetcher, status: int) -> None:
    with pytest.raises(HttpStatusError) as caught:
        fetcher.fetch(site.page("/", b"" if status == 304 else b"no", status=status))
    assert (caught.value.facts["status"], caught.value.transient) == (status, False)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 520])
def test_a_temporary_refusal_is_transient(site: Any, fetcher: Fetcher, status: int) -> None:
    with pytest.raises(TransientHttpStatusError) as caught:
        fetcher.fetch(site.page("/", status=status))
    assert (caught.value.facts["status"], caught.value.facts["retry_after_seconds"]) == (status, None)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("Thu, 01 Jan 2026 00:01:30 GMT", 90.0),
        ("Wed, 31 Dec 2025 23:00:00 GMT", 0.0),
        ("soon", None),
        ("Thu, 01 Jan 2026 99999999999999:00:00 GMT", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_is_read_in_both_forms(
    site: Any, make_fetcher: Callable[..., Fetcher], value: str, seconds: float | None
) -> None:
    """RFC 9110 section 10.2.3 defines both forms. The test's clock starts at 2026-01-01T00:00:00Z."""
    with pytest.raises(TransientHttpStatusError) as caught:
        make_fetcher(OPEN, clock=ManualClock()).fetch(site.page("/", status=503, Retry_After=value))
    assert caught.value.facts["retry_after_seconds"] == seconds


# --- content


@pytest.mark.parametrize("content_type", ["image/png", "application/pdf", "video/mp4", "text/css", "application/zip"])
def test_other_content_types_are_refused_before_the_body_is_read(
    site: Any, fetcher: Fetcher, content_type: str
) -> None:
    def chunks() -> Iterator[bytes]:
        yield _head(content_type=content_type)
        for _ in range(90):
            yield b"x" * (MB // 10)

    with pytest.raises(UnsupportedContentError, match=content_type):
        fetcher.fetch(site.raw("/", chunks))
    assert site.sent_bytes < 8 * MB


@pytest.mark.parametrize(
    ("body", "name"),
    [(b"%PDF-1.7 rest", "PDF"), (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "PNG"), (bytes(range(256)) * 9, "binary")],
)
def test_a_false_content_type_is_detected(site: Any, fetcher: Fetcher, body: bytes, name: str) -> None:
    with pytest.raises(UnsupportedContentError, match=name):
        fetcher.fetch(site.page("/", body, content_type="text/html; charset=utf-8"))


@pytest.mark.parametrize(
    ("body", "claimed", "seen"),
    [
        (b'{"price": 1}', "text/html", "application/json"),
        (b" <!DOCTYPE html><p>x", "application/json", "text/html"),
        (b"<html>x", None, "text/html"),
        (b'[{"a": 1}]', None, "application/json"),
        (b"<?xml version='1.0'?><a/>", "text/xml", "text/xml"),
        (b"Price: 5", "text/plain", "text/plain"),
        (b"<html>x", "TEXT/HTML; Charset=UTF-8", "text/html"),
        (b'{"@type": "House"}', "application/ld+json", "application/ld+json"),
    ],
)
def test_the_content_type_follows_the_bytes(
    site: Any, fetcher: Fetcher, body: bytes, claimed: str | None, seen: str
) -> None:
    assert fetcher.fetch(site.page("/", body, content_type=claimed)).content_type == seen


@pytest.mark.parametrize("body", [b"", b" \r\n\t ", b"\xef\xbb\xbf"])
def test_an_empty_page_has_its_own_error(site: Any, fetcher: Fetcher, body: bytes) -> None:
    with pytest.raises(EmptyPageError):
        fetcher.fetch(site.page("/", body))
    assert site.page("/none", b"", status=204)
    with pytest.raises(EmptyPageError):
        fetcher.fetch(f"{site.base}/none")


# --- connections


@contextmanager
def _socket_server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Start a TCP server that serves robots.txt and calls `answer` with each connection that requests a page."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                if b"GET /robots.txt" in connection.recv(65536):
                    connection.sendall(ROBOTS)
                else:
                    answer(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


ANSWERS: dict[str, Callable[[socket.socket], None]] = {
    "closed without a word": lambda connection: None,
    "reset": _reset,
    "reset in the body": lambda c: (c.sendall(_head("Content-Length: 999\r\n") + b"<html>"), _reset(c))[1],
    "less than it said": lambda c: c.sendall(_head("Content-Length: 999\r\n") + b"<html>short"),
    "chunk that is none": lambda c: c.sendall(_head("Transfer-Encoding: chunked\r\n") + b"zz\r\nhello\r\n"),
    "HTTP/0.9": lambda c: c.sendall(b"<html>no status line</html>"),
    "rubbish": lambda c: c.sendall(bytes(range(256)) * 4),
    "negative length": lambda c: c.sendall(_head("Content-Length: -5\r\n") + b"<html>"),
    "two lengths": lambda c: c.sendall(_head("Content-Length: 5\r\nContent-Length: 6\r\n") + b"<html>"),
    "TLS alert": lambda c: c.sendall(b"\x15\x03\x01\x00\x02\x02\x0a"),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_broken_connection_is_a_transient_error(fetcher: Fetcher, answer: str) -> None:
    with _socket_server(ANSWERS[answer]) as url, pytest.raises(ConnectionFailedError) as caught:
        fetcher.fetch(url)
    assert caught.value.transient
    assert url in str(caught.value)


def test_no_connection_is_left_open_after_an_error(site: Any, fetcher: Fetcher) -> None:
    with pytest.raises(PageTooLargeError):
        fetcher.fetch(site.raw("/", _sixty_mb))
    deadline = time.monotonic() + 5
    while site.sent_bytes < 60 * MB and time.monotonic() < deadline:
        before = site.sent_bytes
        time.sleep(0.1)
        if site.sent_bytes == before:
            break
    assert site.sent_bytes < 60 * MB
    kept = [
        connection
        for pool in fetcher._exchange._connections._pools.values()
        for connection in pool.connections.connections
    ]
    assert all(connection.is_idle() for connection in kept)


def _redirect(fields: bytes) -> Callable[[], Iterator[bytes]]:
    head = b"HTTP/1.1 302 Found\r\nLocation: /2\r\nContent-Length: 0\r\nConnection: close\r\n"
    return lambda: iter([head + fields + b"Set-Cookie: good=1\r\n\r\n"])


@pytest.mark.parametrize(
    "field",
    [
        b"n=\xc3\xbc",
        b"n=\xfc",
        b"\xc3\xbc=1",
        b"n=\xf0\x9f\x8f\xa0; Path=/",
        b"n=1; Path=/\xc3\xbc",
        b"n=1; Domain=\xc3\xbc.example",
        b"n=1; Domain=..",
        b"n=a\x7fb",
        b"n=a\tb",
        b"n=" + b"x" * 5000,
        b"n=1; Expires=01-Jan-99999999",
        b"n=1; Max-Age=" + b"9" * 5000,
        b"n=1; Version=x",
        b"",
        b";",
    ],
)
def test_a_cookie_that_cannot_be_sent_again_is_dropped(site: Any, fetcher: Fetcher, field: bytes) -> None:
    """The page behind the redirect is read, and the other cookie of the same response is sent."""
    site.page("/2")
    assert fetcher.fetch(site.raw("/1", _redirect(b"Set-Cookie: " + field + b"\r\n"))).final_url.endswith("/2")
    assert "good=1" in site.headers[-1]["Cookie"]
    assert "n=" not in site.headers[-1]["Cookie"].replace("n=1; good", "good")


def test_cookies_do_not_accumulate_without_limit(site: Any, fetcher: Fetcher) -> None:
    site.page("/2")
    many = b"".join(b"Set-Cookie: n%d=1\r\n" % n for n in range(2500))
    assert fetcher.fetch(site.raw("/1", _redirect(many))).final_url.endswith("/2")
    assert site.headers[-1]["Cookie"].count("=") == 50


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        (b"Location: /b\xc3\xbccher\r\n", "/b%C3%BCcher"),
        (b"Location: /b\xfccher\r\n", "/b%C3%BCcher"),
        (b"Location: /a b\r\n", "/a%20b"),
        (b"Location: http://\xff/\r\n", None),
        (b"Location: http://[::1/\r\n", None),
        (b"Location: /\x7f\r\n", None),
        (b"Location: http://127.0.0.1:" + b"9" * 5000 + b"/\r\n", None),
        (b"Location: ?" + b"x" * 9000 + b"\r\n", None),
    ],
)
def test_a_redirects_place_is_encoded_or_refused(site: Any, fetcher: Fetcher, fields: bytes, path: str | None) -> None:
    url = site.raw(
        "/1", lambda: iter([b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nConnection: close\r\n", fields, b"\r\n"])
    )
    if path is None:
        with pytest.raises(FetchError):
            fetcher.fetch(url)
    else:
        site.page(path)
        assert fetcher.fetch(url).final_url.endswith(path)
