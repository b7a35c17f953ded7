"""Send one HTTP request and receive its response, within limits of time and bytes.

Callers handle redirects, robots.txt, and rate limits. This module uses the requests and responses of httpx2, and the
connections of httpcore2 with the network backend in `network.py`. Proxies and environment variables are not used.
Errors of httpx2 and httpcore2 are converted to errors of `app.errors`.
"""

import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

import httpcore2
import httpx2

from app.clock import Clock
from app.errors.fetching import ConnectionFailedError, FetchError, FetchTimeoutError, PageTooLargeError
from app.errors.pages import PageTooComplexError
from app.property.fetch.client.connections import Connections
from app.property.fetch.client.network import Request
from app.property.fetch.guard.check import Destination
from app.property.fetch.limits import Limits

_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,application/json;q=0.9,text/plain;q=0.5",
    "Accept-Encoding": "gzip, deflate, br, zstd",
}

#: Limits of the cookies that a fetch collects over its redirects. Browsers keep at least 50 per domain, of 4096 bytes
#: (RFC 6265 section 6.1).
_MAX_COOKIES = 50
_MAX_COOKIE_CHARS = 4096


class _Body(httpx2.SyncByteStream):
    """A response body that raises an error if receiving and decompressing it takes too much CPU time."""

    def __init__(self, stream: httpcore2.Response, url: str, limits: Limits) -> None:
        self._response = stream
        self._url = url
        self._limits = limits

    def __iter__(self) -> Iterator[bytes]:
        started = time.thread_time()
        for chunk in self._response.iter_stream():
            if time.thread_time() - started > self._limits.unpacking_cpu_seconds:
                what = f"unpacking it took more than {self._limits.unpacking_cpu_seconds:g} s of CPU time"
                raise PageTooComplexError(self._url, what)
            yield chunk

    def close(self) -> None:
        self._response.close()


