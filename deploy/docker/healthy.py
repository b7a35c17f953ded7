"""Exit with 0 if this container's process is healthy, else print the reason and exit with 1.

The command line of process 1 tells which process runs in the container. The image's health check runs every few
seconds, so it imports little beyond the standard library.

| process | healthy if |
|---|---|
| web server | `/readyz` answers 200: database and broker respond |
| Flower | it responds without a server error: with a prefix or a password, a healthy Flower does not answer 200 |
| worker | its heartbeat, written every 5 s even when busy, is recent |
| beat | any beat holds the schedule's lock: a second beat that waits for the lock is healthy, too |
| anything else | it runs |
"""

import http.client
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

#: A heartbeat of this age is too old. This is four intervals, as in app/services/runtime/heartbeats.py.
FRESH_SECONDS = 20.0
#: The Redis key of RedBeat's lock, which begins with `redbeat_key_prefix` of tasks/_celery/config.py.
BEAT_LOCK = "propintel:beat::lock"
_ANSWER_SECONDS = 4.0


def complaint(words: Sequence[str], env: Mapping[str, str]) -> str:
    """Return what is wrong with the process that was started with the command line `words`; "" if it is healthy."""
    names = [Path(word).name for word in words]
    if "uvicorn" in names:
        port = int(words[words.index("--port") + 1]) if "--port" in words else 8000
        return _status("/readyz", port, wanted=range(200, 201))
    if "celery" not in names:
        return ""
    if "flower" in names:
        return _status("/healthcheck", int(env.get("FLOWER_PORT") or 5555), wanted=range(200, 500))
    if "beat" in names:
        return _beat(env)
    return _heartbeat(Path(env.get("PROPINTEL_HOME") or ".propintel")) if "worker" in names else ""


def _status(path: str, port: int, wanted: range) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as exc:
        return f"{path} on port {port}: {type(exc).__name__}"
    finally:
        connection.close()
    return "" if status in wanted else f"{path} on port {port}: {status}"


def _heartbeat(home: Path) -> str:
    ages = [time.time() - file.stat().st_mtime for file in (home / "heartbeats").glob("*.json")]
    return "" if ages and min(ages) < FRESH_SECONDS else f"no heartbeat for {FRESH_SECONDS:.0f} s"


def _beat(env: Mapping[str, str]) -> str:
    import redis  # noqa: PLC0415 (takes a tenth of a second, which only beat needs)

    file = env.get("REDIS_URL_FILE")
    url = env.get("REDIS_URL", "").strip() or (Path(file).read_text(encoding="utf-8").strip() if file else "")
    if not url:
        return ""  # without a URL, beat uses an embedded Valkey, which containers do not run
    try:
        with redis.Redis.from_url(
            url, socket_timeout=_ANSWER_SECONDS, socket_connect_timeout=_ANSWER_SECONDS
        ) as connection:
            return "" if connection.exists(BEAT_LOCK) else "no beat holds the schedule"
    except redis.RedisError as exc:
        return f"Redis: {type(exc).__name__}"  # the error's text may contain a password


def main() -> int:
    wrong = complaint(Path("/proc/1/cmdline").read_text(encoding="utf-8").split("\0"), os.environ)
    if wrong:
        print(wrong, file=sys.stderr)  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
