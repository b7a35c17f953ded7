"""The browser's way out, asked by hand: what it passes, what it refuses, and what it never tells."""

from __future__ import annotations

import base64
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from ipaddress import ip_network
from typing import Any

import pytest

from app.clock import ManualClock, SystemClock
from app.property.fetch import Limits
from app.property.fetch.guard import Guard
from app.property.fetch.rendering.proxy import GuardedProxy
from app.property.fetch.rendering.tunnel import Session

LOOPBACK = [ip_network("127.0.0.0/8")]


@pytest.fixture
def proxy() -> Iterator[GuardedProxy]:
    made = GuardedProxy(Limits(connect_seconds=2, read_seconds=2), SystemClock())
    made.start()
    yield made
    made.close()


@pytest.fixture
def session(proxy: GuardedProxy, make_names: Callable[..., Any]) -> Iterator[Session]:
    """A page's session, for which loopback is open."""
    guard = Guard(make_names(site_example=["127.0.0.1"], inside_example=["10.0.0.5"]), LOOPBACK)
    with proxy.session(guard, _in_seconds(30), 1_000_000) as found:
        yield found


def _in_seconds(seconds: float) -> int:
    return SystemClock().now_us() + round(seconds * 1_000_000)


def _connect(proxy: GuardedProxy) -> socket.socket:
    host, _, port = proxy.start().removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=5)


def _ask(proxy: GuardedProxy, text: str, *, nothing_follows: bool = False) -> bytes:
    """All that comes back for `text`; a proxy that waits for a login ends once it knows that `nothing_follows`."""
    with closing(_connect(proxy)) as connection:
        connection.sendall(text.encode("latin-1"))
        if nothing_follows:
            connection.shutdown(socket.SHUT_WR)
        return _rest(connection)


def _rest(connection: socket.socket) -> bytes:
    received = b""
    try:
        while data := connection.recv(65_536):
            received += data
    except (TimeoutError, ConnectionResetError):
        pass
    return received


def _login(session: Session, user: str | None = None, password: str | None = None) -> str:
    words = f"{session.user if user is None else user}:{session.password if password is None else password}"
    return f"Proxy-Authorization: Basic {base64.b64encode(words.encode()).decode()}\r\n"


