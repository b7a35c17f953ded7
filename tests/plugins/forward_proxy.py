"""A real proxy on loopback that forwards plain HTTP requests and records logins."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import pytest

_HOP_BY_HOP = frozenset({"connection", "content-length", "host", "proxy-authorization", "transfer-encoding"})


@dataclass
class ForwardProxy:
    """Listens at `host` (`127.0.0.1:port`) and records each request's `Proxy-Authorization` in `logins`."""

    host: str = ""
    logins: list[str] = field(default_factory=list)


@pytest.fixture
def forward_proxy() -> Iterator[ForwardProxy]:
    proxy = ForwardProxy()
    client = httpx2.Client(trust_env=False, timeout=120)

    class _Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            proxy.logins.append(self.headers.get("Proxy-Authorization", ""))
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
            # the body is not decoded, so that it matches its headers
            with client.stream("POST", self.path, content=body, headers=headers) as answer:
                payload = b"".join(answer.iter_raw())
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_: object) -> None:
            """Log nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    proxy.host = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield proxy
    server.shutdown()
    server.server_close()
    thread.join()
    client.close()
