"""Reports never wait for jobs: the maintenance worker runs them while all other workers are busy."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from tasks._celery.config import INTERVAL_HEADER
from tests.plugins.simulator_fixtures import KEYS
from worker.beat_schedule import beat_config

pytestmark = pytest.mark.worker
REPORT = "tasks.health.report_key_stats"
REPORTED = "OpenAI keys: 1 of 1 healthy"


def test_reports_continue_while_every_job_slot_hangs(
    make_fleet: Any, openai_simulator: Any, property_site: str
) -> None:
    """While both job slots hang, the maintenance worker runs all reports, but no job."""
    simulator = openai_simulator([{"key": KEYS[0], "rpm": 60_000, "tpm": 100_000_000}])
    fleet = make_fleet(
        OPENAI_API_KEYS=KEYS[0],
        OPENAI_BASE_URL=simulator.base_url,
        KEY_REPORT_INTERVAL_SECONDS="1",
        FETCH_CONCURRENCY_PER_HOST="8",
        FETCH_MIN_DELAY_SECONDS="0",
    )
    fleet.start_worker(concurrency=2)
    fleet.wait_for_state(fleet.send(f"{property_site}/homes/1"), "done")  # the key's limits are known after this job
    simulator.set_key(KEYS[0], behavior="hang")
    fleet.send(*(f"{property_site}/homes/{number}" for number in range(2, 8)))
    fleet.until(lambda: simulator.stats()["totals"]["requests"] == 3, 40)
    fleet.start_beat()
    fleet.wait_for_line("Sending due task report-key-stats", "beat", 40, times=3)
    assert REPORTED not in fleet.log("worker")
    fleet.services.wait_for_worker(fleet.supervisor, fleet.services.maintenance_worker(fleet.supervisor))
    fleet.wait_for_line(REPORTED, "maintenance", times=3)
    assert REPORTED not in fleet.log("worker")
    assert fleet.stores.jobs.counts()["running"] == 2


def test_reports_wait_neither_for_tasks_blocked_by_a_locked_database_nor_for_earlier_reports(make_fleet: Any) -> None:
    """While a locked database blocks every task of beat and the earlier reports, the next report is still logged."""
    fleet = make_fleet(LOG_LEVEL="debug")
    maintenance = fleet.services.maintenance_worker(fleet.supervisor)
    fleet.services.wait_for_worker(fleet.supervisor, maintenance)

    def count(line: str) -> int:
        return fleet.log("maintenance").count(line)

    tasks = {entry["task"] for entry in beat_config(fleet.settings)["beat_schedule"].values()}
    with closing(sqlite3.connect(fleet.stores.database.url.database, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        for task in (*sorted(tasks - {REPORT}), REPORT, REPORT):
            # counted before the task is sent, because a report may be logged at once
            reports = count("OpenAI keys: 0 of 0") + (task == REPORT)
            fleet.app.send_task(task, headers={INTERVAL_HEADER: 0.001})
            fleet.until(lambda reports=reports: count("OpenAI keys: 0 of 0") == reports, 8)
        assert not count("locked"), "a task has given up on the database"
        holder.execute("ROLLBACK")
    fleet.until(lambda: count(f"Task {REPORT}[") == 4, 20)
    assert count("the previous report still waits for the database") == 1
