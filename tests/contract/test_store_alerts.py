"""Alerts keep their promises, on every database."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.clock import ManualClock
from app.property.storage.database import Database
from app.property.storage.expiry import delete_expired
from app.property.storage.keys.alerts import Alarm, AlertStore, Severity
from app.property.storage.keys.tables import Alert
from app.property.storage.outbox import Message
from app.settings import Settings

DAY_S = 86_400.0


@pytest.fixture
def alerts(database: Database) -> AlertStore:
    return AlertStore(database)


def dead(subject: str = "sk-a", severity: Severity = Severity.WARNING) -> Alarm:
    return Alarm("key_dead", subject, severity, f"Key {subject} is dead.", {"key": subject})


def names(booked: tuple[list[Alert], list[Alert]]) -> tuple[list[str], list[str]]:
    fired, resolved = booked
    return [alert.subject for alert in fired], [alert.subject for alert in resolved]


def count_messages(database: Database) -> int:
    with database.reading() as connection:
        return len(connection.execute(select(Message.id)).all())


def test_an_alert_fires_once_and_ends_once(alerts: AlertStore, clock: ManualClock) -> None:
    began = clock.now()
    assert names(alerts.record([dead()], notify=True)) == (["sk-a"], [])
    clock.advance(15)
    assert names(alerts.record([dead()], notify=True)) == ([], [])
    (firing,) = alerts.firing()
    assert (firing.kind, firing.fired_at, firing.resolved_at, firing.details) == (
        "key_dead",
        began,
        None,
        {"key": "sk-a"},
    )
    assert names(alerts.record([], notify=True)) == ([], ["sk-a"])
    assert names(alerts.record([], notify=True)) == ([], [])
    assert alerts.firing() == []
    assert [alert.resolved_at for alert in alerts.resolved().items] == [clock.now()]


def test_one_that_comes_back_is_another(alerts: AlertStore, clock: ManualClock) -> None:
    for alarms in ([dead()], [], [dead()]):
        alerts.record(alarms, notify=False)
        clock.advance(15)
    assert len({alert.id for alert in (*alerts.firing(), *alerts.resolved().items)}) == 2


def test_critical_ones_come_first(alerts: AlertStore) -> None:
    alerts.record([dead()], notify=False)
    alerts.record([dead(), Alarm("no_healthy_key", "pool", Severity.CRITICAL, "None is healthy.")], notify=False)
    assert [alert.kind for alert in alerts.firing()] == ["no_healthy_key", "key_dead"]


def test_of_many_who_find_the_same_each_change_goes_to_one(
    alerts: AlertStore, database: Database, clock: ManualClock
) -> None:
    found: list[tuple[list[Alert], list[Alert]]] = []
    start = threading.Barrier(8)

    def look(alarms: list[Alarm]) -> None:
        start.wait()
        found.append(AlertStore(database).record(alarms, notify=True))

    for alarms in ([dead("a"), dead("b")], []):
        threads = [threading.Thread(target=look, args=(alarms,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(alert.subject for fired, _ in found for alert in fired) == ["a", "b"]
    assert sorted(alert.subject for _, resolved in found for alert in resolved) == ["a", "b"]
    assert count_messages(database) == 2, "what fired at once is told in one message, and so is what is over"


def test_who_had_to_wait_for_another_finds_the_change_made(
    alerts: AlertStore, database: Database, clock: ManualClock
) -> None:
    """It gets each row when the other has committed: over already, critical already, or firing already."""
    alerts.record([dead("a"), dead("b")], notify=True)
    found: list[tuple[list[Alert], list[Alert]]] = []
    waits = threading.Thread(
        target=lambda: found.append(alerts.record([dead("b", Severity.CRITICAL), dead("new")], notify=True))
    )
    c = Alert
    with database.writing() as connection:
        connection.execute(Alert.__table__.update().where(c.subject == "a").values(resolved_at=clock.now()))
        connection.execute(Alert.__table__.update().where(c.subject == "b").values(severity="critical"))
        row = {"id": "n", "kind": "key_dead", "subject": "new", "severity": "warning", "message": "", "details": {}}
        connection.execute(Alert.__table__.insert().values(**row, fired_at=clock.now()))
        waits.start()
        waits.join(0.5)
        assert waits.is_alive()
    waits.join()
    assert found == [([], [])]
    assert count_messages(database) == 1


def test_what_becomes_critical_fires_again_and_what_becomes_better_does_not(alerts: AlertStore) -> None:
    alerts.record([dead()], notify=True)
    assert names(alerts.record([dead(severity=Severity.CRITICAL)], notify=True)) == (["sk-a"], [])
    assert names(alerts.record([dead()], notify=True)) == ([], [])
    (firing,) = alerts.firing()
    assert firing.severity == Severity.WARNING


def test_nobody_is_told_who_is_not_to_be(alerts: AlertStore, database: Database) -> None:
    alerts.record([dead()], notify=False)
    assert count_messages(database) == 0


def test_alerts_that_are_over_are_pruned_and_those_that_fire_are_not(
    alerts: AlertStore, database: Database, clock: ManualClock
) -> None:
    alerts.record([dead("a"), dead("b")], notify=True)
    alerts.record([dead("b")], notify=True)
    clock.advance(31 * DAY_S)
    delete_expired(database, Settings.of())
    assert [alert.subject for alert in alerts.resolved().items] == ["a"]
    clock.advance(370 * DAY_S)
    delete_expired(database, Settings.of())
    with database.reading() as connection:
        assert list(connection.execute(select(Alert.subject)).scalars()) == ["b"]


def test_what_fired_at_some_time_since_then_is_found_the_oldest_first(alerts: AlertStore, clock: ManualClock) -> None:
    alerts.record([dead("sk-early")], notify=False)
    clock.advance(60)
    alerts.record([dead("sk-long")], notify=False)  # the early one is over
    clock.advance(60)
    moment = clock.now()
    alerts.record([dead("sk-long"), dead("sk-late")], notify=False)
    assert [alert.subject for alert in alerts.since(moment, ["key_dead"])] == ["sk-long", "sk-late"]
    assert [alert.subject for alert in alerts.since(moment - timedelta(seconds=90), ["key_dead"])] == [
        "sk-early", "sk-long", "sk-late",
    ]  # fmt: skip
    assert alerts.since(moment, ["circuit_open"]) == []