class Exchange:
    """Sends requests to checked addresses over reused connections. Thread-safe."""

    def __init__(
        self, limits: Limits, clock: Clock, user_agent: str, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._headers = {**_HEADERS, "User-Agent": user_agent}
        self._connections = Connections(ssl_context or httpx2.create_ssl_context(trust_env=False), clock)

    def close(self) -> None:
        self._connections.close()

    @contextmanager
    def open(
        self,
        destination: Destination,
        cookies: httpx2.Cookies,
        deadline_us: int,
        conditions: Mapping[str, str] = MappingProxyType({}),
        on_send: Callable[[], None] | None = None,
    ) -> Iterator[httpx2.Response]:
        """Send a GET request. The caller reads the body inside the `with` block, using `read_body`.

        `cookies` are sent, and then updated with those of the response that can be sent again. `conditions` are
        additional header fields. `on_send` is called just before the request is sent. Leaving the `with` block releases
        the connection, even if the body was not read to its end.
        """
        request = httpx2.Request("GET", destination.url, headers={**self._headers, **conditions})
        cookies.set_cookie_header(request)
        with self._answer(request, destination, deadline_us, on_send) as response:
            _take_cookies(response, cookies)
            yield response

    @contextmanager
    def request(
        self, method: str, destination: Destination, headers: Mapping[str, str], body: bytes, deadline_us: int
    ) -> Iterator[httpx2.Response]:
        """`headers` override the default headers."""
        merged = httpx2.Headers(self._headers)
        merged.update(headers)
        request = httpx2.Request(method, destination.url, headers=merged, content=body or None)
        with self._answer(request, destination, deadline_us) as response:
            yield response

    def post(self, destination: Destination, body: bytes, headers: Mapping[str, str], deadline_us: int) -> int:
        """Send a POST request with additional `headers`, and return the status. The response body is not read."""
        with self.request("POST", destination, headers, body, deadline_us) as response:
            return response.status_code

    @contextmanager
    def _answer(
        self,
        request: httpx2.Request,
        destination: Destination,
        deadline_us: int,
        on_send: Callable[[], None] | None = None,
    ) -> Iterator[httpx2.Response]:
        under_way = Request(destination, self._limits, self._clock, deadline_us, on_send)
        with under_way.under_way(), _translated(destination.url), self._connections.to(destination) as connections:
            answer = connections.handle_request(self._to_core(request, under_way.seconds_left()))
            response = httpx2.Response(
                answer.status,
                headers=answer.headers,
                stream=_Body(answer, destination.url, self._limits),
                request=request,
            )
            try:
                under_way.headers_complete = True
                yield response
            finally:
                response.close()

    def _to_core(self, request: httpx2.Request, seconds: float) -> httpcore2.Request:
        url = httpcore2.URL(
            scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path
        )
        reads, connects = self._limits.read_seconds, self._limits.connect_seconds
        timeouts = {"pool": seconds, "connect": connects, "read": reads, "write": reads}
        return httpcore2.Request(
            request.method, url, headers=request.headers.raw, content=request.content, extensions={"timeout": timeouts}
        )

    def read_body(self, response: httpx2.Response, *, limit_bytes: int | None = None) -> bytes:
        """Return the decompressed body.

        If `limit_bytes` is given, return at most that many bytes of it. Otherwise, raise `PageTooLargeError` if the
        body is larger than `Limits.body_bytes`.
        """
        limit = self._limits.body_bytes if limit_bytes is None else limit_bytes
        stated = response.headers.get("content-length", "")
        if limit_bytes is None and stated.isdecimal() and int(stated) > self._limits.wire_bytes:
            raise PageTooLargeError(str(response.url), self._limits.wire_bytes, "on the wire")
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > limit:
                if limit_bytes is None:
                    raise PageTooLargeError(str(response.url), limit, "after decompression")
                return bytes(body[:limit])
        return bytes(body)


def is_sendable(cookie: str) -> bool:
    """Return whether `cookie`, or a Set-Cookie field, is short enough and holds only printable ASCII characters."""
    return len(cookie) <= _MAX_COOKIE_CHARS and cookie.isascii() and cookie.isprintable()


def _take_cookies(response: httpx2.Response, cookies: httpx2.Cookies) -> None:
    """Add the response's cookies, one by one, because the library drops all of them if one has an invalid date."""
    for field in filter(is_sendable, response.headers.get_list("set-cookie")):
        if len(cookies.jar) >= _MAX_COOKIES:
            return
        cookies.extract_cookies(httpx2.Response(200, headers={"set-cookie": field}, request=response.request))


@contextmanager
def _translated(url: str) -> Iterator[None]:
    try:
        yield
    except (httpcore2.ConnectTimeout, httpcore2.WriteTimeout, httpcore2.ReadTimeout, httpcore2.PoolTimeout) as exc:
        raise FetchTimeoutError(url, "no connection in time") from exc
    except httpcore2.NetworkError as exc:
        if problem := _certificate_problem(exc):
            raise FetchError(url, f"its certificate is not accepted ({problem})") from exc
        raise ConnectionFailedError(url, _reason(exc)) from exc
    except (httpcore2.ProtocolError, httpx2.TransportError) as exc:
        raise ConnectionFailedError(url, f"its HTTP is invalid: {_reason(exc)}") from exc
    except httpx2.DecodingError as exc:
        raise FetchError(url, f"its compression is broken ({_reason(exc)})") from exc
    except OSError as exc:
        raise ConnectionFailedError(url, _reason(exc)) from exc


def _certificate_problem(exc: BaseException) -> str | None:
    cause: BaseException | None = exc
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message
        cause = cause.__cause__ or cause.__context__
    return None


def _reason(exc: BaseException) -> str:
    cause = exc.__cause__ if isinstance(exc.__cause__, OSError) else exc
    text = getattr(cause, "strerror", None) or str(cause)
    return text or type(cause).__name__
