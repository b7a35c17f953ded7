"""`enqueue`, `jobs`, and `keys` work with a real broker, a prefork worker, and pages on loopback."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from app.redis.embedded_valkey import EmbeddedValkey
from app.services.runtime.stores import Stores

from .conftest import Propintel

GOOD, BAD = "sk-proj-aaaaaaaaaaaaaaaaaaaa1111", "sk-proj-bbbbbbbbbbbbbbbbbbbb2222"


def test_enqueue_without_a_broker_gives_exit_code_2_and_leaves_no_job(called: Propintel, stores: Stores) -> None:
    for extra in ([], ["--wait"]):
        ran = called("enqueue", "http://homes.example/1", *extra)
        assert (ran.returncode, ran.stdout) == (2, "")
        assert "propintel up" in ran.stderr
        assert "REDIS_URL" in ran.stderr
        assert len(ran.stderr.splitlines()) == 1
    assert sum(stores.jobs.counts().values()) == 0
    down = called("enqueue", "http://homes.example/1", REDIS_URL="redis://user:hunter2@127.0.0.1:1/0")
    assert down.returncode == 2
    assert "hunter2" not in down.stderr


def test_enqueue_reports_targets_in_progress_as_duplicates(called: Propintel, broker: EmbeddedValkey) -> None:
    ran = called("enqueue", "http://homes.example/1", "http://homes.example/2", "--priority", "0")
    assert ran.returncode == 0, ran.stderr
    first = json.loads(ran.stdout)
    assert set(first) == {"batch", "jobs", "duplicates"}
    assert (len(first["jobs"]), first["duplicates"]) == (2, 0)
    lines = '# mine\n"http://homes.example/2"\n{"url": "http://homes.example/3"}\n'
    second = json.loads(called("enqueue", "--file", "-", stdin=lines).stdout)
    assert json.loads(called("batches", "show", second["batch"]).stdout)["duplicates"] == 1
    assert (second["jobs"][0], second["duplicates"]) == (first["jobs"][1], 1)
    with redis.Redis.from_url(broker.url) as connection:
        lists = [key for key in connection.keys("*") if connection.type(key) == b"list"]
        assert sum(connection.llen(key) for key in lists) == 3


def test_jobs_are_shown_canceled_and_retried(called: Propintel, broker: EmbeddedValkey) -> None:
    enqueued = json.loads(called("enqueue", "http://homes.example/1", "http://homes.example/2").stdout)
    listed = json.loads(called("jobs", "list", "--batch", enqueued["batch"]).stdout)
    assert listed["counts"]["queued"] == 2
    for job in listed["jobs"]:
        assert {"id", "batch", "target", "state", "error", "property"} <= set(job)

    canceled_job = enqueued["jobs"][0]
    assert json.loads(called("jobs", "cancel", canceled_job).stdout) == {"cancelled": 1}
    assert json.loads(called("jobs", "show", canceled_job[:6]).stdout)["state"] == "cancelled"
    assert json.loads(called("batches", "cancel", enqueued["batch"][:6]).stdout) == {"cancelled": 1}
    assert json.loads(called("batches", "retry", enqueued["batch"], "--failed").stdout) == {"retried": 0}
    assert json.loads(called("batches", "retry", enqueued["batch"]).stdout) == {"retried": 2}
    called("jobs", "cancel", *enqueued["jobs"])
    assert json.loads(called("jobs", "retry", canceled_job[:6]).stdout) == {"retried": 1}
    assert json.loads(called("jobs", "retry", *enqueued["jobs"]).stdout) == {"retried": 1}
    wrong = called("jobs", "list", "--state", "canceled")
    assert (wrong.returncode, "Did you mean cancelled?" in wrong.stderr) == (2, True)
    for choice in (["--state", "QUEUED"], ["--state", "queued"], []):
        listed = json.loads(called("jobs", "list", *choice).stdout)
        assert [job["id"] for job in listed["jobs"]] == enqueued["jobs"]
    assert json.loads(called("jobs", "list", "--failed").stdout)["jobs"] == []
    table = called("jobs", "list", "--format", "table").stdout
    assert "2 queued" in table
    assert "http://homes.example/2" in table


def test_a_batch_is_shown_with_its_progress_and_canceled_together(called: Propintel, broker: EmbeddedValkey) -> None:
    urls = [f"http://homes.example/{n}" for n in range(4)]
    hook = "https://hooks.example/in/secret?token=secret"
    enqueued = json.loads(called("enqueue", *urls, "--callback-url", hook).stdout)
    batch = enqueued["batch"]
    called("jobs", "cancel", enqueued["jobs"][0])
    shown = json.loads(called("batches", "show", batch).stdout)
    assert json.loads(called("batches", "list").stdout) == [shown]
    assert (shown["id"], shown["targets"], shown["completed_at"]) == (batch, 4, None)
    assert (shown["counts"]["queued"], shown["counts"]["cancelled"]) == (3, 1)
    callback = shown["callback"]
    assert callback == {"url": "https://hooks.example", "state": "waiting", "attempts": 0, "error": None}
    for words in (["show", batch], ["list"]):
        table = called("batches", *words, "--format", "table").stdout
        assert "1 of 4" in table
        assert "waiting after 0 attempts, to https://hooks.example" in table
        assert "secret" not in table

    assert "3 jobs canceled" in called("batches", "cancel", batch, "--format", "table").stdout
    assert json.loads(called("batches", "show", batch).stdout)["counts"]["cancelled"] == 4
    assert "Nothing to cancel" in called("batches", "cancel", batch).stderr


@pytest.mark.worker
def test_a_worker_scrapes_the_targets_of_a_file(propintel: Propintel, home: Path, site: str, worker: None) -> None:
    good = [f"{site}/homes/{n}" for n in range(1, 5)]
    (home / "good.csv").write_text("id,url\n" + "".join(f"{n},{url}\n" for n, url in enumerate(good)))
    ran = propintel("enqueue", "--file", "good.csv", "--wait")
    assert ran.returncode == 0, ran.stderr
    ended = json.loads(ran.stdout)
    assert ended["counts"] == {"queued": 0, "running": 0, "deferred": 0, "done": 4, "failed": 0, "cancelled": 0}
    jobs = json.loads(propintel("jobs", "list", "--batch", ended["batch"]).stdout)["jobs"]
    assert [job["target"] for job in jobs] == good
    assert json.loads(propintel("properties", "show", jobs[0]["property"]).stdout)["sources"][0]["url"] == good[0]

    mixed = propintel("enqueue", good[0], f"{site}/odd/gone", f"{site}/homes/9", "--wait")
    assert mixed.returncode == 1
    outcome = json.loads(mixed.stdout)
    assert (outcome["duplicates"], outcome["counts"]["done"], outcome["counts"]["failed"]) == (1, 2, 1)
    assert "failed" in mixed.stderr
    assert f"{site}/odd/gone" in mixed.stderr
    failed = json.loads(propintel("jobs", "list", "--failed").stdout)["jobs"]
    assert [job["target"] for job in failed] == [f"{site}/odd/gone"]
    assert failed[0]["error"]["code"] in {"page_gone", "http_status"}


def test_keys_are_shown_by_their_masks_and_checked(
    called: Propintel, start_openai: Callable[[dict[str, Any]], str]
) -> None:
    base_url = start_openai({"keys": [{"key": GOOD}, {"key": BAD, "behavior": "dead"}]})
    both = {"OPENAI_API_KEYS": f"{GOOD},{BAD}", "OPENAI_BASE_URL": base_url}
    stats = json.loads(called("keys", "list", **both).stdout)
    assert (stats["total_keys"], stats["rotation_strategy"]) == (2, "round_robin")
    assert list(stats["keys"]) == ["sk-proj-aaa...1111", "sk-proj-bbb...2222"]

    ran = called("keys", "check", **both)
    assert ran.returncode == 1
    found = json.loads(ran.stdout)["keys"]
    assert found["sk-proj-aaa...1111"]["status"] == "valid"
    assert (found["sk-proj-bbb...2222"]["status"], found["sk-proj-bbb...2222"]["http_status"]) == ("invalid", 401)
    assert (len(ran.stderr.splitlines()), "1 of 2 keys are bad: replace" in ran.stderr) == (1, True)
    good = called("keys", "check", **{**both, "OPENAI_API_KEYS": GOOD})
    assert (good.returncode, good.stderr) == (0, "")
    for shown in (ran, good):
        assert GOOD not in shown.stdout + shown.stderr
        assert BAD not in shown.stdout + shown.stderr
