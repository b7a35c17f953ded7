"""Reports never wait for jobs: the maintenance worker runs them while all other workers are busy."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from app.services.runtime.heartbeats import MAINTENANCE_THREADS
from tasks._celery.config import INTERVAL_HEADER
from tests.plugins.simulator_fixtures import KEYS
from worker.beat_schedule import beat_config

pytestmark = pytest.mark.worker
REPORT = "tasks.health.report_key_stats"
REPORTED = "OpenAI keys: 1 of 1 healthy"


@pytest.fixture
def busy_fleet(
    make_fleet: Callable[..., Any], openai_simulator: Callable[..., Any], property_site: str, until: Callable[..., None]
) -> Any:
    """Start beat and a worker whose two slots hang in the API, with more jobs queued."""
    simulator = openai_simulator([{"key": KEYS[0], "rpm": 60_000, "tpm": 100_000_000}])
    fleet = make_fleet(
        OPENAI_API_KEYS=KEYS[0],
        OPENAI_BASE_URL=simulator.base_url,
        KEY_REPORT_INTERVAL_SECONDS="1",
        FETCH_CONCURRENCY_PER_HOST="8",
        FETCH_MIN_DELAY_SECONDS="0",
    )
    fleet.start_worker(concurrency=2)
    fleet.wait_for_state(fleet.send(f"{property_site}/homes/1"), "done")  # this job makes the key's limits known
    simulator.set_key(KEYS[0], behavior="hang")
    ids = fleet.send(*(f"{property_site}/homes/{number}" for number in range(2, 8)))
    until(lambda: simulator.stats()["totals"]["requests"] == 3, 40, lambda: fleet.describe(ids))
    fleet.start_beat()
    until(lambda: fleet.log("beat").count("Sending due task report-key-stats") >= 3, 40, lambda: fleet.log("beat"))
    return fleet


def test_reports_continue_while_every_job_slot_hangs(busy_fleet: Any, until: Callable[..., None]) -> None:
    """The maintenance worker runs the waiting reports and the next ones while the jobs still hang."""
    assert REPORTED not in busy_fleet.log("worker")
    maintenance = busy_fleet.services.maintenance_worker(busy_fleet.supervisor)
    busy_fleet.services.wait_for_worker(busy_fleet.supervisor, maintenance)
    until(lambda: busy_fleet.log("maintenance").count(REPORTED) >= 3, 30, lambda: busy_fleet.log("maintenance"))
    assert REPORTED not in busy_fleet.log("worker")
    assert busy_fleet.stores.jobs.counts()["running"] == 2


def test_the_maintenance_worker_runs_no_job(make_fleet: Callable[..., Any], property_site: str) -> None:
    """Without a maintenance worker, a job worker also runs the maintenance tasks."""
    fleet = make_fleet()
    maintenance = fleet.services.maintenance_worker(fleet.supervisor)
    fleet.services.wait_for_worker(fleet.supervisor, maintenance)
    ids = fleet.send(f"{property_site}/homes/1")
    report = fleet.app.send_task("tasks.health.report_key_stats")
    assert report.get(timeout=300)["total_keys"] == 0
    assert fleet.job(ids[0]).state == "queued"
    fleet.supervisor.stop_child(maintenance)
    fleet.start_worker(concurrency=1)
    assert fleet.app.send_task("tasks.health.report_key_stats").get(timeout=300)["total_keys"] == 0
    fleet.wait_for_state(ids, "done")


def test_reports_wait_neither_for_tasks_blocked_by_a_locked_database_nor_for_earlier_reports(
    make_fleet: Callable[..., Any], until: Callable[..., None]
) -> None:
    """Every other task of beat hangs, and each report hangs once it is logged. The next report is logged nevertheless.
    At DEBUG the worker also logs the start and end of each report."""
    fleet = make_fleet(LOG_LEVEL="debug")
    maintenance = fleet.services.maintenance_worker(fleet.supervisor)
    fleet.services.wait_for_worker(fleet.supervisor, maintenance)

    def count(line: str) -> int:
        return fleet.log("maintenance").count(line)

    tasks = {entry["task"] for entry in beat_config(fleet.settings)["beat_schedule"].values()}
    with closing(sqlite3.connect(fleet.stores.database.url.database, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        for task in (*sorted(tasks - {REPORT}), REPORT, REPORT):
            reports = count("OpenAI keys: 0 of 0") + (task == REPORT)  # counted first: a report may be logged at once
            fleet.app.send_task(task, headers={INTERVAL_HEADER: 0.001})
            until(lambda reports=reports: count("OpenAI keys: 0 of 0") == reports, 8, lambda: fleet.log("maintenance"))
        assert not count("locked"), "a task has given up on the database"
        holder.execute("ROLLBACK")
    until(lambda: count(f"Task {REPORT}[") == 4, 20, lambda: fleet.log("maintenance"))
    assert count("the previous report still waits for the database") == 1


def test_the_maintenance_worker_has_more_threads_than_beat_has_tasks(make_fleet: Callable[..., Any]) -> None:
    assert len(beat_config(make_fleet().settings)["beat_schedule"]) < MAINTENANCE_THREADS
