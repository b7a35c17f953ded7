"""Tests of the stores for keys: history, alerts, and the audit log of actions."""

import itertools
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import QueuePool, func, insert, select, update

from app.errors.requests import InvalidCursorError
from app.property.storage import audit
from app.property.storage.audit import key_actions
from app.property.storage.expiry import delete_expired
from app.property.storage.keys.alerts import Alarm, Severity
from app.property.storage.keys.tables import Alert, KeyHour
from app.property.storage.keys.usage import HOUR, CountedKey, Demand, Uses, hour_of
from app.property.storage.outbox import Message
from app.property.storage.paging import every
from app.settings import Settings
from tests.contract.conftest import at_once, count
from tests.plugins.stores import Stores

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
ENTRY = {
    "who": "alice (manager)", "action": "disable", "key_id": "0123456789abcdef", "mask": "sk-a", "reason": "leaked",
    "outcome": "done", "state": "disabled",
}  # fmt: skip


def key(
    name: str, requests: int = 0, *, configured: bool = True, group: str = "", model: str = "m", **transitions: int
) -> CountedKey:
    calls = {model: Uses(requests=requests, successes=requests)} if requests else {}
    return CountedKey(name, f"sk-{name}", group or name, configured, calls, transitions)


def pool(models: Mapping[str, Demand]) -> CountedKey:
    return CountedKey("", "", "", True, models)


def record_counters(db: Stores, *keys: CountedKey, models: Mapping[str, Demand] | None = None) -> None:
    db.history.record_counters(lambda: [pool(models or {}), *keys])


def requests(db: Stores) -> dict[str, int]:
    query = select(KeyHour.key_id, func.sum(KeyHour.requests)).where(KeyHour.key_id != "").group_by(KeyHour.key_id)
    return {key_id: int(count) for key_id, count in db.execute(query)}


def test_new_counts_of_all_keys_are_added_to_the_current_hour(db: Stores) -> None:
    used = Uses(3, 3, 0, 0, input_tokens=9_000, output_tokens=300, microusd=50, cached_tokens=5_120)
    record_counters(db, key("a"), key("b"), key("c"))
    record_counters(db, key("a", 10), key("b", 5), CountedKey("c", "sk-c", "c", True, {"m": used}))
    first = hour_of(db.clock.now())
    db.clock.advance(2 * HOUR_S)
    record_counters(db, key("a", 10), key("b", 5))
    db.clock.advance(15)
    record_counters(db, key("a", 17), key("b", 5))
    db.clock.advance(15)
    record_counters(db, key("a", 4), key("b", 5))  # the pool lost its data and counts from 0 again
    last = (hour_of(db.clock.now()), Uses(requests=11, successes=11))
    assert db.history.by_hour(first) == [(first, replace(used, requests=18, successes=18)), last]
    assert db.history.by_hour(last[0]) == [last]


def test_a_new_database_ignores_earlier_counts(db: Stores) -> None:
    """A new database takes the first counts as a baseline, because they may be old. A key added later starts at 0."""
    record_counters(db, key("a", 900, open=2, dead=1), models={"m": Demand(900)})
    db.clock.advance(15)
    record_counters(db, key("a", 903, open=2, dead=1), key("b", 4), models={"m": Demand(907)})
    assert requests(db) == {"a": 3, "b": 4}
    assert db.history.demand(db.clock.now() - HOUR) == {"m": Demand(7)}
    assert [(known.opened_at, known.died_at) for known in db.history.known_keys()] == [(None, None)] * 2


def test_each_model_of_a_key_is_counted(db: Stores) -> None:
    record_counters(db, key("a"))
    record_counters(db, key("a", 100, model="large"))
    db.clock.advance(15)
    record_counters(db, key("a", 3, model="small"))
    db.clock.advance(15)
    record_counters(db, key("a", 101, model="large"))
    assert requests(db) == {"a": 104}, "a model without new counts must not change"


def test_concurrent_processes_count_each_request_once(db: Stores) -> None:
    record_counters(db, key("a", 0))
    shown = itertools.count(5, 5)

    def read() -> list[CountedKey]:
        sent = next(shown)
        return [pool({"m": Demand(sent=sent, refusals={"no_capacity": sent})}), key("a", sent)]

    at_once(*[lambda: db.history.record_counters(read)] * 8)
    total = next(shown) - 5
    assert requests(db) == {"a": total}
    assert db.history.demand(db.clock.now() - HOUR) == {"m": Demand(sent=total, refusals={"no_capacity": total})}


