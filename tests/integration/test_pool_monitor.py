"""With a real Redis and database, the pool monitor counts requests, raises alerts, and gives advice."""

import collections
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openai
import pytest
import redis

from app.property.storage.keys.alerts import Severity
from app.property.storage.keys.usage import Uses
from app.redis.embedded_valkey import EmbeddedValkey
from app.services.openai_client_manager import OpenAIClientManager, build_manager
from app.services.reports.key_report.advice import advise, gather
from app.services.reports.key_report.pool_monitor import PoolMonitor
from app.services.reports.key_report.report import KEPT_SECONDS, newest_report
from app.services.reports.key_report.view import PoolView
from app.services.runtime.resources import open_resources
from app.services.runtime.stores import open_stores
from app.settings import Settings
from tasks._celery import context
from tasks.health import report_key_stats
from tests.plugins.redis_fixtures import kill_valkey
from tests.plugins.simulator_fixtures import KEYS
from tests.plugins.waiting import wait_until

pytestmark = pytest.mark.usefixtures("patient")
MESSAGES: Any = [{"role": "user", "content": "hello"}]
WIDE = {"rpm": 60_000, "tpm": 100_000_000}


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    with EmbeddedValkey(home) as server:
        yield server


@pytest.fixture
def make_monitor(tmp_path: Path, valkey: EmbeddedValkey) -> Iterator[Callable[..., PoolMonitor]]:
    closing: list[Callable[[], None]] = []

    def make(simulator: Any, **changes: Any) -> PoolMonitor:
        given = {
            "propintel_home": tmp_path / "home",
            "openai_api_keys": ",".join(simulator.keys),
            "openai_base_url": simulator.base_url,
            "openai_max_wait_seconds": 0,
        }
        settings = Settings.of(**{**given, **changes})
        stores, manager = open_stores(settings), build_manager(settings)
        closing.extend((stores.close, manager.close))
        return PoolMonitor(settings, manager, stores.database)

    yield make
    for close in reversed(closing):
        close()


def ask(manager: OpenAIClientManager, times: int = 1, **more: Any) -> None:
    client = manager.get_client()
    assert client is not None
    for _ in range(times):
        client.chat.completions.create(model="gpt-4.1-mini", messages=MESSAGES, **more)


def wait_for_settled(manager: OpenAIClientManager, calls: int) -> None:
    """Wait until `calls` calls are settled in Redis, which happens in the background."""
    wait_until(lambda: sum(sum(call.outcomes.values()) for call in manager.store.figures().calls) >= calls, 10)


def ask_one_by_one(manager: OpenAIClientManager, times: int, **more: Any) -> None:
    """Wait after each call until it is settled, because budgets are charged with its estimate until then."""
    for calls in range(1, times + 1):
        ask(manager, **more)
        wait_for_settled(manager, calls)


def hours(monitor: PoolMonitor) -> list[Uses]:
    return [uses for _, uses in monitor.history.by_hour(datetime(2000, 1, 1, tzinfo=UTC))]


def test_a_check_counts_requests_raises_alerts_and_gives_advice(
    openai_simulator: Callable[..., Any], make_monitor: Callable[..., PoolMonitor]
) -> None:
    simulator = openai_simulator([{"key": KEYS[0], **WIDE}, {"key": KEYS[1], "behavior": "dead", **WIDE}])
    monitor = make_monitor(simulator, budget_daily_model_calls=18, alert_budget_share=0.5)
    monitor.look()  # the first look only sets the starting counts
    ask(monitor.manager, 9)
    wait_for_settled(monitor.manager, 10)
    dead = monitor.manager.keys[1].mask
    fired, _ = monitor.check()
    assert sorted((alert.kind, alert.subject) for alert in fired) == [
        ("budget_nearly_spent", "day calls"),
        ("key_dead", dead),
    ]
    assert monitor.check() == ([], [])
    (done,) = hours(monitor)
    assert (done.requests, done.successes, done.failures, done.rate_limits) == (10, 9, 1, 0)
    assert done.input_tokens > 0
    assert done.output_tokens > 0
    assert done.microusd > 0
    view = monitor.look()
    assert view is not None
    assert [key.state for key in view.keys] == ["closed", "dead"]
    advice = {piece.code for piece in advise(gather(view, monitor.history))}
    assert advice == {"mend_keys_first", "enough"}


@pytest.mark.parametrize(
    ("unit", "limit"), [("tokens", {"budget_daily_tokens": 1000}), ("usd", {"budget_daily_usd": 0.001})]
)
def test_a_budget_that_stops_calls_raises_one_critical_alert(
    openai_simulator: Callable[..., Any], make_monitor: Callable[..., PoolMonitor], unit: str, limit: dict[str, float]
) -> None:
    """A call is refused if its estimate exceeds the rest of the budget, so a budget is rarely used up exactly."""
    monitor = make_monitor(openai_simulator([{"key": KEYS[0], **WIDE}]), **limit)
    monitor.look()
    with pytest.raises(openai.APIStatusError):
        ask_one_by_one(monitor.manager, 100, max_completion_tokens=400)
    (use,) = [use for use in view_of(monitor).budgets if use.unit == unit]
    assert use.share < 0.9, "the test needs a budget that is not nearly spent"
    fired, _ = monitor.check()
    assert [(a.kind, a.subject, a.severity) for a in fired] == [
        ("budget_nearly_spent", f"day {unit}", Severity.CRITICAL)
    ]
    assert monitor.check() == ([], [])


