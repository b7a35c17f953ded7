"""What is lost when processes die: nothing. The jobs table holds the lease, recovery sends the job again."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from app.redis.embedded_valkey import connect
from app.services.runtime.heartbeats import read_heartbeats

pytestmark = pytest.mark.worker
KEYS = ("sk-proj-0123456789abcdefghijklmnopqrstuvwxyz", "sk-proj-zyxwvutsrqponmlkjihgfedcba9876543210")
TARGET = "/listings/oak-hollow-lane"


def test_kill_9_of_a_child_loses_no_job(
    make_fleet: Callable[..., Any],
    openai_simulator: Callable[..., Any],
    property_site: str,
    until: Callable[..., None],
    pool_processes: Callable[..., Any],
) -> None:
    """The child that works on the job is killed; when its lease is over another one takes it up and finishes it."""
    simulator = openai_simulator([{"key": KEYS[0], "behaviour": "hang"}])
    fleet = make_fleet(OPENAI_API_KEYS=KEYS[0], OPENAI_BASE_URL=simulator.base_url, JOB_LEASE_SECONDS="3")
    worker = fleet.start_worker(concurrency=2)
    fleet.start_beat()
    ids = fleet.send(property_site + TARGET)
    until(lambda: simulator.stats()["totals"]["requests"] == 1, 30, lambda: fleet.told(ids))
    simulator.set_key(KEYS[0], behaviour="ok")
    before = {process.pid for process in pool_processes(worker)}
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    (job,) = fleet.wait_for_state(ids, "done", "failed", seconds=45)
    assert job.state == "done", fleet.told(ids)
    assert job.attempts == 2


def test_a_job_that_kills_its_worker_every_time_is_given_up(make_fleet: Callable[..., Any], property_site: str) -> None:
    """A page on which five processes died is not tried for ever: it fails and says so."""
    fleet = make_fleet(JOB_LEASE_SECONDS="1")
    (job_id,) = [job.id for job in fleet.stores.jobs.enqueue([property_site + TARGET]).jobs]
    for n in range(5):
        assert fleet.stores.jobs.claim(job_id, f"died:{n}", -1) is not None
    fleet.start_worker(pool="threads")
    fleet.start_beat()
    (job,) = fleet.wait_for_state([job_id], "failed", "done")
    assert job.error is not None
    assert job.error["code"] == "worker_died"
    assert "5 attempts" in job.error["message"]


def test_a_broker_that_came_back_empty_is_filled_again(make_fleet: Callable[..., Any], property_site: str) -> None:
    """FLUSHALL takes the messages, beat's lock and its schedule: queued jobs are sent again all the same."""
    fleet = make_fleet(KEY_REPORT_INTERVAL_SECONDS="1")
    with connect(fleet.settings) as redis:
        fleet.start_beat()
        ids = fleet.send(*(f"{property_site}/homes/{n}" for n in range(1, 6)))
        redis.flushall()
    fleet.start_worker(pool="threads")
    jobs = fleet.wait_for_state(ids, "done", "failed", seconds=30)
    assert [job.state for job in jobs] == ["done"] * 5, fleet.log("beat")


def test_a_door_that_sent_before_the_broker_was_emptied_still_reaches_the_workers(
    make_fleet: Callable[..., Any], property_site: str, until: Callable[..., None]
) -> None:
    """Neither the sender nor the worker is restarted; without recovery, since no beat runs."""
    fleet = make_fleet()
    fleet.start_worker(pool="threads")
    fleet.wait_for_state(fleet.send(f"{property_site}/homes/1"), "done")
    with connect(fleet.settings) as redis:
        redis.flushall()
    jobs = fleet.wait_for_state(fleet.send(f"{property_site}/homes/2"), "done", "failed", seconds=15)
    assert [job.state for job in jobs] == ["done"]


def test_a_message_lost_among_many_is_sent_again_and_the_others_are_not(
    make_fleet: Callable[..., Any], property_site: str, until: Callable[..., None]
) -> None:
    """The broker holds three messages for four jobs: recovery finds the one, although no lease tells of it."""
    fleet = make_fleet(KEY_REPORT_INTERVAL_SECONDS="60")
    ids = fleet.send(*(f"{property_site}/homes/{n}" for n in range(11, 15)))
    with connect(fleet.settings) as redis:
        (lane,) = [name for name in redis.keys("scrape*") if redis.type(name) == b"list"]
        assert redis.rpop(lane) is not None
        fleet.start_beat()
        worker = fleet.services.start(
            fleet.supervisor,
            "worker",
            ["celery", "-A", "worker", "worker", "-Q", "maintenance", "--pool=solo", "--loglevel=INFO"],
        )
        fleet.services.wait_for_worker(fleet.supervisor, worker)
        until(lambda: fleet.job(ids[0]).sent_times == 2, 30, lambda: fleet.told(ids))
        assert redis.llen(lane) == 4
    assert [fleet.job(i).sent_times for i in ids] == [2, 1, 1, 1]


