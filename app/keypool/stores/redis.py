"""A key store in Redis that several processes share. It runs Lua scripts on the server and uses the server's clock.

It works with Redis 7 and 8, and Valkey 8 and 9. The names of all Redis keys have the same hash tag, so that scripts
work in a Redis cluster. Methods raise `redis.RedisError` if the server is unreachable; `fleet.py` handles this error.
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
        """Undo an `acquire` whose reply was lost. Works for at most two minutes after the `acquire`."""
        self._run("undo", lease_id)

    def server_now_us(self) -> int:
        """Return the server's time, or the time of the store's `clock` if it has one."""
        if self.time.given():
            return self.time.now_us()
        asked_at = monotonic_us()
        seconds, microseconds = self._server.time()
        self.time.synchronize(seconds * 1_000_000 + microseconds, asked_at)
        return self.time.now_us()

    def beat(self, batches: Sequence[str] = (), *, brief: bool = False) -> dict[str, Any]:
        """Send a heartbeat. Return the state of all processes (`beat.lua`), without circuits and limits if `brief`."""
        digest, _, _ = self._registration
        reply = self._run_known("beat", digest, self._process, 1, int(brief), *batches)
        known: dict[str, Any] = json.loads(reply[1])
        return known

    def leave(self) -> None:
        self._run("beat", "", self._process, 0, 1)

    def add_offline(self, report: str, activity: OfflineActivity, losses: int = 0) -> None:
        """Add the usage and counts that a process collected while Redis was lost.

        Repeating the call with the same `report` id changes nothing.
        """
        given = {
            "losses": losses,
            "spent": spent_rows(activity.spent),
            "counts": [(name, list(of.items())) for name, of in activity.counts.items()],
            "used": list(activity.used_us.items()),
        }
        self._run("offline", report, json.dumps(given))

    def forget_connections(self) -> None:
        """Close idle connections, because after a failover their server may no longer be the primary."""
        self._server.connection_pool.disconnect(inuse_connections=False)
