"""Where robots.txt files are kept: in this process, or in Redis for the whole fleet.

One process reads a file, the others wait for it.
"""

from __future__ import annotations

import base64
import json
import threading
import zlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import redis.exceptions

from app.clock import Clock
from app.errors.fetching import FetchError

if TYPE_CHECKING:
    from redis import Redis

_MAX_LOCAL_FILES = 2000


@dataclass(frozen=True, slots=True)
class RobotsFile:
    """What a site answered for /robots.txt. `body` holds at most `robots.MAX_ROBOTS_BYTES`.

    `status` 0: it did not answer, and `problem` is the code and the reason of the error.
    """

    status: int
    body: bytes = b""
    retry_after_seconds: float | None = None
    problem: tuple[str, str] = ("", "")

    def failure(self, url: str) -> FetchError:
        """The error that `problem` tells of, as one of `url`."""
        code, reason = self.problem
        return _kinds().get(code, FetchError)(url, reason)


@dataclass(frozen=True, slots=True)
class Kept:
    """A file and until when it holds, in microseconds since the epoch."""

    file: RobotsFile
    until_us: int


class RobotsCache(Protocol):
    """Keeps files by their origin."""

    def get(self, origin: str) -> Kept | None:
        """The file, if one is kept that still holds."""
        ...

    def put(self, origin: str, kept: Kept) -> None:
        """Keep it for as long as it holds; who waits for it finds it."""
        ...

    def claim(self, origin: str, seconds: float) -> bool:
        """Whether the caller is to read the file now; nobody else is for `seconds`, or until `put` or `give_up`."""
        ...

    def give_up(self, origin: str) -> None:
        """The caller could not read it; the next one may."""
        ...


class LocalRobotsCache:
    """The files of this process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._files: dict[str, Kept] = {}
        self._claims: dict[str, int] = {}
        self._lock = threading.Lock()

    def get(self, origin: str) -> Kept | None:
        with self._lock:
            kept = self._files.get(origin)
            return kept if kept is not None and kept.until_us > self._clock.now_us() else None

    def put(self, origin: str, kept: Kept) -> None:
        with self._lock:
            while len(self._files) >= _MAX_LOCAL_FILES:
                del self._files[next(iter(self._files))]
            self._files[origin] = kept
            self._claims.pop(origin, None)

    def claim(self, origin: str, seconds: float) -> bool:
        now = self._clock.now_us()
        with self._lock:
            if self._claims.get(origin, 0) > now:
                return False
            self._claims[origin] = now + round(seconds * 1_000_000)
            return True

    def give_up(self, origin: str) -> None:
        with self._lock:
            self._claims.pop(origin, None)


class RedisRobotsCache:
    """The files of the whole fleet. While Redis is away nothing is kept, and everybody reads for himself."""

    def __init__(self, client: Redis, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    def get(self, origin: str) -> Kept | None:
        text: Any = None
        with suppress(redis.exceptions.RedisError):
            text = self._client.get(_key(origin))
        kept = None if text is None else _read(text)
        return kept if kept is not None and kept.until_us > self._clock.now_us() else None

    def put(self, origin: str, kept: Kept) -> None:
        milliseconds = max(1, (kept.until_us - self._clock.now_us()) // 1000)
        with suppress(redis.exceptions.RedisError):
            self._client.set(_key(origin), _written(kept), px=milliseconds)
            self._client.delete(_claim(origin))

    def claim(self, origin: str, seconds: float) -> bool:
        try:
            return bool(self._client.set(_claim(origin), "1", nx=True, px=round(seconds * 1000)))
        except redis.exceptions.RedisError:
            return True

    def give_up(self, origin: str) -> None:
        with suppress(redis.exceptions.RedisError):
            self._client.delete(_claim(origin))


def _key(origin: str) -> str:
    return f"propintel:robots:{{{origin}}}"


def _claim(origin: str) -> str:
    return f"{_key(origin)}:read"


def _written(kept: Kept) -> str:
    file = kept.file
    body = base64.b85encode(zlib.compress(file.body)).decode()
    return json.dumps([kept.until_us, file.status, body, file.retry_after_seconds, *file.problem])


def _read(text: str | bytes) -> Kept | None:
    """None for what another version wrote."""
    try:
        until_us, status, body, retry_after, code, reason = json.loads(text)
        return Kept(RobotsFile(status, zlib.decompress(base64.b85decode(body)), retry_after, (code, reason)), until_us)
    except (ValueError, TypeError, zlib.error):
        return None


def _kinds() -> dict[str, type[FetchError]]:
    """Errors that say nothing but why a site could not be asked, by their codes."""
    found, new = {FetchError.code: FetchError}, [FetchError]
    while new:
        new = [kind for parent in new for kind in parent.__subclasses__()]
        found |= {kind.code: kind for kind in new if kind.fact_names == FetchError.fact_names}
    return found
