"""The rules for when an alarm starts, continues, and ends."""

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.property.storage.keys.alerts import Alarm, Severity
from app.property.storage.keys.tables import Alert
from app.services.reports.key_report.alarms import HELD, POOL, Kind, find_alarms
from app.services.reports.key_report.view import BudgetUse, KeyView, PoolView

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
#: The age of an old key in days, and the used share of a budget that is nearly spent.
LIMITS = (90, 0.9)


def key(name: str, state: str = "closed", **values: Any) -> KeyView:
    return KeyView(name, f"sk-{name}", values.pop("group", name), state, **values)


def found(*keys: KeyView, budgets: tuple[BudgetUse, ...] = (), firing: tuple[tuple[str, str], ...] = ()) -> list[Alarm]:
    alerts = [booked(Alarm(kind, subject, Severity.WARNING, "")) for kind, subject in firing]
    return find_alarms(PoolView(NOW, keys, budgets), *LIMITS, alerts)


def booked(alarm: Alarm) -> Alert:
    details = json.loads(json.dumps(dict(alarm.details)))
    return Alert(**{**asdict(alarm), "details": details}, id="id", fired_at=NOW)


def names(alarms: list[Alarm]) -> list[tuple[str, str]]:
    return [(alarm.kind, alarm.subject) for alarm in alarms]


GOOD = key("good")


def test_a_healthy_pool_has_no_alarm() -> None:
    assert found(GOOD, key("b", "cooling")) == []
    assert found() == []


@pytest.mark.parametrize("state", ["open", "half_open"])
def test_a_circuit_is_an_alarm_until_it_is_closed(state: str) -> None:
    """A half-open circuit is being probed, which does not prove that the key has recovered."""
    (alarm,) = found(GOOD, key("a", state))
    assert (alarm.kind, alarm.subject, alarm.severity) == ("circuit_open", "sk-a", Severity.WARNING)
    assert alarm.message.startswith("Circuit breaker opened for OpenAI key sk-a")


@pytest.mark.parametrize(
    ("mark", "kind"), [("opened_at", "circuit_open"), ("died_at", "key_dead"), ("quota_gone_at", "quota_gone")]
)
def test_an_event_between_two_looks_is_not_missed(mark: str, kind: str) -> None:
    """The key recovers between two checks, but the alarm continues for a minute after the event."""
    assert names(found(GOOD, key("a", **{mark: NOW}))) == [(kind, "sk-a")]
    assert names(found(GOOD, key("a", **{mark: NOW - HELD + timedelta(seconds=1)}))) == [(kind, "sk-a")]
    assert found(GOOD, key("a", **{mark: NOW - HELD})) == []


def test_a_dead_key_and_a_budget_of_zero_are_alarms() -> None:
    assert names(found(GOOD, key("a", "dead"))) == [("key_dead", "sk-a")]
    (alarm,) = found(GOOD, budgets=(day(0, 0, "calls"),))
    assert alarm.severity is Severity.CRITICAL


def test_a_group_without_quota_is_one_alarm_that_names_its_keys() -> None:
    keys = [key(f"k{n}", "no_quota", group="team") for n in range(7)]
    (alarm,) = found(GOOD, *keys)
    assert (alarm.kind, alarm.subject) == ("quota_gone", "team")
    assert "its 7 OpenAI keys (sk-k0, sk-k1, sk-k2, sk-k3, sk-k4 and 2 more)" in alarm.message
    assert alarm.details["keys"] == [k.mask for k in keys]
    assert names(found(GOOD, key("a", "no_quota"))) == [("quota_gone", "sk-a")], "the key is not named alone"


def test_a_disabled_key_is_no_alarm_unless_no_other_key_takes_requests() -> None:
    """An operator disabled the key on purpose. But a pool without usable keys always raises an alarm."""
    assert found(GOOD, key("a", "disabled")) == []
    (mixed,) = [alarm for alarm in found(key("a", "disabled"), key("b", "dead")) if alarm.kind == "no_healthy_key"]
    assert "(dead, disabled)" in mixed.message
    (alarm,) = found(key("a", "disabled"), key("b", "disabled"))
    assert (alarm.kind, alarm.severity) == ("no_healthy_key", Severity.CRITICAL)
    assert alarm.message == "All 2 OpenAI keys are disabled by an operator: no model calls are made."


def test_a_pool_without_usable_keys_is_critical() -> None:
    alarms = found(key("a", "open"), key("b", "dead"), key("c", "no_quota"))
    (critical,) = [alarm for alarm in alarms if alarm.severity is Severity.CRITICAL]
    assert (critical.kind, critical.subject) == ("no_healthy_key", POOL)
    assert "None of the 3 OpenAI keys is healthy (dead, no_quota, open)" in critical.message
    assert "no_healthy_key" not in dict(names(found(key("a", "cooling"), key("b", "open"))))


# --- age and money


def test_a_key_is_old_after_ninety_days() -> None:
    assert found(key("a", first_seen_at=NOW - timedelta(days=90))) == []
    (alarm,) = found(key("a", first_seen_at=NOW - timedelta(days=90, seconds=1)))
    assert (alarm.kind, alarm.subject) == ("key_old", "sk-a")
    assert "is 90 days old, rotate keys every 90 days" in alarm.message


def day(used: float, cap: float = 100, unit: Any = "usd") -> BudgetUse:
    return BudgetUse("day", unit, used, cap)