def test_the_pool_is_read_outside_of_transactions(db: Stores) -> None:
    with db.reading() as connection:
        pool = connection.engine.pool
    assert isinstance(pool, QueuePool)
    open_meanwhile: list[int] = []

    def read() -> list[CountedKey]:
        open_meanwhile.append(pool.checkedout())
        return [key("a", 5)]

    db.history.record_counters(read)
    assert open_meanwhile == [0]


def test_outdated_counts_are_not_counted_twice(db: Stores) -> None:
    """Counts below the recorded ones may be outdated. They do not prove that the pool lost its data."""
    record_counters(db, key("a", 100))
    shown = iter((101, 103))

    def read() -> list[CountedKey]:
        counted = [key("a", next(shown))]
        record_counters(db, key("a", 102))
        return counted

    db.history.record_counters(read)
    assert requests(db) == {"a": 3}


def test_a_key_is_first_seen_once_and_removed_when_it_is_missing(db: Stores) -> None:
    began = db.clock.now()
    record_counters(db, key("a"), key("b"))
    db.clock.advance(DAY_S)
    record_counters(db, key("a"), key("b", 3, configured=False), key("c"))
    removed = db.clock.now()
    known = {each.key_id: each for each in db.history.known_keys()}
    assert {name: each.first_seen_at for name, each in known.items()} == {"a": began, "b": began, "c": removed}
    assert {name: each.removed_at for name, each in known.items()} == {"a": None, "b": removed, "c": None}
    assert (known["b"].mask, known["a"].last_seen_at) == ("sk-b", removed)

    db.clock.advance(DAY_S)
    record_counters(db, key("a"), key("c"))
    still = {each.key_id: each.removed_at for each in db.history.known_keys()}
    assert still["b"] == removed, "the key must not be removed again"
    record_counters(db, key("a"), key("b"))
    back = {each.key_id: each for each in db.history.known_keys()}
    assert (back["b"].removed_at, back["b"].first_seen_at, back["c"].removed_at) == (None, began, db.clock.now())


def test_a_process_with_an_old_configuration_restores_no_key(db: Stores) -> None:
    record_counters(db, key("a"), key("b"))
    db.clock.advance(15)
    removed = db.clock.now()
    record_counters(db, key("a"))
    db.clock.advance(15)
    record_counters(db, key("a"), key("b", 3))
    assert {each.key_id: each.removed_at for each in db.history.known_keys()}["b"] == removed
    db.clock.advance(15)
    record_counters(db, key("a"), key("b", 3))
    assert {each.key_id: each.removed_at for each in db.history.known_keys()}["b"] is None, "the key must be restored"
    assert requests(db) == {"b": 3}


def test_a_draining_key_keeps_its_mask_and_group(db: Stores) -> None:
    record_counters(db, key("a"))
    record_counters(db, key("a", 1, group="team"), key("b"))
    db.clock.advance(15)
    record_counters(db, CountedKey("a", "", "a", False, {"m": Uses(requests=4, successes=4)}, {}), key("b"))
    known = {each.key_id: each for each in db.history.known_keys()}
    assert (known["a"].mask, known["a"].limit_group) == ("sk-a", "team")
    assert requests(db) == {"a": 4}


def test_a_process_without_keys_or_counters_removes_no_key(db: Stores) -> None:
    record_counters(db, key("a"))
    record_counters(db)
    db.history.record_counters(lambda: None)
    assert [each.removed_at for each in db.history.known_keys()] == [None]


def test_the_newest_time_of_each_transition_is_stored(db: Stores) -> None:
    record_counters(db, key("a"))
    record_counters(db, key("a", open=1))
    first = db.clock.now()
    db.clock.advance(60)
    record_counters(db, key("a", open=1, closed=1))
    (known,) = db.history.known_keys()
    assert (known.opened_at, known.died_at, known.quota_gone_at) == (first, None, None)
    db.clock.advance(60)
    record_counters(db, key("a", open=2, closed=2, dead=1, no_quota=1))
    (known,) = db.history.known_keys()
    assert known.opened_at == known.died_at == known.quota_gone_at == db.clock.now()


