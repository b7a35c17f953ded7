"""A server that accepts every connection and never answers, like a stopped process or a lost network."""

import socket
import threading
from collections.abc import Iterator

import pytest


class HangingServer:
    """`taken` counts the connections, which stay open until the server is closed."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    @property
    def taken(self) -> int:
        return len(self._open)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for connection in self._open:
            connection.close()

    def _take(self) -> None:
        while True:
            try:
                self._open.append(self._listener.accept()[0])
            except OSError:  # the server was closed
                return


@pytest.fixture
def hanging_server() -> Iterator[HangingServer]:
    found = HangingServer()
    yield found
    found.close()
