"""The store that a whole fleet shares: scripts on a server, by its own clock.

Runs on Redis 7 and 8, Valkey 8 and 9 (all names share one hash tag). Raises `redis.RedisError` when the server cannot
be reached: what to do then is `fleet`'s.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import redis

from app.keypool.stores.script_store import ScriptStore, spent_rows
from app.keypool.stores.server_time import monotonic_us
from app.keypool.stores.tally import Alone


class RedisStore(ScriptStore):
    """`Store` for a fleet, over a connection to its server."""

    _server: redis.Redis

    def undo(self, lease_id: str) -> None:
        """Take back what `acquire` gave, if it gave anything, within a minute or two after it. Nothing was sent."""
        self._run("undo", lease_id)

    def server_now_us(self) -> int:
        """The server's time, asked for."""
        if self.time.given():
            return self.time.now_us()
        asked_at = monotonic_us()
        seconds, microseconds = self._server.time()
        self.time.saw(seconds * 1_000_000 + microseconds, asked_at)
        return self.time.now_us()

    def beat(self, batches: Sequence[str] = (), *, brief: bool = False) -> dict[str, Any]:
        """Send a heartbeat; -> what the fleet knows (see `beat.lua`)."""
        digest, _, _ = self._registration
        reply = self._ask("beat", digest, self._process, 1, int(brief), *batches)
        known: dict[str, Any] = json.loads(reply[1])
        return known

    def leave(self) -> None:
        """End this process's heartbeats."""
        self._run("beat", "", self._process, 0, 1)

    def add_alone(self, report: str, alone: Alone, losses: int = 0) -> None:
        """Add what was done while the server was away. Repeating a `report` adds nothing."""
        given = {
            "losses": losses,
            "spent": spent_rows(alone.spent),
            "counts": [(name, list(of.items())) for name, of in alone.counts.items()],
            "used": list(alone.used_us.items()),
        }
        self._run("alone", report, json.dumps(given))

    def forget_connections(self) -> None:
        """Open new ones from now on: the old may lead to a server that is no longer the primary."""
        self._server.connection_pool.disconnect(inuse_connections=False)