def test_a_request_is_passed_on_as_the_site_s_own(proxy: GuardedProxy, session: Session, site: Any) -> None:
    """Nothing that is between the browser and the proxy goes further, its login least of all."""
    url = site.page("/data", b"12 Elm Street")
    fields = f"Host: other.example\r\n{_login(session)}Proxy-Connection: keep-alive\r\nX-Mine: 1\r\n"
    answer = _ask(proxy, f"GET {url} HTTP/1.1\r\n{fields}\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Connection: close" in answer
    assert answer.endswith(b"12 Elm Street")
    assert site.hits == ["/data"]
    assert site.headers == [{"X-Mine": "1", "Host": f"127.0.0.1:{site.port}", "Connection": "close"}]


def test_what_follows_a_request_stays_here(proxy: GuardedProxy, session: Session, site: Any) -> None:
    """A second request on the connection is meant for the proxy: the first one's site must not see it."""
    url = site.page("/data", b"1")
    head = f"GET {url} HTTP/1.1\r\nHost: x\r\n{_login(session)}\r\n"
    answer = _ask(proxy, head + head)
    assert answer.count(b"HTTP/1.1") == 1
    assert site.hits == ["/data"]


def test_a_body_is_passed_on_to_its_end(proxy: GuardedProxy, session: Session, site: Any) -> None:
    url = site.page("/data", b"1")
    body = "x" * 100_000
    head = f"POST {url} HTTP/1.1\r\nHost: x\r\n{_login(session)}Content-Length: {len(body)}\r\n\r\n"
    assert _ask(proxy, head + body).startswith(b"HTTP/1.1 200")
    assert site.headers[0]["Content-Length"] == "100000"


def test_a_tunnel_carries_bytes_both_ways(proxy: GuardedProxy, session: Session, site: Any) -> None:
    site.page("/data", b"12 Elm Street")
    with closing(_connect(proxy)) as connection:
        connection.sendall(f"CONNECT site.example:{site.port} HTTP/1.1\r\n{_login(session)}\r\n".encode())
        assert connection.recv(100) == b"HTTP/1.1 200 Connection established\r\n\r\n"
        connection.sendall(b"GET /data HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n\r\n")
        assert _rest(connection).endswith(b"12 Elm Street")


@pytest.mark.parametrize("way", ["none", "user", "password", "other page", "over", "garbage", "bearer"])
def test_nobody_gets_anything_without_the_page_s_login(
    proxy: GuardedProxy, session: Session, site: Any, way: str
) -> None:
    url = site.page("/data", b"1")
    with proxy.session(Guard(_Nothing()), _in_seconds(30), 1000) as over:
        other = _login(session, user=over.user)
        gone = _login(over)
    fields = {
        "none": "",
        "user": _login(session, user=""),
        "password": _login(session, password=""),
        "other page": other,
        "over": gone,
        "garbage": "Proxy-Authorization: Basic \xe4\xf6\r\n",
        "bearer": _login(session).replace("Basic", "Bearer"),
    }[way]
    for request in (f"GET {url} HTTP/1.1", f"CONNECT 127.0.0.1:{site.port} HTTP/1.1"):
        answer = _ask(proxy, f"{request}\r\nHost: x\r\n{fields}\r\n", nothing_follows=True)
        assert answer.startswith(b"HTTP/1.1 407 ")
        assert b"200" not in answer
    assert site.hits == []


class _Nothing:
    def resolve(self, host: str, timeout_seconds: float) -> list[Any]:
        return []


@pytest.mark.parametrize(
    "request_line",
    [
        "CONNECT 10.0.0.5:443",
        "CONNECT [::1]:443",
        "CONNECT [::ffff:10.0.0.5]:443",
        "CONNECT 0xa000005:443",
        "CONNECT 169.254.169.254:80",
        "CONNECT inside.example:443",
        "CONNECT unknown.example:443",
        "CONNECT 127.0.0.1:22",
        "CONNECT 127.0.0.1:6379",
        "CONNECT user@127.0.0.1:8080",
        "CONNECT 127.0.0.1:8080/path?@x",
        "GET http://inside.example/",
        "GET http://169.254.169.254/latest/meta-data",
        "GET https://127.0.0.1:8080/",
        "GET ftp://127.0.0.1:8080/",
        "GET /etc/passwd",
        "TRACE http://127.0.0.1:8080/",
        "PUT http://127.0.0.1:8080/",
    ],
)
def test_what_the_guard_refuses_is_refused_without_a_reason(
    proxy: GuardedProxy, session: Session, request_line: str
) -> None:
    """Why is the operator's business: a page would learn which names there are inside."""
    answer = _ask(proxy, f"{request_line} HTTP/1.1\r\nHost: x\r\n{_login(session)}\r\n")
    expected = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    assert answer == expected
    assert len(session.refused) == 1


def test_metadata_is_refused_whatever_is_open(proxy: GuardedProxy) -> None:
    guard = Guard(_Nothing(), [ip_network("0.0.0.0/0")])
    with proxy.session(guard, _in_seconds(30), 1000) as session:
        answer = _ask(proxy, f"CONNECT 169.254.169.254:80 HTTP/1.1\r\n{_login(session)}\r\n")
    assert answer.startswith(b"HTTP/1.1 403")


def test_each_connection_resolves_anew_and_goes_where_it_was_checked(
    proxy: GuardedProxy, make_names: Callable[..., Any], site: Any
) -> None:
    """A name that leads inside at the second question leads nowhere then."""
    url = site.page("/data", b"1").replace("127.0.0.1", "rebind.example")
    names = make_names(rebind_example=[["127.0.0.1"], ["10.0.0.5"]])
    with proxy.session(Guard(names, LOOPBACK), _in_seconds(30), 10_000) as session:
        answers = [_ask(proxy, f"GET {url} HTTP/1.1\r\nHost: x\r\n{_login(session)}\r\n")[9:12] for _ in range(2)]
    assert answers == [b"200", b"403"]
    assert names.asked == ["rebind.example"] * 2, "once for each connection"


def test_a_page_receives_no_more_than_it_may(proxy: GuardedProxy, site: Any) -> None:
    def endless() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\n\r\n"
        while True:
            yield b"x" * 65_536

    url = site.raw("/endless", endless)
    with proxy.session(Guard(_Nothing(), LOOPBACK), _in_seconds(30), 500_000) as session:
        answer = _ask(proxy, f"GET {url} HTTP/1.1\r\nHost: x\r\n{_login(session)}\r\n")
        again = _ask(proxy, f"GET {url} HTTP/1.1\r\nHost: x\r\n{_login(session)}\r\n")
    assert 400_000 < len(answer) <= 500_000
    assert len(again) < 1000, "nor after that"


def test_headers_without_end_end(proxy: GuardedProxy, session: Session, site: Any) -> None:
    def endless() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\n"
        while True:
            yield b"X: y\r\n" * 1000

    url = site.raw("/endless", endless)
    assert _ask(proxy, f"GET {url} HTTP/1.1\r\nHost: x\r\n{_login(session)}\r\n") == b""
    assert _ask(proxy, "GET / HTTP/1.1\r\n" + "X: y\r\n" * 20_000) == b""


def test_the_end_of_a_page_ends_its_tunnels(proxy: GuardedProxy, site: Any) -> None:
    with closing(_connect(proxy)) as connection:
        with proxy.session(Guard(_Nothing(), LOOPBACK), _in_seconds(30), 10_000) as session:
            connection.sendall(f"CONNECT 127.0.0.1:{site.port} HTTP/1.1\r\n{_login(session)}\r\n".encode())
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
        began = time.monotonic()
        assert connection.recv(100) == b""
        assert time.monotonic() - began < 1


def test_a_silent_site_is_given_up(proxy: GuardedProxy, session: Session) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        began = time.monotonic()
        port = silent.getsockname()[1]
        answer = _ask(proxy, f"GET http://127.0.0.1:{port}/ HTTP/1.1\r\nHost: x\r\n{_login(session)}\r\n")
    assert answer == b""
    assert time.monotonic() - began < 4


def test_a_page_whose_time_is_over_gets_nothing(site: Any) -> None:
    clock = ManualClock()
    proxy = GuardedProxy(Limits(), clock)
    url = site.page("/data", b"1")
    with proxy.session(Guard(_Nothing(), LOOPBACK), clock.now_us() + 1_000_000, 10_000) as session:
        request = f"GET {url} HTTP/1.1\r\nHost: x\r\n{_login(session)}\r\n"
        assert _ask(proxy, request).startswith(b"HTTP/1.1 200")
        clock.advance(2)
        assert _ask(proxy, request) == b""
    proxy.close()
    assert site.hits == ["/data"]


@pytest.mark.parametrize(
    "text", ["\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/2\r\n\r\n", "\x16\x03\x01\x02\r\n\r\n", "GET  x\r\n\r\n"]
)
def test_what_is_no_request_ends(proxy: GuardedProxy, text: str) -> None:
    assert _ask(proxy, text) == b""


def test_it_listens_on_loopback_alone_and_stops(proxy: GuardedProxy) -> None:
    address = proxy.start()
    assert address.startswith("http://127.0.0.1:")
    proxy.close()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), timeout=1)
