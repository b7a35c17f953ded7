"""When beat is silent: by one's own patience, whatever Redis still knows."""

from __future__ import annotations

import pytest

from app.services.reports.health.silence import Listener, silence_limit, silent_alarm
from app.settings import Settings

LIMIT = 120.0


class Ticks:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def listener(ticks: Ticks) -> Listener:
    return Listener(LIMIT, ticks)


def test_while_reports_come_beat_is_not_silent(listener: Listener, ticks: Ticks) -> None:
    for _ in range(100):
        ticks.now += 60
        assert listener.silent_for(59.0) is None


def test_reports_that_stay_away_are_silence(listener: Listener, ticks: Ticks) -> None:
    ticks.now += 60
    assert listener.silent_for(0.0) is None
    ticks.now += LIMIT
    assert listener.silent_for(LIMIT) is None
    ticks.now += 1
    assert listener.silent_for(LIMIT + 1) == LIMIT + 1


def test_an_installation_that_never_had_a_report_is_silent_in_time(listener: Listener, ticks: Ticks) -> None:
    ticks.now += LIMIT
    assert listener.silent_for(None) is None
    ticks.now += 1
    assert listener.silent_for(None) == LIMIT + 1


def test_a_worker_that_starts_gives_beat_time_though_the_last_report_is_old(listener: Listener, ticks: Ticks) -> None:
    """All was stopped for a day, and is started again."""
    assert listener.silent_for(86_400.0) is None
    ticks.now += LIMIT + 1
    assert listener.silent_for(86_400.0 + LIMIT + 1) == LIMIT + 1


def test_a_redis_that_lost_the_time_is_not_taken_for_silence(listener: Listener, ticks: Ticks) -> None:
    ticks.now += 10_000
    assert listener.silent_for(5.0) is None
    ticks.now += 60
    assert listener.silent_for(None) is None
    ticks.now += 60
    assert listener.silent_for(None) == 125.0


def test_after_a_report_it_is_over(listener: Listener, ticks: Ticks) -> None:
    ticks.now += LIMIT * 2
    assert listener.silent_for(None) is not None
    assert listener.silent_for(1.0) is None


@pytest.mark.parametrize(("interval", "least", "limit"), [(60, 120, 180), (10, 120, 120), (10, 5, 30), (1, 5, 5)])
def test_the_limit_is_three_intervals_and_at_least_the_setting(interval: float, least: float, limit: float) -> None:
    settings = Settings(_env_file=None, key_report_interval_seconds=interval, alert_beat_silent_seconds=least)
    assert silence_limit(settings) == limit


def test_the_alarm_says_for_how_long_and_what_it_means() -> None:
    alarm = silent_alarm(181.4)
    assert (alarm.kind, alarm.subject, alarm.severity) == ("beat_silent", "beat", "critical")
    assert "No health report for 181 s" in alarm.message
