"""No job is lost when a process dies: the jobs table holds the lease, and recovery sends the job again."""

import os
import signal
from datetime import UTC, datetime
from typing import Any

import pytest

from app.redis.embedded_valkey import connect
from app.services.reports.metrics.shared_counts import encode
from app.services.runtime.heartbeats import read_heartbeats
from tests.integration.workers.conftest import children_of

pytestmark = pytest.mark.worker
KEYS = ("sk-proj-0123456789abcdefghijklmnopqrstuvwxyz", "sk-proj-zyxwvutsrqponmlkjihgfedcba9876543210")
TARGET = "/listings/oak-hollow-lane"


def test_killing_a_child_process_loses_no_job(make_fleet: Any, openai_simulator: Any, property_site: str) -> None:
    simulator = openai_simulator([{"key": KEYS[0], "behavior": "hang"}])
    fleet = make_fleet(OPENAI_API_KEYS=KEYS[0], OPENAI_BASE_URL=simulator.base_url, JOB_LEASE_SECONDS="3")
    worker = fleet.start_worker(concurrency=2)
    fleet.start_beat()
    ids = fleet.send(property_site + TARGET)
    fleet.until(lambda: simulator.stats()["totals"]["requests"] == 1, 30)
    simulator.set_key(KEYS[0], behavior="ok")
    before = {process.pid for process in children_of(worker)}
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    (job,) = fleet.wait_for_state(ids, "done", "failed", seconds=45)
    assert job.state == "done", fleet.describe(ids)
    assert job.attempts >= 2, "a busy machine may let another lease expire"


def test_a_job_that_kills_every_worker_fails(make_fleet: Any, property_site: str) -> None:
    fleet = make_fleet()
    (job_id,) = [job.id for job in fleet.stores.jobs.enqueue([property_site + TARGET]).jobs]
    for n in range(5):
        assert fleet.stores.jobs.claim(job_id, f"died:{n}", -1) is not None
    fleet.start_worker(pool="threads")
    fleet.start_beat()
    (job,) = fleet.wait_for_state([job_id], "failed", "done")
    assert job.error is not None
    assert job.error["code"] == "worker_died"
    assert "5 attempts" in job.error["message"]


def test_an_emptied_broker_is_filled_again(make_fleet: Any, property_site: str) -> None:
    """FLUSHALL removes the messages, beat's lock, and its schedule."""
    fleet = make_fleet(KEY_REPORT_INTERVAL_SECONDS="1")
    with connect(fleet.settings) as redis:
        fleet.start_beat()
        ids = fleet.send(*(f"{property_site}/homes/{n}" for n in range(1, 6)))
        redis.flushall()
    fleet.start_worker(pool="threads")
    jobs = fleet.wait_for_state(ids, "done", "failed", seconds=30)
    assert [job.state for job in jobs] == ["done"] * 5, fleet.log("beat")
    fleet.until(lambda: fleet.counts().get(encode("propintel_jobs_recovered_total", {"reason": "lost"})) == 5)


def test_a_sender_still_reaches_the_workers_after_the_broker_was_emptied(make_fleet: Any, property_site: str) -> None:
    """No process restarts, and without beat no recovery runs."""
    fleet = make_fleet()
    fleet.start_worker(pool="threads")
    fleet.wait_for_state(fleet.send(f"{property_site}/homes/1"), "done")
    with connect(fleet.settings) as redis:
        redis.flushall()
    jobs = fleet.wait_for_state(fleet.send(f"{property_site}/homes/2"), "done", "failed", seconds=15)
    assert [job.state for job in jobs] == ["done"]


def test_a_late_duplicate_message_does_nothing(make_fleet: Any, property_site: str) -> None:
    """Of three messages for one job, one runs the job; the others find it leased or finished."""
    fleet = make_fleet()
    ids = fleet.send(property_site + TARGET)
    job = fleet.job(ids[0])
    fleet.app.tasks["tasks.scrape.scrape_property"].apply_async((job.id,))
    last = fleet.app.tasks["tasks.scrape.scrape_property"].apply_async((job.id,))
    fleet.start_worker(concurrency=1)
    assert last.get(timeout=300) == {"job": job.id, "state": "skipped"}
    (done,) = fleet.wait_for_state(ids, "done", "failed")
    assert (done.state, done.attempts) == ("done", 1)


def test_sigterm_ends_a_busy_worker_in_time_and_loses_no_job(
    make_fleet: Any, openai_simulator: Any, property_site: str
) -> None:
    """A soft shutdown takes ten seconds. A job that runs longer returns to the queue long before its lease ends."""
    simulator = openai_simulator([{"key": KEYS[0], "behavior": "hang"}])
    fleet = make_fleet(
        OPENAI_API_KEYS=KEYS[0], OPENAI_BASE_URL=simulator.base_url, JOB_LEASE_SECONDS="600", REMAP_SIGTERM="SIGQUIT"
    )
    worker = fleet.start_worker(concurrency=1)
    ids = fleet.send(property_site + TARGET)
    fleet.until(lambda: simulator.stats()["totals"]["requests"] == 1, 30)
    simulator.set_key(KEYS[0], behavior="ok")
    (heartbeat,) = read_heartbeats(fleet.home)
    assert heartbeat.pid == worker.process.pid
    assert heartbeat.is_fresh(datetime.now(UTC))
    worker.process.terminate()
    worker.process.wait(120)
    assert "Initiating Soft Shutdown" in fleet.log("worker")
    assert (fleet.job(ids[0]).state, fleet.job(ids[0]).attempts) == ("queued", 0), fleet.describe(ids)
    assert read_heartbeats(fleet.home) == []
    fleet.supervisor.stop()
    fleet.start_worker(concurrency=1)
    fleet.start_beat()
    (job,) = fleet.wait_for_state(ids, "done", "failed", seconds=45)
    assert job.state == "done", fleet.describe(ids)


def test_sigterm_ends_an_idle_worker_at_once_and_loses_no_countdown(
    make_fleet: Any, openai_simulator: Any, property_site: str
) -> None:
    """The worker returns the message with the pending countdown to the broker."""
    simulator = openai_simulator([{"key": KEYS[0], "rpm": 4, "tpm": 1_000_000}], start_level=0.0)
    fleet = make_fleet(OPENAI_API_KEYS=KEYS[0], OPENAI_BASE_URL=simulator.base_url, REMAP_SIGTERM="SIGQUIT")
    worker = fleet.start_worker(concurrency=1)
    ids = fleet.send(property_site + TARGET)

    def only_waits() -> bool:
        asked = fleet.app.control.inspect(timeout=5, limit=1)
        return any((asked.scheduled() or {}).values()) and not any((asked.active() or {"": [None]}).values())

    fleet.until(only_waits, 30)
    with connect(fleet.settings) as redis:
        fleet.until(lambda: redis.hlen("unacked") == 1, 10)
        worker.process.terminate()
        worker.process.wait(120)
        assert "Initiating Soft Shutdown" not in fleet.log("worker"), "the worker waited although it had no work"
        assert redis.hlen("unacked") == 0
    fleet.supervisor.stop()
    fleet.start_worker(concurrency=1)
    (job,) = fleet.wait_for_state(ids, "done", "failed", seconds=45)
    assert (job.state, job.attempts) == ("done", 1), fleet.describe(ids)
