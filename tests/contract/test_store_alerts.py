"""Tests of the alert store."""

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
from tests.contract.conftest import at_once, count

DAY_S = 86_400.0


@pytest.fixture
def alerts(database: Database) -> AlertStore:
    return AlertStore(database)


def dead(subject: str = "sk-a", severity: Severity = Severity.WARNING) -> Alarm:
    return Alarm("key_dead", subject, severity, f"Key {subject} is dead.", {"key": subject})


def names(recorded: tuple[list[Alert], list[Alert]]) -> tuple[list[str], list[str]]:
    fired, resolved = recorded
    return [alert.subject for alert in fired], [alert.subject for alert in resolved]


def test_an_alert_fires_once_and_ends_once(alerts: AlertStore, clock: ManualClock) -> None:
    began = clock.now()
    assert names(alerts.record([dead()], notify=True)) == (["sk-a"], [])
    clock.advance(15)
    assert names(alerts.record([dead()], notify=True)) == ([], [])
    (firing,) = alerts.firing()
    assert (firing.kind, firing.fired_at, firing.resolved_at) == ("key_dead", began, None)
    assert firing.details == {"key": "sk-a"}
    assert names(alerts.record([], notify=True)) == ([], ["sk-a"])
    assert names(alerts.record([], notify=True)) == ([], [])
    assert alerts.firing() == []
    assert [alert.resolved_at for alert in alerts.resolved().items] == [clock.now()]


def test_an_alert_that_returns_is_a_new_alert(alerts: AlertStore, database: Database, clock: ManualClock) -> None:
    for alarms in ([dead()], [], [dead()]):
        alerts.record(alarms, notify=False)
        clock.advance(15)
    assert count(database, Message) == 0, "no message is queued without `notify`"
    assert len({alert.id for alert in (*alerts.firing(), *alerts.resolved().items)}) == 2


def test_critical_alerts_come_first(alerts: AlertStore) -> None:
    alerts.record([dead()], notify=False)
    alerts.record([dead(), Alarm("no_healthy_key", "pool", Severity.CRITICAL, "None is healthy.")], notify=False)
    assert [alert.kind for alert in alerts.firing()] == ["no_healthy_key", "key_dead"]


def test_concurrent_processes_report_each_change_once(database: Database) -> None:
    for alarms in ([dead("a"), dead("b")], []):
        found = at_once(*[lambda alarms=alarms: AlertStore(database).record(alarms, notify=True)] * 8)  # type: ignore[misc]
        fired, resolved = ([alert.subject for some in each for alert in some] for each in zip(*found, strict=True))
        assert (sorted(fired), sorted(resolved)) == ((["a", "b"], []) if alarms else ([], ["a", "b"]))
    assert count(database, Message) == 2, "alerts of one call must share one message"


def test_a_process_that_waited_for_another_reports_no_change_twice(
    alerts: AlertStore, database: Database, clock: ManualClock
) -> None:
    """The second process waits for the first, and then finds each alert already resolved, critical, or firing."""
    alerts.record([dead("a"), dead("b")], notify=True)
    found: list[tuple[list[Alert], list[Alert]]] = []
    waiting_thread = threading.Thread(
        target=lambda: found.append(alerts.record([dead("b", Severity.CRITICAL), dead("new")], notify=True))
    )
    c = Alert
    with database.writing() as connection:
        connection.execute(Alert.__table__.update().where(c.subject == "a").values(resolved_at=clock.now()))
        connection.execute(Alert.__table__.update().where(c.subject == "b").values(severity="critical"))
        row = {"id": "n", "kind": "key_dead", "subject": "new", "severity": "warning", "message": "", "details": {}}
        connection.execute(Alert.__table__.insert().values(**row, fired_at=clock.now()))
        waiting_thread.start()
        waiting_thread.join(0.5)
        assert waiting_thread.is_alive()
    waiting_thread.join()
    assert found == [([], [])]
    assert count(database, Message) == 1


def test_only_a_higher_severity_fires_an_alert_again(alerts: AlertStore) -> None:
    alerts.record([dead()], notify=True)
    assert names(alerts.record([dead(severity=Severity.CRITICAL)], notify=True)) == (["sk-a"], [])
    assert names(alerts.record([dead()], notify=True)) == ([], [])
    (firing,) = alerts.firing()
    assert firing.severity == Severity.WARNING


def test_resolved_alerts_are_pruned_and_firing_alerts_are_not(
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


def test_alerts_that_fired_since_a_time_are_listed_oldest_first(alerts: AlertStore, clock: ManualClock) -> None:
    alerts.record([dead("sk-early")], notify=False)
    clock.advance(60)
    alerts.record([dead("sk-long")], notify=False)  # resolves the early alert
    clock.advance(60)
    moment = clock.now()
    alerts.record([dead("sk-long"), dead("sk-late")], notify=False)
    assert [alert.subject for alert in alerts.since(moment, ["key_dead"])] == ["sk-long", "sk-late"]
    assert [alert.subject for alert in alerts.since(moment - timedelta(seconds=90), ["key_dead"])] == [
        "sk-early", "sk-long", "sk-late",
    ]  # fmt: skip
    assert alerts.since(moment, ["circuit_open"]) == []
