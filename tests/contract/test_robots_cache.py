"""The cache of robots.txt files, in memory and in Redis."""

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.clock import ManualClock
from app.errors.fetching import ConnectionFailedError, FetchTimeoutError
from app.property.fetch.robots.cache import CachedRobots, LocalRobotsCache, RedisRobotsCache, RobotsCache, RobotsFile

ORIGIN = "https://homes.example"


@pytest.fixture(params=["local", "redis"])
def robots_cache(request: pytest.FixtureRequest, clock: ManualClock) -> RobotsCache:
    if request.param == "local":
        return LocalRobotsCache(clock)
    return RedisRobotsCache(request.getfixturevalue("valkey_client"), clock)


def _cached(clock: ManualClock, file: RobotsFile, seconds: float = 60.0) -> CachedRobots:
    return CachedRobots(file, clock.now_us() + round(seconds * 1_000_000))


@pytest.mark.parametrize(
    "file",
    [
        RobotsFile(200, "User-agent: *\nDisallow: /größe\n".encode() * 2000),
        RobotsFile(503, b"", 12.5),
        RobotsFile(0, problem=("fetch_timeout", "no connection in time")),
        RobotsFile(200, b"\xff\x00 no text"),
    ],
)
def test_a_stored_file_is_returned_unchanged(robots_cache: RobotsCache, clock: ManualClock, file: RobotsFile) -> None:
    cached = _cached(clock, file)
    robots_cache.put(ORIGIN, cached)
    assert robots_cache.get(ORIGIN) == cached
    assert robots_cache.get("https://other.example") is None


def test_a_file_expires(robots_cache: RobotsCache, clock: ManualClock) -> None:
    robots_cache.put(ORIGIN, _cached(clock, RobotsFile(404), seconds=60))
    clock.advance(59.9)
    assert robots_cache.get(ORIGIN) is not None
    clock.advance(0.2)
    assert robots_cache.get(ORIGIN) is None


def test_only_one_caller_fetches_a_file(robots_cache: RobotsCache, clock: ManualClock) -> None:
    assert robots_cache.claim(ORIGIN, 60)
    assert not robots_cache.claim(ORIGIN, 60)
    assert robots_cache.claim("https://other.example", 60)
    robots_cache.put(ORIGIN, _cached(clock, RobotsFile(404)))
    assert robots_cache.claim(ORIGIN, 60), "a caller must be able to fetch again after the file expires"
    robots_cache.release(ORIGIN)
    assert robots_cache.claim(ORIGIN, 60)


def test_a_failure_keeps_its_type() -> None:
    timeout = RobotsFile(0, problem=("fetch_timeout", "no answer")).failure("https://homes.example/1")
    assert type(timeout) is FetchTimeoutError
    assert timeout.facts == {"url": "https://homes.example/1", "reason": "no answer"}
    assert type(RobotsFile(0, problem=("connection_failed", "x")).failure("u")) is ConnectionFailedError


def test_every_robots_key_in_redis_expires(valkey_client: redis.Redis, clock: ManualClock) -> None:
    robots_cache = RedisRobotsCache(valkey_client, clock)
    robots_cache.claim(ORIGIN, 60)
    robots_cache.put("https://other.example", _cached(clock, RobotsFile(404), seconds=3600))
    lives = {key: valkey_client.pttl(key) for key in valkey_client.scan_iter()}
    assert len(lives) == 2
    assert all(0 < life <= 3_600_000 for life in lives.values())


def test_another_versions_format_is_ignored(valkey_client: redis.Redis, clock: ManualClock) -> None:
    for text in ("", "{}", '["a", "b"]', '[1, 200, "!", null, "", ""]'):
        valkey_client.set(f"propintel:robots:{{{ORIGIN}}}", text)
        assert RedisRobotsCache(valkey_client, clock).get(ORIGIN) is None


def test_without_redis_every_process_fetches_for_itself(clock: ManualClock) -> None:
    robots_cache = RedisRobotsCache(redis.Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0)), clock)
    assert robots_cache.get(ORIGIN) is None
    assert robots_cache.claim(ORIGIN, 60)
    assert robots_cache.claim(ORIGIN, 60)
    robots_cache.put(ORIGIN, _cached(clock, RobotsFile(404)))
    robots_cache.release(ORIGIN)