def test_demand_of_a_model_is_summed_with_its_refusals(db: Stores) -> None:
    record_counters(db, key("a"))
    record_counters(db, key("a"), models={"m": Demand(5, 1_000, 2_000_000, 0, {"no_capacity": 2})})
    db.clock.advance(HOUR_S)
    record_counters(db, key("a"), models={"m": Demand(5, 1_000, 2_000_000, 0, {"no_capacity": 2})})
    db.clock.advance(15)
    now, total = hour_of(db.clock.now()), Demand(9, 4_000, 3_000_000, 7, {"no_capacity": 3, "budget": 1})
    record_counters(db, key("a"), models={"m": total, "n": Demand(1)})
    grown = Demand(4, 3_000, 1_000_000, 7, {"no_capacity": 1, "budget": 1})
    assert db.history.demand(now) == {"m": grown, "n": Demand(1)}
    assert db.history.demand(now - HOUR)["m"] == total


def test_old_hours_and_removed_keys_are_pruned_in_small_steps(db: Stores) -> None:
    record_counters(db, key("z"))
    record_counters(db, *(key(f"old{n}", 1) for n in range(600)), models={"m": Demand(1)})
    record_counters(db, key("a", 1))
    db.clock.advance(399 * DAY_S)
    assert not delete_expired(db, Settings.of())
    db.clock.advance(2 * DAY_S)
    delete_expired(db, Settings.of())
    assert 0 < len(requests(db)) < 600
    while delete_expired(db, Settings.of()):
        pass
    assert requests(db) == {}
    assert [each.key_id for each in db.history.known_keys()] == ["a"]
    assert db.history.demand(db.clock.now() - timedelta(days=9999)) == {}


def dead(subject: str = "sk-a", severity: Severity = Severity.WARNING) -> Alarm:
    return Alarm("key_dead", subject, severity, f"Key {subject} is dead.", {"key": subject})


def names(recorded: tuple[list[Alert], list[Alert]]) -> tuple[list[str], list[str]]:
    fired, resolved = recorded
    return [alert.subject for alert in fired], [alert.subject for alert in resolved]


def test_an_alert_fires_once_and_ends_once(db: Stores) -> None:
    began = db.clock.now()
    assert names(db.alerts.record([dead()], notify=True)) == (["sk-a"], [])
    db.clock.advance(15)
    assert names(db.alerts.record([dead()], notify=True)) == ([], [])
    (firing,) = db.alerts.firing()
    assert (firing.kind, firing.fired_at, firing.resolved_at) == ("key_dead", began, None)
    assert firing.details == {"key": "sk-a"}
    assert names(db.alerts.record([], notify=True)) == ([], ["sk-a"])
    assert names(db.alerts.record([], notify=True)) == ([], [])
    assert db.alerts.firing() == []
    assert [alert.resolved_at for alert in db.alerts.resolved().items] == [db.clock.now()]


def test_an_alert_that_returns_is_a_new_alert(db: Stores) -> None:
    for alarms in ([dead()], [], [dead()]):
        db.alerts.record(alarms, notify=False)
        db.clock.advance(15)
    assert count(db, Message) == 0, "no message is queued without `notify`"
    assert len({alert.id for alert in (*db.alerts.firing(), *db.alerts.resolved().items)}) == 2


def test_critical_alerts_come_first(db: Stores) -> None:
    db.alerts.record([dead()], notify=False)
    db.alerts.record([dead(), Alarm("no_healthy_key", "pool", Severity.CRITICAL, "None is healthy.")], notify=False)
    assert [alert.kind for alert in db.alerts.firing()] == ["no_healthy_key", "key_dead"]


@pytest.mark.parametrize("more", [[], [dead("new")]], ids=len)
def test_a_process_that_waited_for_another_reports_no_change_twice(db: Stores, more: list[Alarm]) -> None:
    """After waiting for the first process, the second finds each alert already resolved, critical, or firing."""
    db.alerts.record([dead("a"), dead("b")], notify=True)
    found: list[tuple[list[Alert], list[Alert]]] = []
    alarms = [dead("b", Severity.CRITICAL), *more]
    waiting_thread = threading.Thread(target=lambda: found.append(db.alerts.record(alarms, notify=True)))
    with db.writing() as connection:
        connection.execute(update(Alert).where(Alert.subject == "a").values(resolved_at=db.clock.now()))
        connection.execute(update(Alert).where(Alert.subject == "b").values(severity="critical"))
        row = {"id": "n", "kind": "key_dead", "subject": "new", "severity": "warning", "message": "", "details": {}}
        if more:
            connection.execute(insert(Alert).values(**row, fired_at=db.clock.now()))
        waiting_thread.start()
        waiting_thread.join(0.5)
        assert waiting_thread.is_alive()
    waiting_thread.join()
    assert found == [([], [])]
    assert count(db, Message) == 1


