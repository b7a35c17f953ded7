"""Is a beat in force? Exit code 0 if one holds the schedule's lock in the Redis in use, else 1 with the reason.

For health checks: a tenth of the work that `propintel doctor` is, which says more. Where two beats run, the one that
waits is well too.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import redis

#: `redbeat_key_prefix` of tasks/config.py, and RedBeat's own name for its lock
LOCK = "propintel:beat::lock"


def main() -> int:
    """Ask once, for five seconds at most."""
    file = os.environ.get("REDIS_URL_FILE")
    url = os.environ.get("REDIS_URL", "").strip() or (Path(file).read_text(encoding="utf-8").strip() if file else "")
    if not url:
        print("REDIS_URL is not set", file=sys.stderr)  # noqa: T201
        return 1
    try:
        with redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5) as connection:
            held = connection.exists(LOCK)
    except redis.RedisError as exc:
        print(f"Redis does not answer: {type(exc).__name__}", file=sys.stderr)  # noqa: T201 (its text may hold a password)
        return 1
    if not held:
        print("no beat holds the lock", file=sys.stderr)  # noqa: T201
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