def view_of(monitor: PoolMonitor) -> PoolView:
    view = monitor.look()
    assert view is not None
    return view


def test_two_monitors_count_each_request_once(
    openai_simulator: Callable[..., Any], make_monitor: Callable[..., PoolMonitor]
) -> None:
    simulator = openai_simulator()
    one, other = make_monitor(simulator), make_monitor(simulator)
    one.look()
    ask(one.manager, 3)
    wait_for_settled(one.manager, 3)
    for _ in range(3):
        one.look()
        other.look()
    assert sum(uses.requests for uses in hours(one)) == 3


def test_a_key_that_another_process_removed_causes_no_late_alert(
    openai_simulator: Callable[..., Any], make_monitor: Callable[..., PoolMonitor]
) -> None:
    simulator = openai_simulator([{"key": KEYS[0], **WIDE}, {"key": KEYS[1], "behavior": "dead", **WIDE}])
    late, prompt = make_monitor(simulator), make_monitor(simulator)
    ask(late.manager, 3)
    assert len(late.check()[0]) == 1
    prompt.manager.replace_keys(prompt.manager.keys[:1])
    assert len(prompt.check()[1]) == 1
    assert late.check()[0] == []


def test_saturation_and_refusals_are_recorded_for_the_advice(
    openai_simulator: Callable[..., Any], make_monitor: Callable[..., PoolMonitor]
) -> None:
    simulator = openai_simulator([{"key": KEYS[0], "rpm": 3, "tpm": 100_000_000}])
    monitor = make_monitor(simulator)
    monitor.look()
    with pytest.raises(openai.RateLimitError):
        ask(monitor.manager, 20)
    view = monitor.look()
    assert view is not None
    (demand,) = monitor.history.demand(view.at.replace(minute=0, second=0, microsecond=0)).values()
    assert demand.refusals == {"no_capacity": 1}
    assert demand.sent >= 1


def test_while_redis_is_down_nothing_is_counted_and_no_key_is_removed(
    openai_simulator: Callable[..., Any], make_monitor: Callable[..., PoolMonitor], valkey: EmbeddedValkey
) -> None:
    """The counts of a single process must not be stored: they would look as if Redis had lost its data."""
    monitor = make_monitor(openai_simulator(), openai_max_wait_seconds=5)
    ask(monitor.manager, 5)
    monitor.look()
    before = hours(monitor)
    kill_valkey(valkey)
    ask(monitor.manager, 2)
    assert monitor.look() is None
    stats = monitor.manager.get_stats()
    assert (stats["scope"], monitor.look(stats=stats)) == ("process", None)
    assert monitor.check()[0] == []
    assert hours(monitor) == before
    valkey.start()


def pool_commands(url: str, work: Callable[[], object]) -> collections.Counter[str]:
    """Return how often the server gets each pool command during `work`, without the commands inside Lua scripts."""
    counts: collections.Counter[str] = collections.Counter()
    with redis.Redis.from_url(url) as client, client.monitor() as monitor:
        with redis.Redis.from_url(url) as other:
            work()
            other.echo("that was all")
        for command in monitor.listen():
            if "that was all" in command["command"]:
                return counts
            if command["client_type"] != "lua" and "{propintel}:pool" in command["command"]:
                counts[command["command"].split()[0].upper()] += 1
    raise AssertionError("the server ended")


#: One look sends two scripts for counts and key states, HMGET for today's spending, and HGET for the number of data
#: losses.
ONE_LOOK = {"EVALSHA": 2, "HMGET": 1, "HGET": 1}


def test_checks_and_reports_send_each_query_once_and_the_newest_report_is_kept_for_thirty_days(
    openai_simulator: Callable[..., Any], make_monitor: Callable[..., PoolMonitor], valkey: EmbeddedValkey
) -> None:
    monitor = make_monitor(openai_simulator(), budget_daily_tokens=1000)
    monitor.check()  # makes the server cache the scripts
    assert pool_commands(valkey.url, monitor.look) == ONE_LOOK
    assert pool_commands(valkey.url, monitor.check) == ONE_LOOK
    settings = monitor.settings
    assert newest_report(settings) is None
    context.install(open_resources(settings, in_task=True))
    try:
        report_key_stats()
        first = newest_report(settings)
        assert pool_commands(valkey.url, report_key_stats) == ONE_LOOK
    finally:
        context.close()
    kept = newest_report(settings)
    assert first is not None
    assert kept is not None
    assert kept["reported_at"] > first["reported_at"]
    assert (kept["healthy_keys"], [piece["code"] for piece in kept["advice"]]) == (2, ["idle"])
    with redis.Redis.from_url(valkey.url) as client:
        (name,) = client.keys("*:key-report")
        assert KEPT_SECONDS - 60 < client.ttl(name) <= KEPT_SECONDS
