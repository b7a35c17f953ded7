"""A process that shares a pool: `python -m tests.plugins.store_process URL` runs one JSON command per line.

Each command is answered by one line of JSON. Times are the server's, except `at`, which is a time of this machine's
monotonic clock. All processes share that clock, so several processes can start at the same time.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import redis

from app.keypool.breaker import Policy
from app.keypool.keys import make_keys
from app.keypool.limits import LimitReading
from app.keypool.outcomes import Outcome
from app.keypool.spending import Budget, Cap
from app.keypool.stores.base import Later, Lease, NoCapacity, Settlement
from app.keypool.stores.redis import RedisStore
from tests.plugins.store_steps import ask, reading

_monotonic = time.monotonic


def _as_json(reply: Lease | Later | NoCapacity | None) -> dict[str, Any] | None:
    return None if reply is None else {"kind": type(reply).__name__, **asdict(reply)}


class Obeys:
    """The commands: each input line names a method and its arguments."""

    def __init__(self, url: str) -> None:
        self.connection = redis.Redis.from_url(url, socket_timeout=10)
        self.leases: dict[str, Lease] = {}
        self.store: RedisStore

    def shift_clocks(self, seconds: float) -> None:
        for name, read in (("time", time.time), ("monotonic", time.monotonic)):
            setattr(time, name, _later(read, seconds))
        for name, read_ns in (("time_ns", time.time_ns), ("monotonic_ns", time.monotonic_ns)):
            setattr(time, name, _later(read_ns, round(seconds * 1e9)))

    def open(self, prefix: str, keys: list[str], policy: dict[str, int], calls_a_day: int | None) -> None:
        budget = Budget(day=Cap(calls=calls_a_day))
        self.store = RedisStore(
            make_keys(keys), "round_robin", self.connection, policy=Policy(**policy), budget=budget, prefix=prefix
        )
        self.leases.clear()

    def acquire(self, times: int, seconds: float, at: float, **of_ask: Any) -> list[dict[str, Any] | None]:
        """From the time `at` on, request at least `times` leases for at least `seconds`. Return the replies."""
        while _monotonic() < at:
            pass
        request = ask(**{**of_ask, "barred": frozenset(of_ask.get("barred", ()))})
        replies = []
        while len(replies) < times or _monotonic() < at + seconds:
            reply = self.store.acquire(request)
            if isinstance(reply, Lease):
                self.leases[reply.lease_id] = reply
            replies.append(_as_json(reply))
        return replies

    def confirm(self, lease_id: str) -> dict[str, Any] | None:
        """Wait until the lease's time by the store's clock, then confirm the lease."""
        lease = self.leases[lease_id]
        while self.store.now_us() < lease.at_us:
            time.sleep(0.001)
        reply = self.store.confirm(lease)
        if isinstance(reply, Lease):
            self.leases[lease_id] = reply
        return _as_json(reply)

    def settle(self, lease_id: str, outcome: str, pause_us: int | None, rpm: float, remaining: float) -> dict[str, Any]:
        limits = LimitReading(requests=reading(rpm, remaining)) if rpm else LimitReading()
        settlement = Settlement(Outcome(outcome), pause_us=pause_us, limits=limits)
        return asdict(self.store.settle(self.leases.pop(lease_id), settlement))

    def holds(self, lease_id: str) -> bool:
        return lease_id in self.leases

    def look(self) -> dict[str, Any]:
        snapshot = [asdict(figures) for figures in self.store.snapshot()]
        return {"now_us": self.store.now_us(), "spent": asdict(self.store.spent()), "keys": snapshot}


def _later(read: Callable[[], Any], by: float) -> Callable[[], Any]:
    return lambda: read() + by


def main() -> None:
    obeys = Obeys(sys.argv[1])
    _say("ready")
    for line in sys.stdin:
        command = json.loads(line)
        _say(getattr(obeys, command.pop("do"))(**command))


def _say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
