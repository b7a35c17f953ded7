"""A real HTTP server on loopback that records webhooks and answers as a test configures."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@dataclass(frozen=True)
class Received:
    """`path` begins with the method, and header names are in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes
    status: int


@dataclass
class Receiver:
    """Answers with each of `statuses` in turn, then repeats the last one. `location` is sent as `Location`, if set."""

    host: str = "127.0.0.1"
    statuses: list[int] = field(default_factory=lambda: [200])
    location: str = ""
    #: Returns the chunks of an answer's body.
    body: Callable[[], Iterator[bytes]] | None = None
    #: Answers wait until this is set, for at most 30 seconds.
    held: threading.Event | None = None
    on_request: Callable[[], None] = lambda: None
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    _server: ThreadingHTTPServer | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/hooks/in?token=hunter2"

    @property
    def origin(self) -> str:
        return f"http://{self.host}:{self.port}"

    def ids(self) -> list[str]:
        return [request.headers["webhook-id"] for request in self.requests]

    def start(self) -> None:
        receiver = self

        class _Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                with receiver._lock:
                    receiver.connections += 1
                super().setup()

            def do_POST(self) -> None:
                receiver._take(self)

            def do_GET(self) -> None:
                receiver._take(self)

            def do_PATCH(self) -> None:
                receiver._take(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        class _Server(ThreadingHTTPServer):
            #: Many senders connect at once. With socketserver's default queue of five, the kernel may reset
            #: connections.
            request_queue_size = 128

            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                pass  # the client disconnected

        self._server = _Server((self.host, 0), _Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        if self.held is not None:
            self.held.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def _take(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("content-length", 0)))
        with self._lock:
            status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
            headers = {name.lower(): value for name, value in handler.headers.items()}
            self.requests.append(Received(f"{handler.command} {handler.path}", headers, body, status))
        self.on_request()
        if self.held is not None:
            self.held.wait(30)
        handler.send_response(status)
        if self.location:
            handler.send_header("Location", self.location)
        if self.body is None:
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        handler.close_connection = True
        handler.end_headers()
        for chunk in self.body():
            handler.wfile.write(chunk)


@pytest.fixture
def make_receiver() -> Iterator[Callable[..., Receiver]]:
    """Yield a function that starts a receiver on loopback; its arguments are the fields of `Receiver`."""
    started: list[Receiver] = []

    def make(**fields: object) -> Receiver:
        receiver = Receiver(**fields)  # type: ignore[arg-type]
        receiver.start()
        started.append(receiver)
        return receiver

    yield make
    for receiver in started:
        receiver.stop()
