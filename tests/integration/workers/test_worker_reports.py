"""Beat's tasks run on schedule, jobs are taken by priority and in turn, and events for Flower contain no secret."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from app.property.storage.keys.history import KeyHistoryStore
from app.redis.embedded_valkey import connect
from app.services.reports.key_report.report import newest_report
from app.services.runtime.heartbeats import read_heartbeats
from tasks._celery.config import INTERVAL_HEADER, LANES
from tasks._celery.publish import send_jobs

pytestmark = pytest.mark.worker
TARGET = "/listings/oak-hollow-lane"

_PROBE = """
from celery import shared_task
from tasks.base import RedactedTask

@shared_task(name="probe.retry_once", bind=True, base=RedactedTask)
def retry_once(self, *args, **kwargs):
    if self.request.retries == 0:
        raise self.retry(countdown=0, max_retries=1)
    return "back"
"""


def test_the_key_report_runs_on_schedule_and_is_logged_exported_and_returned(
    make_fleet: Callable[..., Any], openai_simulator: Callable[..., Any], property_site: str, until: Callable[..., None]
) -> None:
    """The report sums the counts published by all processes. Its task returns the same figures as the exported file."""
    simulator = openai_simulator()
    fleet = make_fleet(
        OPENAI_API_KEYS=",".join(simulator.keys),
        OPENAI_BASE_URL=simulator.base_url,
        KEY_REPORT_INTERVAL_SECONDS="1",
        OPENAI_STATS_FILE="stats.json",
    )
    fleet.start_worker()
    fleet.start_beat()
    until(lambda: "2 of 2 healthy, 0 requests" in fleet.log("worker"), 40, lambda: fleet.log("worker"))
    fleet.wait_for_state(fleet.send(property_site + TARGET), "done")
    until(lambda: "2 of 2 healthy, 1 requests" in fleet.log("worker"), 40, lambda: fleet.log("worker"))
    # the file and the database are written after the log
    until(lambda: '"successes": 1' in (fleet.home / "stats.json").read_text(), 10)
    whole = json.loads((fleet.home / "stats.json").read_text())
    exported = whole.pop("data")
    assert (exported["total_keys"], exported["healthy_keys"]) == (2, 2)
    assert sum(key["successes"] for key in exported["keys"].values()) == 1
    assert whole.keys() == {"reported_at", "advice", "alerts", "alerts_firing"}
    result = fleet.app.send_task("tasks.health.report_key_stats").get(timeout=300)
    assert {name: result[name] for name in exported} == exported
    assert result.keys() == exported.keys() | {"advice", "alerts", "alerts_firing"}
    assert [piece["code"] for piece in result["advice"]] == ["enough"]
    newest = newest_report(fleet.settings)
    assert (newest["healthy_keys"], newest["total_keys"], newest["unhealthy"]) == (2, 2, [])
    assert newest["summary"].startswith("OpenAI keys: 2 of 2 healthy, 1 requests")
    hours = KeyHistoryStore(fleet.stores.database).by_hour(datetime.now(UTC) - timedelta(days=1))
    assert sum(uses.successes for _, uses in hours) == 1, "repeated reports counted a call twice"
    assert all(key not in fleet.log("worker") + fleet.log("beat") for key in simulator.keys)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_two_beats_send_one_schedule(
    end: signal.Signals, make_fleet: Callable[..., Any], until: Callable[..., None]
) -> None:
    """The second beat waits for the first one's lock, and takes over within 15 s after the first ends or dies."""
    fleet = make_fleet(KEY_REPORT_INTERVAL_SECONDS="1")
    first = fleet.start_beat()
    until(lambda: "Sending due task report-key-stats" in fleet.log("beat"), 30)
    second = fleet.services.start(
        fleet.supervisor, "beat2", ["celery", "-A", "worker", "beat", "--pidfile=", "--loglevel=DEBUG"]
    )
    until(lambda: "beat: Starting" in fleet.log("beat2"), 30)
    sent = fleet.log("beat").count("Sending due task")
    until(lambda: fleet.log("beat").count("Sending due task") >= sent + 3, 20)
    assert "Sending due task" not in fleet.log("beat2")
    first.process.send_signal(end)
    first.process.wait(120)
    until(lambda: "Sending due task" in fleet.log("beat2"), 15, lambda: fleet.log("beat2"))
    assert second.process.poll() is None


def test_a_standby_beat_restores_its_schedule_in_an_emptied_redis(
    make_fleet: Callable[..., Any], until: Callable[..., None]
) -> None:
    """FLUSHALL removes both the schedule and the lock, so the standby gets the lock at once."""
    fleet = make_fleet(KEY_REPORT_INTERVAL_SECONDS="1")
    first = fleet.start_beat()
    until(lambda: "Sending due task" in fleet.log("beat"), 30)
    fleet.services.start(
        fleet.supervisor, "beat2", ["celery", "-A", "worker", "beat", "--pidfile=", "--loglevel=DEBUG"]
    )
    until(lambda: "beat: Starting" in fleet.log("beat2"), 30)
    first.process.kill()
    first.process.wait(120)
    with connect(fleet.settings) as redis:
        redis.flushall()
    until(lambda: "Sending due task report-key-stats" in fleet.log("beat2"), 15, lambda: fleet.log("beat2"))


