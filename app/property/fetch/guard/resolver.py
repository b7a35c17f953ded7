"""Resolve host names to addresses. The SSRF guard checks every returned address."""

import os
import queue
import socket
import threading
import weakref
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Protocol

from app.clock import Clock
from app.property.fetch.guard.ranges import IPAddress

_Answers = queue.SimpleQueue[list[IPAddress] | OSError]
#: How long answers are cached. The system resolver does not report the time to live of DNS records.
_KEPT_US = 30_000_000
_MOST_KEPT = 10_000
#: Maximum number of idle threads. If all threads are busy, another one is started.
_MOST_IDLE = 16


class Resolver(Protocol):
    def resolve(self, host: str, timeout_seconds: float) -> Sequence[IPAddress]:
        """Return all addresses of `host`, best first. Raises `OSError` if resolving fails, and `TimeoutError` after
        `timeout_seconds`.
        """
        ...


class SystemResolver:
    """Uses the machine's resolver, and caches its answers for 30 seconds. Thread-safe.

    The system call that resolves a name cannot be interrupted, so it runs in a separate thread. After a timeout, this
    thread continues until the call returns.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._begin()
        begin = weakref.WeakMethod(self._begin)
        os.register_at_fork(after_in_child=lambda: (method := begin()) and method())

    def _begin(self) -> None:
        """Reset the state. A forked process calls this, because it has no resolver threads."""
        self._kept: dict[str, tuple[int, Sequence[IPAddress]]] = {}
        self._questions: queue.SimpleQueue[tuple[str, _Answers]] = queue.SimpleQueue()
        self._idle = 0
        self._lock = threading.Lock()

    def resolve(self, host: str, timeout_seconds: float) -> Sequence[IPAddress]:
        now_us = self._clock.now_us()
        kept = self._kept.get(host)
        if kept is not None and kept[0] <= now_us < kept[0] + _KEPT_US:
            return kept[1]
        answers: _Answers = queue.SimpleQueue()
        self._ask(host, answers)
        try:
            answer = answers.get(timeout=max(0.01, timeout_seconds))
        except queue.Empty:
            raise TimeoutError(f"no answer in {timeout_seconds:.0f} s") from None
        if isinstance(answer, OSError):
            raise answer
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[host] = (now_us, answer)
        return answer

    def _ask(self, host: str, answers: _Answers) -> None:
        with self._lock:
            must_start = self._idle == 0
            self._idle -= not must_start
        if must_start:
            threading.Thread(target=self._work, daemon=True, name="resolver").start()
        self._questions.put((host, answers))

    def _work(self) -> None:
        while True:
            host, answers = self._questions.get()
            answers.put(_look_up(host))
            with self._lock:
                if self._idle >= _MOST_IDLE:
                    return
                self._idle += 1


def _look_up(host: str) -> list[IPAddress] | OSError:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return [ip_address(str(row[4][0]).partition("%")[0]) for row in found]
    except OSError as exc:
        return exc
    except ValueError as exc:
        return OSError(str(exc))
