"""In every Celery pool, processes open their own key manager when they start, or exit with the reason."""

import json
from typing import Any

import psutil
import pytest

from app.keypool.keys import mask
from simulators.site.pages import bundled_pages

pytestmark = pytest.mark.worker
LISTINGS = [page.path for page in list(bundled_pages().values())[:4]]


@pytest.mark.parametrize("pool", ["prefork", "threads", "solo"])
def test_every_process_that_runs_tasks_opens_a_key_manager_and_names_jobs_and_keys_in_its_log(
    pool: str, make_fleet: Any, openai_simulator: Any, property_site: str
) -> None:
    """With prefork, only the children have a key manager. With other pools, the single process has one."""
    simulator = openai_simulator()
    fleet = make_fleet(OPENAI_API_KEYS=",".join(simulator.keys), OPENAI_BASE_URL=simulator.base_url)
    worker = fleet.start_worker(pool=pool)
    ids = fleet.send(*(property_site + path for path in LISTINGS))
    jobs = fleet.wait_for_state(ids, "done", "failed")
    assert [job.state for job in jobs] == ["done"] * len(LISTINGS), fleet.describe(ids)
    assert simulator.stats()["totals"]["ok"] > 0
    parent, users = worker.process.pid, fleet.key_pool_processes()
    if pool == "prefork":
        assert users
        assert parent not in users
    else:
        assert users == {parent}
    fleet.wait_for_line("succeeded in", times=len(ids))  # Celery logs this after the jobs table is updated
    fleet.supervisor.stop()
    assert fleet.key_pool_processes() == set(), "an ended process is still registered"
    assert "Traceback" not in fleet.log("worker")

    lines = [json.loads(line) for line in fleet.log("worker").splitlines() if line.startswith("{")]
    used = [line for line in lines if line["event"].startswith("Using OpenAI key: ")]
    assert used
    for line in used:
        assert line["batch"] == jobs[0].batch_id
        assert line["key"] in {mask(key) for key in simulator.keys}
        assert line["job"] in ids
        assert (line["task"], line["task_id"]) == ("tasks.scrape.scrape_property", line["job"])
    assert {line["task_id"] for line in lines if "succeeded in" in line["event"]} == set(ids)
    assert not [line for line in lines if "job" not in line and line.get("key")], "a line outside a job names a key"
    assert "ready" in "".join(line["event"] for line in lines if "job" not in line)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OPENAI_API_KEYS", "sk-ok-0123456789abcdef0123,hunter2 words"),
        ("ALERT_WEBHOOK_URL", "http://h.example:22/hunter2"),
    ],
)
def test_a_worker_with_a_bad_setting_exits_with_the_reason(make_fleet: Any, variable: str, value: str) -> None:
    fleet = make_fleet()
    command = ["celery", "-A", "worker", "worker", "--concurrency=1"]
    ended = fleet.warm_parent.run(command, env={**fleet.env, variable: value}, cwd=fleet.home)
    assert ended.returncode == 2, ended.stderr
    assert variable in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "hunter2" not in ended.stderr


def test_a_child_that_cannot_open_its_database_exits_with_the_reason(make_fleet: Any) -> None:
    """Celery ignores exceptions in signal handlers. A child without a database must exit, or it would take jobs."""
    fleet = make_fleet()
    database = fleet.home / "other.sqlite3"
    fleet.env["DATABASE_URL"] = f"sqlite:///{database}"
    fleet.services = type(fleet.services)(fleet.home, fleet.env, cwd=fleet.home, logs=fleet.home)
    worker = fleet.start_worker(concurrency=1)
    (child,) = psutil.Process(worker.process.pid).children()
    child.suspend()  # a running child could replace the deleted database file from its own write-ahead log
    fleet.until(lambda: child.status() == psutil.STATUS_STOPPED, 5)
    for file in fleet.home.glob("other.sqlite3*"):
        file.unlink()
    database.write_text("no database any more " * 100)
    child.kill()
    fleet.until(lambda: "A worker process could not start" in fleet.log("worker"), 30)
    assert "other.sqlite3" in fleet.log("worker")
