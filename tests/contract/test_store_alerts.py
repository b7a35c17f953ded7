"""Alerts and reports keep their promises, on every database."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from app.clock import ManualClock
from app.property.storage.alerts import Alarm, AlertStore, Booked, Severity
from app.property.storage.engine import Database
from app.property.storage.health_reports import ReportStore, StoredReport
from app.property.storage.tables import alert_notices, health_reports
from app.property.storage.tables import alerts as alerts_table

LEASE_S = 60.0
DAY_S = 86_400.0
KINDS = ("key_dead", "budget_nearly_spent")


@pytest.fixture
def alerts(database: Database) -> AlertStore:
    return AlertStore(database)


@pytest.fixture
def reports(database: Database) -> ReportStore:
    return ReportStore(database)


def dead(subject: str = "sk-a", severity: Severity = Severity.WARNING) -> Alarm:
    return Alarm("key_dead", subject, severity, f"Key {subject} is dead.", {"key": subject})


def names(booked: Booked) -> tuple[list[str], list[str]]:
    return [alert.subject for alert in booked.fired], [alert.subject for alert in booked.resolved]


def count_notices(database: Database) -> int:
    with database.reading() as connection:
        return len(connection.execute(select(alert_notices.c.id)).all())


def test_an_alert_fires_once_and_ends_once(alerts: AlertStore, clock: ManualClock) -> None:
    began = clock.now()
    assert names(alerts.book([dead()], KINDS, tell=True)) == (["sk-a"], [])
    clock.advance(15)
    assert names(alerts.book([dead()], KINDS, tell=True)) == ([], [])
    (firing,) = alerts.firing()
    assert (firing.kind, firing.fired_at, firing.resolved_at, firing.details) == (
        "key_dead",
        began,
        None,
        {"key": "sk-a"},
    )
    assert names(alerts.book([], KINDS, tell=True)) == ([], ["sk-a"])
    assert names(alerts.book([], KINDS, tell=True)) == ([], [])
    assert alerts.firing() == []
    assert [alert.resolved_at for alert in alerts.resolved().items] == [clock.now()]


def test_one_that_comes_back_is_another(alerts: AlertStore, clock: ManualClock) -> None:
    for alarms in ([dead()], [], [dead()]):
        alerts.book(alarms, KINDS, tell=False)
        clock.advance(15)
    assert len({alert.id for alert in (*alerts.firing(), *alerts.resolved().items)}) == 2


def test_kinds_that_were_not_judged_stay_as_they_are(alerts: AlertStore) -> None:
    """Who looks at the pool says nothing about beat."""
    silent = Alarm("beat_silent", "beat", Severity.CRITICAL, "Silence.")
    alerts.book([silent], {"beat_silent"}, tell=False)
    alerts.book([dead()], KINDS, tell=False)
    assert [alert.kind for alert in alerts.firing()] == ["beat_silent", "key_dead"], "critical ones first"
    assert names(alerts.book([], {"beat_silent"}, tell=False)) == ([], ["beat"])


def test_of_many_who_find_the_same_each_change_goes_to_one(
    alerts: AlertStore, database: Database, clock: ManualClock
) -> None:
    found: list[Booked] = []
    start = threading.Barrier(8)

    def look(alarms: list[Alarm]) -> None:
        start.wait()
        found.append(AlertStore(database).book(alarms, KINDS, tell=True))

    for alarms in ([dead("a"), dead("b")], []):
        threads = [threading.Thread(target=look, args=(alarms,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(alert.subject for booked in found for alert in booked.fired) == ["a", "b"]
    assert sorted(alert.subject for booked in found for alert in booked.resolved) == ["a", "b"]
    assert count_notices(database) == 2, "what fired at once is told in one message, and so is what is over"


def test_who_had_to_wait_for_another_finds_the_change_made(
    alerts: AlertStore, database: Database, clock: ManualClock
) -> None:
    """It gets each row when the other has committed: over already, critical already, or firing already."""
    alerts.book([dead("a"), dead("b")], KINDS, tell=True)
    found: list[Booked] = []
    waits = threading.Thread(
        target=lambda: found.append(alerts.book([dead("b", Severity.CRITICAL), dead("new")], KINDS, tell=True))
    )
    c = alerts_table.c
    with database.writing() as connection:
        connection.execute(alerts_table.update().where(c.subject == "a").values(resolved_at=clock.now()))
        connection.execute(alerts_table.update().where(c.subject == "b").values(severity="critical"))
        row = {"id": "n", "kind": "key_dead", "subject": "new", "severity": "warning", "message": "", "details": {}}
        connection.execute(alerts_table.insert().values(**row, fired_at=clock.now()))
        waits.start()
        waits.join(0.5)
        assert waits.is_alive()
    waits.join()
    assert found == [Booked((), ())]
    assert count_notices(database) == 1


def test_what_becomes_critical_fires_again_and_what_becomes_better_does_not(alerts: AlertStore) -> None:
    alerts.book([dead()], KINDS, tell=True)
    assert names(alerts.book([dead(severity=Severity.CRITICAL)], KINDS, tell=True)) == (["sk-a"], [])
    assert names(alerts.book([dead()], KINDS, tell=True)) == ([], [])
    (firing,) = alerts.firing()
    assert firing.severity is Severity.WARNING


def test_nobody_is_told_who_is_not_to_be(alerts: AlertStore, database: Database) -> None:
    alerts.book([dead()], KINDS, tell=False)
    assert not alerts.has_due_notice()
    assert count_notices(database) == 0


def test_a_message_is_the_callers_alone_until_its_lease_ends(alerts: AlertStore, clock: ManualClock) -> None:
    alerts.book([dead()], KINDS, tell=True)
    claim = alerts.claim_notice(LEASE_S)
    assert claim is not None
    assert (claim.type, claim.attempt, claim.alerts[0]["kind"]) == ("alert.fired", 1, "key_dead")
    assert alerts.claim_notice(LEASE_S) is None
    clock.advance(LEASE_S)
    again = alerts.claim_notice(LEASE_S)
    assert again is not None
    assert (again.id, again.attempt, again.alerts) == (claim.id, 2, claim.alerts)
    assert not alerts.notice_delivered(claim), "its lease ran out"
    assert alerts.notice_delivered(again)
    assert not alerts.has_due_notice()


def test_a_message_that_failed_is_due_again_or_given_up(alerts: AlertStore, clock: ManualClock) -> None:
    alerts.book([dead()], KINDS, tell=True)
    claim = alerts.claim_notice(LEASE_S)
    assert claim is not None
    assert alerts.notice_failed(claim, "no answer", clock.now() + timedelta(seconds=10))
    assert not alerts.has_due_notice()
    assert alerts.untold().as_json() == {"pending": 1, "given_up": 0, "error": "no answer"}
    clock.advance(10)
    claim = alerts.claim_notice(LEASE_S)
    assert claim is not None
    assert alerts.notice_failed(claim, "gone", None)
    assert alerts.untold().as_json() == {"pending": 0, "given_up": 1, "error": "gone"}


def test_the_oldest_message_goes_first(alerts: AlertStore, clock: ManualClock) -> None:
    alerts.book([dead()], KINDS, tell=True)
    clock.advance(1)
    alerts.book([], KINDS, tell=True)
    claims = [alerts.claim_notice(LEASE_S) for _ in range(2)]
    assert [claim.type for claim in claims if claim] == ["alert.fired", "alert.resolved"]


def test_alerts_that_are_over_are_pruned_and_those_that_fire_are_not(
    alerts: AlertStore, database: Database, clock: ManualClock
) -> None:
    alerts.book([dead("a"), dead("b")], KINDS, tell=True)
    alerts.book([dead("b")], KINDS, tell=True)
    clock.advance(31 * DAY_S)
    alerts.prune()
    assert count_notices(database) == 0
    assert [alert.subject for alert in alerts.resolved().items] == ["a"]
    clock.advance(370 * DAY_S)
    alerts.prune()
    with database.reading() as connection:
        assert list(connection.execute(select(alerts_table.c.subject)).scalars()) == ["b"]


def report(clock: ManualClock, healthy: int = 1) -> StoredReport:
    advice = [{"code": "enough", "severity": "info", "sentence": "Enough.", "numbers": {}}]
    unhealthy = [{"key": "sk-a", "state": "dead", "failures": 3}]
    return StoredReport(clock.now(), healthy, 2, unhealthy, "1 of 2 healthy", advice)


def test_the_newest_report_keeps_its_advice_and_older_ones_their_figures(
    reports: ReportStore, clock: ManualClock
) -> None:
    assert reports.latest() is None
    reports.add(report(clock))
    clock.advance(60)
    reports.add(report(clock, healthy=2))
    newest, older = reports.list()
    assert newest == reports.latest() == report(clock, healthy=2)
    assert (older.healthy, older.unhealthy, older.advice) == (1, report(clock).unhealthy, None)


def test_how_many_unhealthy_keys_were_left_off_is_kept(reports: ReportStore, clock: ManualClock) -> None:
    reports.add(replace(report(clock), unhealthy_left_off=280))
    assert reports.latest() == replace(report(clock), unhealthy_left_off=280)
    assert report(clock).unhealthy_left_off == 0


def test_a_new_report_reads_and_writes_no_row_but_the_newest(
    reports: ReportStore, database: Database, clock: ManualClock
) -> None:
    """There are 43,000 of a month: each statement goes by the primary key."""
    for _ in range(3):
        reports.add(report(clock))
    said: list[tuple[str, Any]] = []

    def listen(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        said.append((statement, parameters))

    with database.reading() as connection:
        engine = connection.engine
    event.listen(engine, "before_cursor_execute", listen)
    reports.add(report(clock))
    event.remove(engine, "before_cursor_execute", listen)
    (update,) = [each for each in said if each[0].startswith("UPDATE")]
    with database.writing() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # four rows are read at once otherwise
        how = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
        plan = "\n".join(str(row[-1]) for row in connection.exec_driver_sql(how + update[0], update[1]))
    assert re.search(r"USING INTEGER PRIMARY KEY|Index Scan using pk_health_reports", plan), plan
    assert not re.search(r"\bSCAN|Seq Scan", plan), plan


def test_of_reports_that_are_made_at_the_same_time_one_keeps_its_advice(
    reports: ReportStore, database: Database, clock: ManualClock
) -> None:
    threads = [threading.Thread(target=ReportStore(database).add, args=(report(clock),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [each.advice is not None for each in reports.list()]
    assert found == [True, *[False] * 7]


def test_reports_are_kept_for_thirty_days(reports: ReportStore, database: Database, clock: ManualClock) -> None:
    reports.add(report(clock))
    clock.advance(30 * DAY_S)
    reports.prune()
    assert reports.latest() is not None
    clock.advance(1)
    reports.prune()
    with database.reading() as connection:
        assert connection.execute(select(health_reports.c.id)).all() == []


def test_what_fired_at_some_time_since_then_is_found_the_oldest_first(alerts: AlertStore, clock: ManualClock) -> None:
    alerts.book([dead("sk-early")], KINDS, tell=False)
    clock.advance(60)
    alerts.book([dead("sk-long")], KINDS, tell=False)  # the early one is over
    clock.advance(60)
    moment = clock.now()
    alerts.book([dead("sk-long"), dead("sk-late")], KINDS, tell=False)
    assert [alert.subject for alert in alerts.since(moment, ["key_dead"])] == ["sk-long", "sk-late"]
    assert [alert.subject for alert in alerts.since(moment - timedelta(seconds=90), ["key_dead"])] == [
        "sk-early", "sk-long", "sk-late",
    ]  # fmt: skip
    assert alerts.since(moment, ["circuit_open"]) == []