def test_a_budget_is_an_alarm_when_nearly_spent_and_critical_when_spent() -> None:
    assert found(GOOD, budgets=(day(89.9),)) == []
    (near,) = found(GOOD, budgets=(day(90),))
    assert (near.kind, near.subject, near.severity) == ("budget_nearly_spent", "day usd", Severity.WARNING)
    assert near.message == "The daily budget is nearly spent (90.00 of 100.00 US dollars, 90%)."
    (spent,) = found(GOOD, budgets=(day(100.2),))
    assert spent.severity is Severity.CRITICAL
    assert "used up: no calls are made before midnight UTC (100.20 of 100.00 US dollars, 100%)" in spent.message


def look(alerts: list[Alert], *budgets: BudgetUse, at: datetime = NOW) -> list[Alert]:
    before = {(alert.kind, alert.subject, alert.severity): alert for alert in alerts}
    alarms = find_alarms(PoolView(at, (GOOD,), budgets), *LIMITS, alerts)
    return [before.get((alarm.kind, alarm.subject, alarm.severity), booked(alarm)) for alarm in alarms]


@pytest.mark.parametrize("unit", ["calls", "tokens", "usd"])
@pytest.mark.parametrize("name", ["day", "key_day"])
def test_a_budget_that_refused_a_request_is_critical_whatever_is_left(name: Any, unit: Any) -> None:
    """A request is admitted only if its estimate fits, so the last tokens or cents of a budget may stay unused."""
    mask = "sk-good" if name == "key_day" else None
    (alarm,) = found(GOOD, budgets=(BudgetUse(name, unit, 84, 100, mask, stopped=True),))
    assert (alarm.subject, alarm.severity) == (f"{name} {unit}", Severity.CRITICAL)
    assert "spent: requests that need more than the rest are not made before midnight UTC" in alarm.message
    assert "84%" in alarm.message


@pytest.mark.parametrize("unit", ["calls", "tokens", "usd"])
def test_corrected_estimates_neither_end_nor_restart_a_budget_s_alarm(unit: Any) -> None:
    near = look([], day(91, unit=unit))
    for used in (12.0, 95.0, 40.0, 0.5):
        assert look(near, day(used, unit=unit)) == near
    worse = look(near, day(100, unit=unit))
    assert [alert.severity for alert in worse] == [Severity.CRITICAL]
    for used in (99.0, 50.0, 91.0):
        assert look(worse, day(used, unit=unit)) == worse


def test_a_budget_s_alarm_ends_with_its_utc_day() -> None:
    midnight = datetime(2026, 3, 2, tzinfo=UTC)
    for before in (look([], day(95)), look([], day(100))):
        assert look(before, day(0), at=midnight - timedelta(microseconds=1)) == before
        assert look(before, day(0), at=midnight) == []
        assert look(before, day(0), at=(midnight + timedelta(hours=1)).astimezone(timezone(timedelta(hours=-5)))) == []


def test_a_budget_s_alarm_ends_when_the_cap_is_raised() -> None:
    spent = look([], day(100, 100))
    assert look(spent, day(100, 1_000)) == []
    (less,) = look(spent, day(100, 110))
    assert less.severity is Severity.WARNING


def test_each_unit_is_a_budget_of_its_own() -> None:
    alarms = found(GOOD, budgets=(day(95, 100, "calls"), day(1, 100, "tokens"), day(91)))
    assert names(alarms) == [("budget_nearly_spent", "day calls"), ("budget_nearly_spent", "day usd")]


def test_caps_per_key_are_one_alarm_critical_once_all_are_spent() -> None:
    def caps(*used: float) -> tuple[BudgetUse, ...]:
        return tuple(BudgetUse("key_day", "calls", u, 100, f"sk-{n}") for n, u in enumerate(used))

    (alarm,) = found(GOOD, budgets=caps(95, 100, 10))
    assert (alarm.subject, alarm.severity) == ("key_day calls", Severity.WARNING)
    assert "The daily budget of OpenAI key sk-0 and sk-1" in alarm.message
    (alarm,) = found(GOOD, budgets=caps(100, 100, 100))
    assert alarm.severity is Severity.CRITICAL


# --- generated pools


_moments = st.none() | st.timedeltas(timedelta(0), timedelta(days=400)).map(lambda before: NOW - before)
_views = st.builds(
    KeyView,
    key_id=st.uuids().map(lambda u: u.hex),
    mask=st.uuids().map(lambda u: f"sk-{u.hex}"),
    group=st.sampled_from(["g", "h", "i"]),
    state=st.sampled_from(["closed", "open", "half_open", "dead", "no_quota", "cooling"]),
    first_seen_at=_moments,
    opened_at=_moments,
    died_at=_moments,
    quota_gone_at=_moments,
)
_budgets = st.builds(
    BudgetUse,
    st.just("day"),
    st.sampled_from(["calls", "tokens", "usd"]),
    st.floats(0, 10**9),
    st.floats(0, 10**9),
    stopped=st.booleans(),
)


@given(keys=st.lists(_views, max_size=8).map(tuple), budgets=st.lists(_budgets, max_size=4).map(tuple))
def test_each_alarm_is_unique_and_continues_while_nothing_changes(
    keys: tuple[KeyView, ...], budgets: tuple[BudgetUse, ...]
) -> None:
    view = PoolView(NOW, keys, budgets)
    first = find_alarms(view, *LIMITS)
    assert len(set(names(first))) == len(first)
    assert {alarm.kind for alarm in first} <= frozenset(Kind)
    again = find_alarms(view, *LIMITS, list(map(booked, first)))
    assert set(names(first)) <= set(names(again))
    assert set(names(find_alarms(view, *LIMITS, list(map(booked, again))))) == set(names(again))
    json.dumps([dict(alarm.details) for alarm in first], allow_nan=False)
