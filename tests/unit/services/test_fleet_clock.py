"""All machines use Redis's time, whatever their own clocks show, and keep it while Redis is unreachable."""

import logging
import threading
from datetime import UTC, datetime, timedelta

import pytest
import redis
from pydantic import SecretStr

from app.clock import ManualClock, SystemClock
from app.redis.fleet_clock import FleetClock, make_clock
from app.settings import Settings

FLEET = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Machine:
    """A machine whose clock is an hour ahead of Redis. Both clocks run at the same speed."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.asked = 0
        self.away = False
        self.local = ManualClock(FLEET + timedelta(hours=1))
        self.clock = FleetClock(self._ask, self.local, lambda: self.passed)

    def _ask(self) -> int:
        self.asked += 1
        if self.away:
            raise redis.ConnectionError("away")
        return round((FLEET.timestamp() + self.passed) * 1_000_000)

    def wait(self, seconds: float) -> None:
        self.passed += seconds
        self.local.advance(seconds)

    def error_seconds(self) -> float:
        return (self.clock.now() - FLEET).total_seconds() - self.passed


def test_a_clock_that_is_an_hour_ahead_is_corrected(caplog: pytest.LogCaptureFixture) -> None:
    machine = Machine()
    with caplog.at_level(logging.WARNING):
        assert machine.error_seconds() == 0
        machine.wait(300)
        assert machine.error_seconds() == 0
        machine.local.advance(7200)
        assert machine.error_seconds() == 0, "a change of the clock between two requests had an effect"
    assert machine.clock.now().utcoffset() == timedelta(0)
    assert [record.getMessage() for record in caplog.records] == [
        "This machine's clock is 3600 s ahead of the fleet's (Redis), which is used"
    ]


def test_redis_is_asked_at_most_once_a_minute() -> None:
    machine = Machine()
    for _ in range(10):
        machine.clock.now()
    machine.wait(59.9)
    machine.clock.now()
    assert machine.asked == 1
    machine.wait(0.1)
    machine.clock.now()
    assert machine.asked == 2


def test_while_redis_is_unreachable_the_fleets_time_continues() -> None:
    machine = Machine()
    machine.clock.now()
    machine.away = True
    machine.wait(60)
    assert machine.error_seconds() == 0
    machine.wait(4.9)
    assert machine.error_seconds() == 0
    assert machine.asked == 2, "Redis was asked again within five seconds"
    machine.wait(0.1)
    machine.clock.now()
    assert machine.asked == 3


def test_before_redis_answers_the_machines_own_time_is_used() -> None:
    machine = Machine()
    machine.away = True
    assert machine.error_seconds() == 3600
    machine.away = False
    machine.wait(0.5)
    assert machine.error_seconds() == 0


def test_all_threads_wait_for_the_first_answer() -> None:
    """A thread that did not wait would use the machine's own clock for leases."""
    asked, answer = threading.Event(), threading.Event()

    def ask() -> int:
        asked.set()
        assert answer.wait(60)
        return round(FLEET.timestamp() * 1_000_000)

    clock = FleetClock(ask, ManualClock(FLEET + timedelta(hours=1)), lambda: 0.0)
    seen: list[datetime] = []
    threads = [threading.Thread(target=lambda: seen.append(clock.now())) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert asked.wait(60)
    answer.set()
    for thread in threads:
        thread.join(60)
    assert seen == [FLEET] * 4


def test_only_a_shared_redis_sets_the_time() -> None:
    """Without REDIS_URL, Redis runs on this machine and uses this machine's clock."""
    assert isinstance(make_clock(Settings.of()), SystemClock)
    shared = Settings.of(redis_url=SecretStr("redis://127.0.0.1:1/0"))
    assert isinstance(make_clock(shared), FleetClock)


@pytest.mark.usefixtures("patient")
def test_a_real_redis_returns_its_time(embedded_valkey_url: str) -> None:
    clock = make_clock(Settings.of(redis_url=SecretStr(embedded_valkey_url)))
    before = datetime.now(UTC)
    assert before - timedelta(minutes=1) < clock.now() < datetime.now(UTC) + timedelta(minutes=1)
    assert isinstance(clock, FleetClock)
    assert clock._base_at is not None
