"""Logs of workers, beat, and Flower have one format and contain no secret."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from app.redis.embedded_valkey import connect
from tests.plugins.ports import free_port

pytestmark = pytest.mark.worker
TARGET = "/listings/oak-hollow-lane"
_SECRET = "sk-proj-" + "A1b2C3d4" * 6
_PASSWORD = "an.odd/password:without-a-pattern"

_PROBE = f"""
import os, sys, threading, warnings
from celery import shared_task
from tasks.base import JobTask, RedactedTask, ScheduledTask
from tasks._celery.context import current

SECRET = "".join({list(_SECRET)!r})
PASSWORD = "".join({list(_PASSWORD)!r})

def fail():
    held = SECRET + PASSWORD
    try:
        raise ValueError(f"refused: {{SECRET}}")
    except ValueError as exc:
        raise KeyError(f"with {{PASSWORD}}") from exc

@shared_task(name="probe.plain", base=RedactedTask)
def plain():
    fail()

@shared_task(name="probe.scheduled", base=ScheduledTask)
def scheduled():
    fail()

@shared_task(name="probe.again", bind=True, base=RedactedTask)
def again(self):
    if self.request.retries:
        return "back"
    try:
        fail()
    except KeyError as exc:
        raise self.retry(exc=exc, countdown=0, max_retries=1)

@shared_task(name="probe.job", bind=True, base=JobTask)
def job(self, job_id):
    with self.working_on(job_id):
        fail()

@shared_task(name="probe.aside", base=RedactedTask)
def aside():
    sys.stderr.write(f"written past the log: {{SECRET}}\\n")
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    warnings.warn(f"deprecated {{PASSWORD}}")
    return "done"
"""


def _watch(app: Celery, events: list[dict[str, Any]], endings: int) -> None:
    with app.connection() as connection:

        def note(event: dict[str, Any]) -> None:
            events.append(event)
            ended = [event for event in events if event["type"] in ("task-failed", "task-retried")]
            receiver.should_stop = len(ended) == endings

        receiver = app.events.Receiver(connection, handlers={"*": note})
        receiver.capture(limit=None, timeout=300, wakeup=False)


def _lines(log: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.splitlines() if line.startswith("{")]


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_no_secret_in_an_exception_reaches_results_events_or_the_log(
    pool: str, make_fleet: Any, property_site: str, tmp_path: Path
) -> None:
    """Messages, causes, variables, tracebacks of threads, warnings, and direct writes to stderr are redacted."""
    (tmp_path / "probe_tasks.py").write_text(_PROBE)
    fleet = make_fleet(PYTHONPATH=str(tmp_path), OPENAI_API_KEYS=_SECRET, JWT_SECRET=_PASSWORD)
    events: list[dict[str, Any]] = []
    watching = threading.Thread(target=_watch, args=(fleet.app, events, 4), daemon=True)
    watching.start()
    fleet.start_celery_worker(f"--pool={pool}", "--concurrency=1", "-I", "probe_tasks")
    job = fleet.stores.jobs.enqueue([property_site + TARGET]).jobs[0].id
    sent = {name: fleet.app.send_task(f"probe.{name}") for name in ("plain", "scheduled", "again", "aside")}
    sent["job"] = fleet.app.send_task("probe.job", (job,), task_id=job)
    assert sent["aside"].get(timeout=300) == "done"
    assert sent["again"].get(timeout=300) == "back"
    for name in ("plain", "scheduled"):
        error = sent[name].get(timeout=300, propagate=False)
        assert "KeyError" in str(error)
        assert "[redacted]" in str(error)
        assert "in fail" in sent[name].traceback
    fleet.wait_for_state([job], "failed", "deferred", "queued")
    watching.join(120)
    assert not watching.is_alive(), events
    with connect(fleet.settings) as redis:
        found = [redis.get(name) for name in redis.keys("*celery-task-meta*")]
    log = fleet.log("worker")
    assert len(found) >= 4
    places = {"results": repr(found), "events": repr(events), "log": log, "job": str(fleet.job(job))}
    for where, text in places.items():
        assert _SECRET not in text, where
        assert _PASSWORD not in text, where
    assert "in fail" in log
    assert "written past the log: sk-proj-A1b...C3d4" in log
    assert "Uncaught exception: thread" in log
    assert any("deprecated [redacted]" in line["event"] for line in _lines(log))


def test_beat_and_flower_log_like_the_worker(make_fleet: Any) -> None:
    """Flower leaves its log to tornado, whose format must not appear. Beat logs each sent task at level DEBUG."""
    fleet = make_fleet(KEY_REPORT_INTERVAL_SECONDS="1")
    fleet.start_beat()
    fleet.services.flower(fleet.supervisor, free_port())
    fleet.wait_for_line("Sending due task", "beat")
    fleet.wait_for_line("Flower has no password", "flower")
    ticks = [line for line in _lines(fleet.log("beat")) if line["event"].startswith("Scheduler: Sending due task")]
    assert {line["level"] for line in ticks} == {"debug"}
    assert any(line["event"].startswith("Flower has no password") for line in _lines(fleet.log("flower")))


def test_a_lost_child_process_prints_no_secret(make_fleet: Any, tmp_path: Path) -> None:
    """billiard prints the traceback of a child that ends with an exception to stderr, bypassing all log handlers."""
    (tmp_path / "probe_end.py").write_text(
        f"from celery.signals import worker_process_shutdown\nSECRET = ''.join({list(_SECRET)!r})\n"
        "import billiard.pool\n"
        "def broken(self, *_, **__):\n    raise ValueError(f'refused {SECRET}')\n"
        "billiard.pool.Worker._do_exit = broken\n"
    )
    fleet = make_fleet(PYTHONPATH=str(tmp_path))
    fleet.supervisor.stop_child(fleet.start_celery_worker("--concurrency=1", "-I", "probe_end"))
    assert "refused [redacted]" in fleet.log("worker")
    assert _SECRET not in fleet.log("worker")
