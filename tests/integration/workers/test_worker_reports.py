"""Beat's tasks run on schedule, jobs are taken by priority and lane, and Flower's events contain no secret."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from app.property.storage.keys.history import KeyHistoryStore
from app.redis.embedded_valkey import connect
from app.services.reports.key_report.report import newest_report
from tasks._celery.config import INTERVAL_HEADER, LANES
from tasks._celery.publish import send_jobs
from tests.plugins.redis_fixtures import kill_valkey

pytestmark = pytest.mark.worker
TARGET = "/listings/oak-hollow-lane"


def test_the_key_report_runs_on_schedule_and_is_logged_exported_and_returned(
    make_fleet: Any, openai_simulator: Any, property_site: str
) -> None:
    """The report sums the counts of all processes, and the task returns the same figures as the exported file."""
    simulator = openai_simulator()
    fleet = make_fleet(
        OPENAI_API_KEYS=",".join(simulator.keys),
        OPENAI_BASE_URL=simulator.base_url,
        KEY_REPORT_INTERVAL_SECONDS="1",
        OPENAI_STATS_FILE="stats.json",
    )
    fleet.start_worker()
    fleet.start_beat()
    fleet.wait_for_line("2 of 2 healthy, 0 requests", seconds=40)
    fleet.wait_for_state(fleet.send(property_site + TARGET), "done")
    fleet.wait_for_line("2 of 2 healthy, 1 request", seconds=40)
    # the file and the database are written after the log line
    fleet.until(lambda: '"successes": 1' in (fleet.home / "stats.json").read_text(), 10)
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
    assert newest["summary"].startswith("OpenAI keys: 2 of 2 healthy, 1 request")
    hours = KeyHistoryStore(fleet.stores.database).by_hour(datetime.now(UTC) - timedelta(days=1))
    assert sum(uses.successes for _, uses in hours) == 1, "repeated reports counted a call twice"
    assert all(key not in fleet.log("worker") + fleet.log("beat") for key in simulator.keys)


def test_accumulated_messages_of_beat_run_once_and_other_requests_always_run(make_fleet: Any) -> None:
    """After a pause, all accumulated messages of beat cause one report. Other requests for reports always run."""
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


def test_of_two_beats_one_sends_the_schedule_and_the_other_takes_over(make_fleet: Any) -> None:
    """The second beat waits for the first one's lock, and takes over within 15 s after the first one is killed."""
    fleet = make_fleet(KEY_REPORT_INTERVAL_SECONDS="1")
    first = fleet.start_beat()
    fleet.wait_for_line("Sending due task report-key-stats", "beat")
    argv = ["celery", "-A", "worker", "beat", "--pidfile=", "--loglevel=DEBUG"]
    second = fleet.services.start(fleet.supervisor, "beat2", argv)
    fleet.wait_for_line("beat: Starting", "beat2")
    sent = fleet.log("beat").count("Sending due task")
    fleet.wait_for_line("Sending due task", "beat", times=sent + 3)
    assert "Sending due task" not in fleet.log("beat2")
    first.process.kill()
    first.process.wait(120)
    fleet.wait_for_line("Sending due task", "beat2", 15)
    assert second.process.poll() is None


def test_beat_survives_a_crash_of_its_broker_and_ends_while_the_broker_is_away(make_fleet: Any) -> None:
    """The same beat process continues within seconds of the broker's return."""
    fleet = make_fleet(KEY_REPORT_INTERVAL_SECONDS="1")
    beat = fleet.start_beat()
    fleet.wait_for_line("Sending due task", "beat")
    kill_valkey(fleet.valkey)
    fleet.wait_for_line("Beat cannot use Redis", "beat")
    fleet.valkey.start()
    fleet.wait_for_line("Sending due task", "beat", times=fleet.log("beat").count("Sending due task") + 2)
    assert beat.process.poll() is None
    kill_valkey(fleet.valkey)
    fleet.wait_for_line("Beat cannot use Redis", "beat", times=fleet.log("beat").count("Beat cannot use Redis") + 1)
    beat.process.terminate()
    assert beat.process.wait(120) == 0, fleet.log("beat")
    assert "beat raised exception" not in fleet.log("beat")


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_worker_survives_a_redis_that_becomes_a_replica_for_a_while(make_fleet: Any, pool: str) -> None:
    fleet = make_fleet()
    worker = fleet.start_worker(pool=pool, concurrency=1)
    with redis.Redis.from_url(fleet.valkey.url) as server:
        server.replicaof("127.0.0.1", 1)
        fleet.wait_for_line("Connection to broker lost", seconds=60)
        server.replicaof("NO", "ONE")
    assert "total_keys" in fleet.app.send_task("tasks.health.report_key_stats").get(timeout=300)
    assert worker.process.poll() is None


def test_a_worker_of_the_scrape_queue_serves_all_queues_but_maintenance(make_fleet: Any) -> None:
    """Large batches also use other lanes than `scrape`."""
    fleet = make_fleet()
    fleet.start_celery_worker("-Q", "scrape", "--pool=solo")
    (queues,) = fleet.app.control.inspect(timeout=300, limit=1).active_queues().values()
    assert {queue["name"] for queue in queues} == {*LANES, "callbacks", "model-batches"}


def test_urgent_jobs_and_small_batches_do_not_wait_behind_a_huge_batch(make_fleet: Any, property_site: str) -> None:
    """Priority 0 is the most urgent and 9 the least. Lanes of the same priority are served in turn."""
    fleet = make_fleet(FETCH_CONCURRENCY_PER_HOST="64")
    order = [9, 4, 5, 0, 8, 1, 7, 3, 6, 2]
    urgent = [fleet.stores.jobs.enqueue([f"{property_site}/homes/{n + 2001}"], priority=n).jobs[0] for n in order]
    huge = fleet.stores.jobs.enqueue([f"{property_site}/homes/{n}" for n in range(1, 241)]).jobs[200:]
    small = fleet.stores.jobs.enqueue([f"{property_site}/homes/{n}" for n in range(1001, 1011)]).jobs
    send_jobs(fleet.app, fleet.stores.jobs, [*urgent, *huge, *small])
    with connect(fleet.settings) as redis:
        assert len([name for name in redis.keys("scrape*") if redis.type(name) == b"list"]) == 11
    fleet.start_worker(pool="solo", concurrency=1)
    done = fleet.wait_for_state([job.id for job in urgent], "done", seconds=120)
    assert [job.priority for job in sorted(done, key=lambda job: job.started_at)] == sorted(order)
    ended = max(fleet.job(job.id).finished_at for job in small)
    finished = [fleet.job(job.id).finished_at for job in huge]
    assert 5 <= sum(at is not None and at <= ended for at in finished) <= 25
