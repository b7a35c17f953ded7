"""The store that a fleet shares: scripts on a Redis server, which use the server's clock.

It works with Redis 7 and 8, and Valkey 8 and 9. All names share one hash tag, which a cluster needs. Methods raise
`redis.RedisError` if the server cannot be reached, which `fleet.py` handles.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import redis

from app.keypool.stores.script_store import ScriptStore, spent_rows
from app.keypool.stores.server_time import monotonic_us
from app.keypool.stores.tally import OfflineActivity


class RedisStore(ScriptStore):
    """A `Store` on a connection to the fleet's server."""

    _server: redis.Redis

    def undo(self, lease_id: str) -> None:
        """Undo an `acquire` whose reply was lost and whose request was not sent, if it is at most two minutes ago."""
        self._run("undo", lease_id)

    def server_now_us(self) -> int:
        """Return the server's time after asking it, or the time of `clock` if the store has one."""
        if self.time.given():
            return self.time.now_us()
        asked_at = monotonic_us()
        seconds, microseconds = self._server.time()
        self.time.synchronize(seconds * 1_000_000 + microseconds, asked_at)
        return self.time.now_us()

    def beat(self, batches: Sequence[str] = (), *, brief: bool = False) -> dict[str, Any]:
        """Send a heartbeat. Returns the state of the fleet (see `beat.lua`)."""
        digest, _, _ = self._registration
        reply = self._run_known("beat", digest, self._process, 1, int(brief), *batches)
        known: dict[str, Any] = json.loads(reply[1])
        return known

    def leave(self) -> None:
        self._run("beat", "", self._process, 0, 1)

    def add_offline(self, report: str, activity: OfflineActivity, losses: int = 0) -> None:
        """Add the activity of a time without the server. Repeating a `report` id adds nothing."""
        given = {
            "losses": losses,
            "spent": spent_rows(activity.spent),
            "counts": [(name, list(of.items())) for name, of in activity.counts.items()],
            "used": list(activity.used_us.items()),
        }
        self._run("offline", report, json.dumps(given))

    def forget_connections(self) -> None:
        """Close idle connections, which may lead to a server that is no longer the primary."""
        self._server.connection_pool.disconnect(inuse_connections=False)
