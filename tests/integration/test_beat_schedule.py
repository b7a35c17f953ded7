"""Beat's scheduler restores a schedule that Redis has lost, and ends when beat is stopped."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery

from app.redis.embedded_valkey import EmbeddedValkey
from app.settings import Settings
from tasks import make_celery
from worker.beat_schedule import beat_config
from worker.beat_watchdog import ResilientScheduler


class Unlucky(ResilientScheduler):
    """A scheduler whose Redis is emptied right after the schedule was first written."""

    server: redis.Redis
    emptied = False

    def update_from_dict(self, dict_: Any) -> None:
        super().update_from_dict(dict_)
        if dict_ and not self.emptied:
            type(self).emptied = True
            self.server.flushall()


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(tmp_path) as valkey:
        yield valkey


def make_app(valkey: EmbeddedValkey, home: Path) -> Celery:
    settings = Settings.of(redis_url=valkey.url, propintel_home=home)
    app = make_celery(settings)
    app.conf.update(beat_config(settings))
    return app


@pytest.fixture
def app(valkey: EmbeddedValkey, tmp_path: Path) -> Celery:
    return make_app(valkey, tmp_path)


def schedule_in(server: redis.Redis) -> set[str]:
    return {key.decode().removeprefix("propintel:beat:") for key in server.scan_iter("propintel:beat:*")}


def test_a_schedule_that_is_lost_during_its_writing_is_written_again(app: Celery, valkey: EmbeddedValkey) -> None:
    with redis.Redis.from_url(valkey.url) as server:
        Unlucky.server, Unlucky.emptied = server, False
        beat = Unlucky(app=app)
        beat.tick()
        assert Unlucky.emptied is True
        beat.tick()
        assert schedule_in(server) >= set(app.conf.beat_schedule)


def test_a_stopped_beat_ends_even_if_the_exception_of_the_signal_is_lost(app: Celery, valkey: EmbeddedValkey) -> None:
    """A stopped beat must not wait forever for a lock that another beat holds."""
    first, other = ResilientScheduler(app=app), ResilientScheduler(app=app)
    first.tick()
    first.close()
    other.tick()
    with pytest.raises(SystemExit):
        first.tick()
    other.close()


def test_a_beat_that_starts_without_redis_writes_its_schedule_later(tmp_path: Path) -> None:
    valkey = EmbeddedValkey(tmp_path)
    app = make_app(valkey, tmp_path)
    beat = ResilientScheduler(app=app)
    assert beat.tick() > 0, "beat returned no delay until its next attempt"
    with valkey, redis.Redis.from_url(valkey.url) as server:
        beat.tick()
        assert schedule_in(server) >= set(app.conf.beat_schedule)
        beat.close()


@pytest.mark.parametrize(
    ("broken", "repaired"),
    [
        ("CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0"),
        ("CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0"),
        ("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"),
    ],
)
def test_a_beat_waits_while_redis_accepts_no_writes(
    app: Celery, valkey: EmbeddedValkey, broken: str, repaired: str
) -> None:
    with redis.Redis.from_url(valkey.url) as server:
        server.execute_command(broken)
        beat = ResilientScheduler(app=app)
        assert beat.tick() > 0
        server.execute_command(repaired)
        beat.tick()
        assert schedule_in(server) >= set(app.conf.beat_schedule)
        server.execute_command(broken)
        beat.close()


def test_a_beat_continues_at_once_although_an_earlier_beats_clock_was_ahead(
    app: Celery, valkey: EmbeddedValkey
) -> None:
    """If beat used the earlier beat's timestamps in Redis, no task would be due for an hour."""
    first = ResilientScheduler(app=app)
    first.tick()
    first.close()
    ahead = datetime.now(UTC) + timedelta(hours=1)
    with redis.Redis.from_url(valkey.url) as server:
        for name in app.conf.beat_schedule:
            entry = first.Entry.from_key(f"propintel:beat:{name}", app=app)
            entry.last_run_at = ahead
            entry.save()
            assert server.zscore("propintel:beat::schedule", entry.key) > ahead.timestamp()
        second = ResilientScheduler(app=app)
        second.tick()
        second.close()
        times = dict(server.zrange("propintel:beat::schedule", 0, -1, withscores=True))
    assert len(times) == len(app.conf.beat_schedule)
    assert max(times.values()) < ahead.timestamp() - 1800
