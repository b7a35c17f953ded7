"""The store that a fleet shares. It runs Lua scripts on a Redis server and uses the server's clock.

It works with Redis 7 and 8, and Valkey 8 and 9. All names have the same hash tag, as a Redis cluster requires. Methods
raise `redis.RedisError` if the server cannot be reached; `fleet.py` handles this error.
"""

import json
from collections.abc import Sequence
from typing import Any

import redis

from app.keypool.stores.script_store import ScriptStore, spent_rows
from app.keypool.stores.server_time import monotonic_us
from app.keypool.stores.tally import OfflineActivity


class RedisStore(ScriptStore):
    _server: redis.Redis

    def undo(self, lease_id: str) -> None:
        """Undo an `acquire` of the last two minutes whose reply was lost, so that its request was never sent."""
        self._run("undo", lease_id)

    def server_now_us(self) -> int:
        """Ask the server for its time and return it. If the store has a `clock`, return that clock's time instead."""
        if self.time.given():
            return self.time.now_us()
        asked_at = monotonic_us()
        seconds, microseconds = self._server.time()
        self.time.synchronize(seconds * 1_000_000 + microseconds, asked_at)
        return self.time.now_us()

    def beat(self, batches: Sequence[str] = (), *, brief: bool = False) -> dict[str, Any]:
        """Send a heartbeat, and return the fleet's state (`beat.lua`). A `brief` reply lacks the state of the keys."""
        digest, _, _ = self._registration
        reply = self._run_known("beat", digest, self._process, 1, int(brief), *batches)
        known: dict[str, Any] = json.loads(reply[1])
        return known

    def leave(self) -> None:
        self._run("beat", "", self._process, 0, 1)

    def add_offline(self, report: str, activity: OfflineActivity, losses: int = 0) -> None:
        """Add the activity of a process while it had no server. Each `report` id is added once."""
        given = {
            "losses": losses,
            "spent": spent_rows(activity.spent),
            "counts": [(name, list(of.items())) for name, of in activity.counts.items()],
            "used": list(activity.used_us.items()),
        }
        self._run("offline", report, json.dumps(given))

    def forget_connections(self) -> None:
        """Close idle connections, because after a failover they may lead to a server that is no longer the primary."""
        self._server.connection_pool.disconnect(inuse_connections=False)
