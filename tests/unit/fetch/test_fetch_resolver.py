"""The system resolver caches answers briefly, isolates hanging lookups, and starts again after a fork."""

import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Any

import pytest

from app.clock import ManualClock
from app.property.fetch.guard.resolver import SystemResolver
from tests.plugins.waiting import wait_until


class _System:
    """A fake system resolver for `.example`. `stuck` names wait for `let_go`, and `unknown` names have no address."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.let_go = threading.Event()
        self._real = socket.getaddrinfo

    def getaddrinfo(self, host: str, *rest: Any, **options: Any) -> list[Any]:
        if not str(host).endswith(".example"):
            return self._real(host, *rest, **options)
        self.asked.append(host)
        if host.startswith("stuck"):
            self.let_go.wait(300)
        if host.startswith("unknown"):
            raise socket.gaierror(-2, "Name or service not known")
        return [(2, 1, 6, "", ("93.184.216.34", 0)), (10, 1, 6, "", ("2606:2800:220:1::1%eth0", 0, 0, 0))]


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> _System:
    stand_in = _System()
    monkeypatch.setattr(socket, "getaddrinfo", stand_in.getaddrinfo)
    return stand_in


def test_an_answer_is_cached_for_30_seconds(system: _System) -> None:
    clock = ManualClock()
    resolver = SystemResolver(clock)
    expected = [ip_address("93.184.216.34"), ip_address("2606:2800:220:1::1")]
    assert resolver.resolve("homes.example", 60) == expected
    clock.advance(29.9)
    assert resolver.resolve("homes.example", 60) == expected
    assert system.asked == ["homes.example"]
    clock.advance(0.2)
    resolver.resolve("homes.example", 60)
    assert system.asked == ["homes.example"] * 2


def test_a_failure_is_not_cached(system: _System) -> None:
    resolver = SystemResolver(ManualClock())
    for _ in range(2):
        with pytest.raises(OSError, match="not known"):
            resolver.resolve("unknown.example", 60)
    assert system.asked == ["unknown.example"] * 2


def test_a_hanging_name_server_delays_only_its_own_name(system: _System) -> None:
    resolver = SystemResolver(ManualClock())
    with pytest.raises(TimeoutError):
        resolver.resolve("stuck.example", 0.01)
    assert resolver.resolve("homes.example", 60)
    wait_until(lambda: "stuck.example" in system.asked, 2)  # on a busy machine, the thread would ask in the next test
    system.let_go.set()


def _resolver_threads() -> int:
    return sum(thread.name == "resolver" for thread in threading.enumerate())


def test_threads_are_reused(system: _System) -> None:
    others = _resolver_threads()
    resolver = SystemResolver(ManualClock())
    for number in range(40):
        resolver.resolve(f"site{number}.example", 60)
    assert _resolver_threads() - others < 10
    with ThreadPoolExecutor(40) as pool:
        asked = [pool.submit(resolver.resolve, f"stuck{number}.example", 60) for number in range(40)]
        wait_until(
            lambda: {f"stuck{number}.example" for number in range(40)} <= set(system.asked),
            2,
            lambda: f"{system.asked}, {_resolver_threads()} threads",
        )
        assert _resolver_threads() - others >= 40
        system.let_go.set()
        assert all(future.result() for future in asked)
    wait_until(lambda: _resolver_threads() - others <= 16, 2)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_starts_its_own_threads(system: _System) -> None:
    """A prefork worker's child does not have the parent's threads, so its lookups must not wait for them."""
    resolver = SystemResolver(ManualClock())
    resolver.resolve("homes.example", 60)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if resolver.resolve("other.example", 60) else 1
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
