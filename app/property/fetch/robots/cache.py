"""Store robots.txt files in this process, or in Redis for all processes. Only one caller at a time fetches a file."""

from __future__ import annotations

import base64
import json
import threading
import zlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import redis.exceptions

from app.clock import Clock
from app.errors.fetching import FetchError

if TYPE_CHECKING:
    from redis import Redis

_MAX_LOCAL_FILES = 2000


@dataclass(frozen=True, slots=True)
class RobotsFile:
    """The response to a request for /robots.txt. `body` has at most `rules.MAX_ROBOTS_BYTES` bytes.

    If there was no response, `status` is 0, and `problem` contains the error's code and reason.
    """

    status: int
    body: bytes = b""
    retry_after_seconds: float | None = None
    problem: tuple[str, str] = ("", "")

    def failure(self, url: str) -> FetchError:
        code, reason = self.problem
        return _kinds().get(code, FetchError)(url, reason)


@dataclass(frozen=True, slots=True)
class CachedRobots:
    """`until_us` is when it expires, in microseconds since the epoch."""

    file: RobotsFile
    until_us: int


class LocalRobotsCache:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._files: dict[str, CachedRobots] = {}
        self._claims: dict[str, int] = {}
        self._lock = threading.Lock()

    def get(self, origin: str) -> CachedRobots | None:
        with self._lock:
            cached = self._files.get(origin)
            return cached if cached is not None and cached.until_us > self._clock.now_us() else None

    def put(self, origin: str, cached: CachedRobots) -> None:
        with self._lock:
            while len(self._files) >= _MAX_LOCAL_FILES:
                del self._files[next(iter(self._files))]
            self._files[origin] = cached
            self._claims.pop(origin, None)

    def claim(self, origin: str, seconds: float) -> bool:
        """Return whether the caller should fetch the file. Other callers get False for `seconds`, or until the file is
        stored or the claim is released.
        """
        now = self._clock.now_us()
        with self._lock:
            if self._claims.get(origin, 0) > now:
                return False
            self._claims[origin] = now + round(seconds * 1_000_000)
            return True

    def release(self, origin: str) -> None:
        """Give up the claim after a failed fetch, so that another caller can fetch the file."""
        with self._lock:
            self._claims.pop(origin, None)


class RedisRobotsCache:
    """Stores files in Redis, for all processes. While Redis is unavailable, nothing is cached."""

    def __init__(self, client: Redis, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    def get(self, origin: str) -> CachedRobots | None:
        text: Any = None
        with suppress(redis.exceptions.RedisError):
            text = self._client.get(_key(origin))
        cached = None if text is None else _read(text)
        return cached if cached is not None and cached.until_us > self._clock.now_us() else None

    def put(self, origin: str, cached: CachedRobots) -> None:
        milliseconds = max(1, (cached.until_us - self._clock.now_us()) // 1000)
        with suppress(redis.exceptions.RedisError):
            self._client.set(_key(origin), _serialized(cached), px=milliseconds)
            self._client.delete(_claim(origin))

    def claim(self, origin: str, seconds: float) -> bool:
        try:
            return bool(self._client.set(_claim(origin), "1", nx=True, px=round(seconds * 1000)))
        except redis.exceptions.RedisError:
            return True

    def release(self, origin: str) -> None:
        with suppress(redis.exceptions.RedisError):
            self._client.delete(_claim(origin))


RobotsCache = LocalRobotsCache | RedisRobotsCache


def _key(origin: str) -> str:
    return f"propintel:robots:{{{origin}}}"


def _claim(origin: str) -> str:
    return f"{_key(origin)}:read"


def _serialized(cached: CachedRobots) -> str:
    file = cached.file
    body = base64.b85encode(zlib.compress(file.body)).decode()
    return json.dumps([cached.until_us, file.status, body, file.retry_after_seconds, *file.problem])


def _read(text: str | bytes) -> CachedRobots | None:
    try:
        until_us, status, body, retry_after, code, reason = json.loads(text)
        return CachedRobots(
            RobotsFile(status, zlib.decompress(base64.b85decode(body)), retry_after, (code, reason)), until_us
        )
    except (ValueError, TypeError, zlib.error):
        return None


def _kinds() -> dict[str, type[FetchError]]:
    """Map error codes to the classes of fetch errors whose only facts are a URL and a reason."""
    found, new = {FetchError.code: FetchError}, [FetchError]
    while new:
        new = [kind for parent in new for kind in parent.__subclasses__()]
        found |= {kind.code: kind for kind in new if kind.fact_names == FetchError.fact_names}
    return found