def test_beat_continues_at_once_although_an_earlier_beats_clock_was_ahead(
    make_fleet: Callable[..., Any], until: Callable[..., None]
) -> None:
    """By the timestamps that the earlier beat left in Redis, no task would be due for an hour."""
    fleet = make_fleet(KEY_REPORT_INTERVAL_SECONDS="1")
    first = fleet.start_beat()
    until(lambda: "Sending due task report-key-stats" in fleet.log("beat"), 30)
    fleet.supervisor.stop_child(first)
    ahead = datetime.now(UTC) + timedelta(hours=1)
    with connect(fleet.settings) as redis:
        for name in ("report-key-stats", "recover-jobs"):
            key = f"propintel:beat:{name}"
            meta = {"last_run_at": {"__type__": "datetime", "year": ahead.year, "month": ahead.month, "day": ahead.day,
                                    "hour": ahead.hour, "minute": ahead.minute, "second": ahead.second,
                                    "microsecond": 0, "timezone": "UTC"}}  # fmt: skip
            assert json.loads(redis.hget(key, "meta"))["last_run_at"].keys() >= {"__type__", "hour"}
            redis.hset(key, "meta", json.dumps(meta))
            redis.zadd("propintel:beat::schedule", {key: ahead.timestamp() + 1})
    sent = fleet.log("beat").count("Sending due task report-key-stats")
    fleet.start_beat()
    until(lambda: fleet.log("beat").count("Sending due task report-key-stats") > sent, 20, lambda: fleet.log("beat"))


def test_accumulated_messages_of_beat_run_once_and_other_requests_always_run(make_fleet: Callable[..., Any]) -> None:
    """After a long pause, a worker runs one report for all of beat's messages. Other requests are not skipped."""
    fleet = make_fleet()
    fleet.app.loader.import_default_modules()
    task = fleet.app.tasks["tasks.health.report_key_stats"]
    headers = {INTERVAL_HEADER: 600.0}
    results = [task.apply_async(headers=headers) for _ in range(3)]
    fleet.start_worker(pool="solo", concurrency=1)
    answers = [result.get(timeout=300) for result in results]
    assert "total_keys" in answers[0]
    assert answers[1:] == [{"skipped": "it has just run"}] * 2
    assert "total_keys" in task.apply_async().get(timeout=300)


def test_a_worker_of_the_scrape_queue_serves_all_lanes(make_fleet: Callable[..., Any], property_site: str) -> None:
    """A worker with `-Q scrape` also takes jobs from the other lanes, where most jobs of a large batch wait."""
    fleet = make_fleet()
    jobs = fleet.stores.jobs.enqueue([f"{property_site}/homes/{n}" for n in range(1, 2011)]).jobs
    chosen = [jobs[5], jobs[50], jobs[500], jobs[2005]]
    for job in jobs:
        if job not in chosen:
            fleet.stores.jobs.cancel(job.id)
    send_jobs(fleet.app, fleet.stores.jobs, chosen)
    with connect(fleet.settings) as redis:
        lanes = {name.decode().split("\x06")[0] for name in redis.keys("scrape*") if redis.type(name) == b"list"}
    assert lanes == set(LANES)
    worker = fleet.services.start(
        fleet.supervisor, "worker", ["celery", "-A", "worker", "worker", "-Q", "scrape", "--pool=threads"]
    )
    fleet.services.wait_for_worker(fleet.supervisor, worker)
    fleet.wait_for_state([job.id for job in chosen], "done")


def test_a_small_batch_does_not_wait_behind_a_huge_one(make_fleet: Callable[..., Any], property_site: str) -> None:
    """Lanes of the same priority are served in turn, so both batches progress equally."""
    fleet = make_fleet()
    huge = fleet.stores.jobs.enqueue([f"{property_site}/homes/{n}" for n in range(1, 401)]).jobs
    small = fleet.stores.jobs.enqueue([f"{property_site}/homes/{n}" for n in range(1001, 1011)]).jobs
    send_jobs(fleet.app, fleet.stores.jobs, huge[200:])
    send_jobs(fleet.app, fleet.stores.jobs, small)
    fleet.start_worker(pool="solo", concurrency=1)
    ended = max(job.finished_at for job in fleet.wait_for_state([job.id for job in small], "done"))
    done = [fleet.job(job.id).finished_at for job in huge[200:]]
    overtaken = sum(at is not None and at <= ended for at in done)
    assert 5 <= overtaken <= 25


