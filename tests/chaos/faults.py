"""The faults of the chaos suite. Each fault is one method, which returns when the fault is over."""

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from app.redis.embedded_valkey import EmbeddedValkey, connect
from app.settings import Settings
from tests.chaos.fleet import Fleet, Member
from tests.chaos.ledger import Ledger, pid_of
from tests.chaos.store_under_test import UNANSWERED, StoreUnderTest
from tests.chaos.watch import Watch
from tests.plugins.redis_fixtures import kill_valkey

DOWN_SECONDS = 3.0
STOPPED_SECONDS = 10.0
LOCKED_SECONDS = 5.0
FULL_SECONDS = 6.0
_VICTIM_SECONDS = 20.0


class NobodyToKillError(Exception):
    """No worker was running a job within the time limit."""


@dataclass(frozen=True)
class Away:
    """A period in which a fault lasted, in monotonic seconds. `what` is the fault's name."""

    what: str
    began: float
    ended: float


@dataclass
class Faults:
    """Causes the faults of a plan. While `wait` sleeps, killed processes of the fleet are restarted."""

    fleet: Fleet
    valkey: EmbeddedValkey
    settings: Settings
    store: StoreUnderTest
    ledger: Ledger
    watch: Watch
    chance: random.Random
    wait: Callable[[float], None]

    def do(self, name: str) -> Away:
        began = time.monotonic()
        acts: dict[str, Callable[[], None]] = {
            "child": self._kill_child,
            "worker": self._kill_worker,
            "broker_kill": self._kill_broker,
            "broker_stop": self._stop_broker,
            "broker_wipe": self._wipe_broker,
            "beat": self._kill_beat,
            "locked": self._lock,
            "full": self._fill,
        }
        acts[name]()
        return Away(name, began, time.monotonic())

    def poison(self, port: int) -> bool:
        """Kill the worker process that uses this TCP port as a client. Return False if there is none. Thread-safe."""
        connections = psutil.net_connections("tcp4")
        pid = next((c.pid for c in connections if c.laddr and c.laddr.port == port and c.pid), None)
        if pid is None or not any(pid in self.fleet.pool_of(member) for member in self.fleet.workers):
            return False
        self.ledger.kill("poison", {pid})
        return True

    def _kill_child(self) -> None:
        try:
            candidates = self._busy()
        except NobodyToKillError:
            candidates = set().union(*(self.fleet.pool_of(member) for member in self.fleet.workers))
        self.ledger.kill("child", {self.chance.choice(sorted(candidates))})

    def _kill_worker(self) -> None:
        busy = self._busy()
        able = [member for member in self.fleet.workers if busy & self.fleet.pool_of(member)]
        self._kill_member(self.chance.choice(able), "worker")

    def _kill_beat(self) -> None:
        sender = self.watch.sender()
        beat = next((one for one in self.fleet.beats if one.name == sender), self.fleet.beats[0])
        self._kill_member(beat, "beat")

    def _kill_member(self, member: Member, what: str) -> None:
        self.ledger.kill(what, self.fleet.session_of(member))
        self.fleet.bury(member)

    def _busy(self) -> set[int]:
        """Wait until a pool process runs a job other than the poison job. Return the ids of all such processes."""
        deadline = time.monotonic() + _VICTIM_SECONDS
        while True:
            pool = set().union(*(self.fleet.pool_of(member) for member in self.fleet.workers))
            busy = {pid for pid in map(pid_of, self._owners()) if pid in pool}
            if busy:
                return busy
            if time.monotonic() > deadline:
                raise NobodyToKillError
            self.wait(0.1)

    def _owners(self) -> list[str]:
        query = "SELECT lease_owner FROM jobs WHERE state = 'running' AND target NOT LIKE '%/poison/%'"
        try:
            return [row[0] for row in self.store.query(query)]
        except UNANSWERED:
            return []

    def _kill_broker(self) -> None:
        kill_valkey(self.valkey)
        self.wait(DOWN_SECONDS)
        self.valkey.start()

    def _stop_broker(self) -> None:
        pid = self.valkey.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            self.wait(STOPPED_SECONDS)
        finally:
            os.kill(pid, signal.SIGCONT)

    def _wipe_broker(self) -> None:
        with connect(self.settings) as redis:
            redis.flushall()

    def _lock(self) -> None:
        with self.store.locked():
            self.wait(LOCKED_SECONDS)

    def _fill(self) -> None:
        with self.store.full():
            self.wait(FULL_SECONDS)
