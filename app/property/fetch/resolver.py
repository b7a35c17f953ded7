"""From a host name to its addresses, as a part that can be replaced: what a name answers is not to be trusted."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Protocol

from app.property.fetch.ranges import IPAddress


class Resolver(Protocol):
    """Turns a host name into its addresses."""

    def resolve(self, host: str, timeout_seconds: float) -> Sequence[IPAddress]:
        """All addresses of `host`, best first. Raises `OSError` (`TimeoutError` if nothing came in time)."""
        ...


class SystemResolver:
    """The machine's resolver. It cannot be interrupted, so it runs in a thread that is left behind on a timeout."""

    def resolve(self, host: str, timeout_seconds: float) -> Sequence[IPAddress]:
        answers: queue.SimpleQueue[list[IPAddress] | OSError] = queue.SimpleQueue()
        threading.Thread(target=self._ask, args=(host, answers), daemon=True, name="resolver").start()
        try:
            answer = answers.get(timeout=max(0.01, timeout_seconds))
        except queue.Empty:
            raise TimeoutError(f"no answer in {timeout_seconds:.0f} s") from None
        if isinstance(answer, OSError):
            raise answer
        return answer

    @staticmethod
    def _ask(host: str, answers: queue.SimpleQueue[list[IPAddress] | OSError]) -> None:
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            answers.put([ip_address(str(row[4][0]).partition("%")[0]) for row in found])
        except OSError as exc:
            answers.put(exc)
        except ValueError as exc:
            answers.put(OSError(str(exc)))
