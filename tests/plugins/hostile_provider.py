"""A model provider on loopback that answers each request with raw bytes, which need not be HTTP."""

import json
import socketserver
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

#: Maps the number of a request, counted from 0, to the bytes of its answer.
Answer = Callable[[int], Iterable[bytes]]


def http(
    body: bytes, *fields: str, status: str = "200 OK", kind: str = "application/json", length: bool = True
) -> list[bytes]:
    """Return an answer with this status line, header fields, and body."""
    head = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", *fields]
    head += [f"Content-Length: {len(body)}"] if length else []
    return ["\r\n".join([*head, "Connection: close", "", ""]).encode("latin-1"), body]


def completion(content: Any = "hello", **changes: Any) -> dict[str, Any]:
    """Return the body of a chat completion."""
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    body = {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    return {**body, **changes}


def good(content: Any = "hello", **changes: Any) -> list[bytes]:
    return http(json.dumps(completion(content, **changes)).encode())


@dataclass
class HostileProvider:
    """Answers each request with `answer(number of the request)`, until the client is gone.

    `requests` are the method and path of each request, and `keys` the keys that came with them.
    """

    answer: Answer
    url: str = ""
    requests: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, head: bytes) -> int:
        first, *fields = head.decode("latin-1").split("\r\n")
        authorization = next((line for line in fields if line.lower().startswith("authorization:")), ": none")
        with self.lock:
            self.requests.append(" ".join(first.split()[:2]))
            self.keys.append(authorization.split()[-1])
            return len(self.requests) - 1


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.rfile.readline()
            if not line:
                return
            head += line
        lines = head.lower().split(b"\r\n")
        length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length")), 0)
        self.rfile.read(length)
        provider = cast(_Server, self.server).provider
        try:
            for part in provider.answer(provider.take(head)):
                self.wfile.write(part)
        except OSError:
            pass  # the client has had enough


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    provider: HostileProvider


@contextmanager
def hostile_provider(answer: Answer) -> Iterator[HostileProvider]:
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.provider = HostileProvider(answer, f"http://127.0.0.1:{server.server_address[1]}/v1")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server.provider
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def provider() -> Iterator[Callable[[Answer], HostileProvider]]:
    """Yield a function that starts a `HostileProvider`."""
    with ExitStack() as running:
        yield lambda answer: running.enter_context(hostile_provider(answer))