def test_beat_survives_a_crash_of_its_broker(make_fleet: Callable[..., Any], until: Callable[..., None]) -> None:
    """The same beat process continues within seconds of the broker's return."""
    fleet = make_fleet(KEY_REPORT_INTERVAL_SECONDS="1")
    beat = fleet.start_beat()
    until(lambda: "Sending due task" in fleet.log("beat"), 30)
    fleet.valkey.kill()
    until(lambda: "Beat cannot reach Redis" in fleet.log("beat"), 15, lambda: fleet.log("beat"))
    fleet.valkey.start()
    sent = fleet.log("beat").count("Sending due task")
    until(lambda: fleet.log("beat").count("Sending due task") > sent + 1, 25, lambda: fleet.log("beat"))
    assert beat.process.poll() is None


def test_sigterm_ends_beat_while_its_broker_is_unavailable(
    make_fleet: Callable[..., Any], until: Callable[..., None]
) -> None:
    fleet = make_fleet(KEY_REPORT_INTERVAL_SECONDS="1")
    beat = fleet.start_beat()
    until(lambda: "Sending due task" in fleet.log("beat"), 30)
    fleet.valkey.kill()
    until(lambda: "Beat cannot reach Redis" in fleet.log("beat"), 15, lambda: fleet.log("beat"))
    beat.process.terminate()
    assert beat.process.wait(120) == 0, fleet.log("beat")
    assert "beat raised exception" not in fleet.log("beat")


def _watch(app: Celery, events: list[dict[str, Any]]) -> None:
    """Collect events, as Flower does, until a task has succeeded."""
    with app.connection() as connection:

        def note(event: dict[str, Any]) -> None:
            events.append(event)
            receiver.should_stop = event["type"] == "task-succeeded"

        receiver = app.events.Receiver(connection, handlers={"*": note})
        receiver.capture(limit=None, timeout=300, wakeup=False)


def test_arguments_stay_redacted_after_a_retry(
    make_fleet: Callable[..., Any], tmp_path: Path, until: Callable[..., None]
) -> None:
    """Celery loses redacted arguments on a retry. Arguments are redacted even if the sender redacted nothing."""
    (tmp_path / "probe_tasks.py").write_text(_PROBE)
    fleet = make_fleet(PYTHONPATH=str(tmp_path))
    events: list[dict[str, Any]] = []
    watching = threading.Thread(target=_watch, args=(fleet.app, events), daemon=True)
    watching.start()
    worker = fleet.services.start(
        fleet.supervisor,
        "worker",
        ["celery", "-A", "worker", "worker", "--pool=threads", "--concurrency=1", "-I", "probe_tasks"],
    )
    fleet.services.wait_for_worker(fleet.supervisor, worker)
    secret, url = "sk-proj-0123456789abcdefghij", "https://me:hunter2@example.com/a?token=hunter2"
    with fleet.app.producer_pool.acquire(block=True) as producer:
        fleet.app.send_task("probe.retry_once", (secret,), {"url": url}, producer=producer)
    watching.join(120)
    assert events[-1]["type"] == "task-succeeded", fleet.log("worker")
    received = [event for event in events if event["type"] == "task-received"]
    assert [event["retries"] for event in received] == [0, 1]
    for event in (sent for sent in events if "kwargs" in sent):
        assert "example.com" in event["kwargs"]
        assert secret not in event["args"]
        assert "hunter2" not in event["kwargs"]


def test_the_parent_writes_a_heartbeat_and_removes_it_at_its_end(make_fleet: Callable[..., Any]) -> None:
    fleet = make_fleet()
    worker = fleet.start_worker(concurrency=1)
    (beat,) = read_heartbeats(fleet.home)
    assert beat.pid == worker.process.pid
    assert beat.is_fresh(datetime.now(UTC))
    fleet.supervisor.stop()
    assert read_heartbeats(fleet.home) == []


def test_urgent_jobs_are_taken_first_on_all_ten_levels(make_fleet: Callable[..., Any], property_site: str) -> None:
    """Priority 0 is the most urgent and 9 the least, and all ten levels differ."""
    fleet = make_fleet(FETCH_CONCURRENCY_PER_HOST="64")
    order = [9, 4, 5, 0, 8, 1, 7, 3, 6, 2]
    jobs = [fleet.stores.jobs.enqueue([f"{property_site}/homes/{n + 50}"], priority=n).jobs[0] for n in order]
    send_jobs(fleet.app, fleet.stores.jobs, jobs)
    with connect(fleet.settings) as redis:
        assert len([name for name in redis.keys("scrape*") if redis.type(name) == b"list"]) == 10
    fleet.start_worker(pool="solo", concurrency=1)
    done = fleet.wait_for_state([job.id for job in jobs], "done")
    assert [job.priority for job in sorted(done, key=lambda job: job.started_at)] == sorted(order)