def test_a_late_duplicate_of_a_message_ends_without_work(make_fleet: Callable[..., Any], property_site: str) -> None:
    """Three messages for one job: one run does it, the others find it held or over."""
    fleet = make_fleet()
    ids = fleet.send(property_site + TARGET)
    job = fleet.job(ids[0])
    fleet.app.tasks["tasks.scrape.scrape_property"].apply_async((job.id,))
    last = fleet.app.tasks["tasks.scrape.scrape_property"].apply_async((job.id,))
    fleet.start_worker(concurrency=1)
    assert last.get(timeout=300) == {"job": job.id, "state": "skipped"}
    (done,) = fleet.wait_for_state(ids, "done", "failed")
    assert (done.state, done.attempts) == ("done", 1)


def test_term_ends_a_busy_worker_in_time_and_its_job_is_not_lost(
    make_fleet: Callable[..., Any], openai_simulator: Callable[..., Any], property_site: str, until: Callable[..., None]
) -> None:
    """Soft shutdown has ten seconds; a job that hangs longer is given back, long before its lease would end."""
    simulator = openai_simulator([{"key": KEYS[0], "behaviour": "hang"}])
    fleet = make_fleet(
        OPENAI_API_KEYS=KEYS[0], OPENAI_BASE_URL=simulator.base_url, JOB_LEASE_SECONDS="600", REMAP_SIGTERM="SIGQUIT"
    )
    worker = fleet.start_worker(concurrency=1)
    ids = fleet.send(property_site + TARGET)
    until(lambda: simulator.stats()["totals"]["requests"] == 1, 30, lambda: fleet.told(ids))
    simulator.set_key(KEYS[0], behaviour="ok")
    worker.process.terminate()
    worker.process.wait(120)
    assert "Initiating Soft Shutdown" in fleet.log("worker")
    assert (fleet.job(ids[0]).state, fleet.job(ids[0]).attempts) == ("queued", 0), fleet.told(ids)
    assert read_heartbeats(fleet.home) == []
    fleet.supervisor.stop()
    fleet.start_worker(concurrency=1)
    fleet.start_beat()
    (job,) = fleet.wait_for_state(ids, "done", "failed", seconds=45)
    assert job.state == "done", fleet.told(ids)


def test_term_ends_an_idle_worker_at_once_and_its_countdowns_are_not_lost(
    make_fleet: Callable[..., Any], openai_simulator: Callable[..., Any], property_site: str, until: Callable[..., None]
) -> None:
    """A worker that only holds a countdown has nothing to finish: the message goes back to the broker."""
    simulator = openai_simulator([{"key": KEYS[0], "rpm": 5, "tpm": 1_000_000}], start_level=0.0)
    fleet = make_fleet(OPENAI_API_KEYS=KEYS[0], OPENAI_BASE_URL=simulator.base_url, REMAP_SIGTERM="SIGQUIT")
    worker = fleet.start_worker(concurrency=1)
    ids = fleet.send(property_site + TARGET)

    def only_waits() -> bool:
        """The countdown is held, and the run that asked for it is over: its log line comes before its end."""
        asked = fleet.app.control.inspect(timeout=5, limit=1)
        return any((asked.scheduled() or {}).values()) and not any((asked.active() or {"": [None]}).values())

    until(only_waits, 30, lambda: fleet.told(ids))
    with connect(fleet.settings) as redis:
        until(lambda: redis.hlen("unacked") == 1, 10)
        worker.process.terminate()
        worker.process.wait(120)
        assert "Initiating Soft Shutdown" not in fleet.log("worker"), "it waited for nothing"
        assert redis.hlen("unacked") == 0
    fleet.supervisor.stop()
    fleet.start_worker(concurrency=1)
    (job,) = fleet.wait_for_state(ids, "done", "failed", seconds=45)
    assert (job.state, job.attempts) == ("done", 1), fleet.told(ids)
