"""Every process that runs tasks opens its own key manager at its start signal, on every pool."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psutil
import pytest

from simulators.site.pages import bundled_pages

pytestmark = pytest.mark.worker
LISTINGS = [page.path for page in list(bundled_pages().values())[:4]]


@pytest.mark.parametrize("pool", ["prefork", "threads", "solo"])
def test_every_process_that_runs_tasks_opens_a_key_manager(
    pool: str, make_fleet: Callable[..., Any], openai_simulator: Callable[..., Any], property_site: str
) -> None:
    """With prefork, each child has a manager and the parent has none. Otherwise the only process has one."""
    simulator = openai_simulator()
    fleet = make_fleet(OPENAI_API_KEYS=",".join(simulator.keys), OPENAI_BASE_URL=simulator.base_url)
    worker = fleet.start_worker(pool=pool)
    jobs = fleet.wait_for_state(fleet.send(*(property_site + path for path in LISTINGS)), "done", "failed")
    assert [job.state for job in jobs] == ["done"] * len(LISTINGS), fleet.log("worker")
    assert simulator.stats()["totals"]["ok"] > 0
    parent, users = worker.process.pid, fleet.key_pool_processes()
    if pool == "prefork":
        assert users
        assert parent not in users
    else:
        assert users == {parent}
    fleet.supervisor.stop()
    assert fleet.key_pool_processes() == set(), "an ended process is still registered"
    assert "Traceback" not in fleet.log("worker")


def test_jobs_without_a_key_end_and_name_the_fields_that_need_the_model(
    make_fleet: Callable[..., Any], property_site: str
) -> None:
    """The deterministic fields are stored. The job names the other fields and the reason."""
    fleet = make_fleet()
    fleet.start_worker(pool="threads")
    (job,) = fleet.wait_for_state(fleet.send(property_site + LISTINGS[0]), "done", "failed")
    assert job.state == "done"
    assert "Roof" in job.wanted_model
    assert "OPENAI_API_KEYS" in (job.model_note or "")


def test_a_worker_with_a_bad_setting_exits_with_the_reason(make_fleet: Callable[..., Any]) -> None:
    """The worker exits with code 2 and one sentence on stderr, without a traceback or the setting's value."""
    fleet = make_fleet()
    command = ["celery", "-A", "worker", "worker", "--concurrency=1"]
    env = {**fleet.env, "OPENAI_API_KEYS": "sk-ok-0123456789abcdef0123,two words"}
    ended = fleet.warm_parent.run(command, env=env, cwd=fleet.home)
    assert ended.returncode == 2, ended.stderr
    assert "OPENAI_API_KEYS" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "two words" not in ended.stderr


def test_a_child_that_cannot_open_its_database_exits_with_the_reason(
    make_fleet: Callable[..., Any], until: Callable[..., None]
) -> None:
    """Celery ignores exceptions of signal handlers; without the exit, a child without a database would take jobs."""
    fleet = make_fleet()
    database = fleet.home / "other.sqlite3"
    fleet.env["DATABASE_URL"] = f"sqlite:///{database}"
    fleet.services = type(fleet.services)(fleet.home, fleet.env, cwd=fleet.home, logs=fleet.home)
    worker = fleet.start_worker(concurrency=1)
    (child,) = psutil.Process(worker.process.pid).children()
    child.suspend()  # a suspended child cannot hide the loss of the file behind its own write-ahead log
    until(lambda: child.status() == psutil.STATUS_STOPPED, 5)
    for file in fleet.home.glob("other.sqlite3*"):
        file.unlink()
    database.write_text("no database any more " * 100)
    child.kill()
    until(lambda: "A worker process could not start" in fleet.log("worker"), 30, lambda: fleet.log("worker"))
    assert "other.sqlite3" in fleet.log("worker")