def test_only_a_higher_severity_fires_an_alert_again(db: Stores) -> None:
    db.alerts.record([dead()], notify=True)
    assert names(db.alerts.record([dead(severity=Severity.CRITICAL)], notify=True)) == (["sk-a"], [])
    assert names(db.alerts.record([dead()], notify=True)) == ([], [])
    (firing,) = db.alerts.firing()
    assert firing.severity == Severity.WARNING


def test_resolved_alerts_are_pruned_and_firing_alerts_are_not(db: Stores) -> None:
    db.alerts.record([dead("a"), dead("b")], notify=True)
    db.alerts.record([dead("b")], notify=True)
    db.clock.advance(31 * DAY_S)
    delete_expired(db, Settings.of())
    assert [alert.subject for alert in db.alerts.resolved().items] == ["a"]
    db.clock.advance(370 * DAY_S)
    delete_expired(db, Settings.of())
    assert db.execute(select(Alert.subject)) == [("b",)]


def test_alerts_that_fired_since_a_time_are_listed_oldest_first(db: Stores) -> None:
    db.alerts.record([dead("sk-early")], notify=False)
    db.clock.advance(60)
    db.alerts.record([dead("sk-long")], notify=False)  # resolves the alert about "sk-early"
    db.clock.advance(60)
    moment = db.clock.now()
    db.alerts.record([dead("sk-long"), dead("sk-late")], notify=False)
    assert [alert.subject for alert in db.alerts.since(moment, ["key_dead"])] == ["sk-long", "sk-late"]
    assert [alert.subject for alert in db.alerts.since(moment - timedelta(seconds=90), ["key_dead"])] == [
        "sk-early", "sk-long", "sk-late",
    ]  # fmt: skip
    assert db.alerts.since(moment, ["circuit_open"]) == []


def record(db: Stores, **changes: Any) -> None:
    entry = {**ENTRY, **changes}
    with db.writing() as connection:
        audit.record(connection, db.clock.now(), area="key", **entry)


def test_an_action_is_read_unchanged(db: Stores) -> None:
    record(db)
    with db.writing() as connection:
        audit.record(connection, db.clock.now(), "alice", "purge", "url", removed={"records": 1})
    (written,) = key_actions(db).items
    shown, at = written.as_json(), "2026-01-01T00:00:00+00:00"
    assert len(shown.pop("id")) == 32
    assert shown | {"key_id": shown["key"]} == {**ENTRY, "at": at, "key": ENTRY["key_id"]}


def test_actions_are_paged_newest_first_while_others_are_added(db: Stores) -> None:
    for n in range(7):
        record(db, reason=str(n))
        db.clock.advance(n % 2)
    first = key_actions(db, limit=3)
    db.clock.advance(1)
    record(db, reason="new")
    found = [*first.items, *every(lambda cursor: key_actions(db, cursor or first.next_cursor, limit=3))]
    assert sorted(action.reason or "" for action in found) == [str(n) for n in range(7)]
    assert [action.at for action in found] == sorted((action.at for action in found), reverse=True)
    assert key_actions(db).items[0].reason == "new"


def test_actions_can_be_filtered_by_key(db: Stores) -> None:
    record(db)
    record(db, key_id="fedcba9876543210")
    assert [action.key_id for action in key_actions(db, key_id="fedcba9876543210").items] == ["fedcba9876543210"]
    assert key_actions(db, key_id="0000000000000000").items == []
    with pytest.raises(InvalidCursorError, match="actions"):
        key_actions(db, "eyJhIjoxfQ")


def test_characters_that_no_database_accepts_are_removed(db: Stores) -> None:
    record(db, who="a\x00b \ud800", reason="\udfff\x00")
    (action,) = key_actions(db).items
    assert (action.who, action.reason) == ("ab ?", "?")
