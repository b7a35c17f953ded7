"""With a real broker, the HTTP server checks tokens, takes jobs, shows batches, and reports its readiness."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import redis

from app.redis.embedded_valkey import EmbeddedValkey
from app.services.runtime.stores import open_stores
from app.settings import Settings
from tests.plugins.hanging_server import HangingServer
from tests.plugins.warm_start import WarmParent

from .conftest import WEB, Environment, Propintel, Server, Serving

STATS = "/api/v1/admin/openai/stats"
KEYS = "sk-proj-aaaaaaaaaaaaaaaaaaaa1111,sk-proj-bbbbbbbbbbbbbbbbbbbb2222"


@pytest.fixture
def environment(environment: Environment) -> Environment:
    return {**environment, "OPENAI_API_KEYS": KEYS}


def _token(called: Propintel, role: str) -> dict[str, str]:
    ran = called("token", "--role", role, "--subject", "tester")
    assert ran.returncode == 0, ran.stderr
    return {"Authorization": f"Bearer {ran.stdout.strip()}"}


def test_the_statistics_check_token_and_role(web_process: Server, called: Propintel) -> None:
    """The server accepts tokens of `propintel token`: secret, issuer, and audience agree."""
    assert httpx2.get(web_process.url + STATS, timeout=120).status_code == 401
    assert (
        httpx2.get(web_process.url + STATS, headers={"Authorization": "Bearer nonsense"}, timeout=120).status_code
        == 401
    )
    assert httpx2.get(web_process.url + STATS, headers=_token(called, "operator"), timeout=120).status_code == 403
    answer = httpx2.get(web_process.url + STATS, headers=_token(called, "exec"), timeout=120)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body["success"] is True
    assert {"total_keys", "healthy_keys", "rotation_strategy", "keys"} <= set(body["data"])
    assert list(body["data"]["keys"]) == ["sk-proj-aaa...1111", "sk-proj-bbb...2222"]
    assert "aaaaaaaa" not in answer.text


def test_a_hanging_broker_gives_503_in_time(
    environment: Environment, home: Path, serving: Serving, called: Propintel, hanging_server: HangingServer
) -> None:
    """Enqueueing and retrying change no stored job, and their error names the setting to check."""
    with open_stores(Settings.of(propintel_home=home / "state")) as stores:
        job = stores.jobs.enqueue(["http://homes.example/0"]).new[0]
        stores.jobs.cancel(job)
    changed = {**environment, "REDIS_URL": hanging_server.url}
    with (
        serving(*WEB, environment=changed) as web,
        httpx2.Client(base_url=web.url, headers=_token(called, "operator"), timeout=300) as client,
    ):
        enqueued = client.post("/api/v1/jobs", json={"targets": ["http://homes.example/1"]})
        retried = client.post(f"/api/v1/jobs/{job}/retry")
        listed = client.get("/api/v1/jobs").json()["data"]["jobs"]
    for answer in (enqueued, retried):
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "redis_unreachable")
        assert "REDIS_URL" in answer.json()["error"]["message"]
        assert answer.headers["retry-after"] == "5"
    assert [(found["id"], found["state"]) for found in listed] == [(job, "cancelled")]


def test_posted_jobs_reach_database_and_broker(web: str, called: Propintel, broker: EmbeddedValkey) -> None:
    headers = _token(called, "operator")
    targets = ["http://homes.example/1", "HTTP://Homes.Example:80/1#top", "http://homes.example/2"]

    def post(**body: Any) -> httpx2.Response:
        return httpx2.post(f"{web}/api/v1/jobs", json=body, headers=headers, timeout=300)

    first = post(targets=targets, priority=0)
    assert first.status_code == 202
    data = first.json()["data"]
    assert (len(data["jobs"]), data["duplicates"]) == (2, 1)
    again = post(targets=targets[2:]).json()["data"]
    assert (again["jobs"], again["duplicates"]) == ([data["jobs"][1]], 1)

    with redis.Redis.from_url(broker.url) as connection:
        queued = sum(connection.llen(key) for key in connection.keys("*scrape*") if connection.type(key) == b"list")
    assert queued == 2
    job = httpx2.get(f"{web}/api/v1/jobs/{data['jobs'][0]}", headers=headers, timeout=120).json()["data"]
    assert (job["target"], job["state"], job["priority"]) == ("http://homes.example/1", "queued", 0)
    assert (
        httpx2.delete(f"{web}/api/v1/jobs/{job['id']}", headers=headers, timeout=120).json()["data"]["state"]
        == "cancelled"
    )


def test_a_batch_is_shown_canceled_and_retried_over_http(web: str, called: Propintel, broker: EmbeddedValkey) -> None:
    headers = _token(called, "operator")
    body = {"targets": ["http://homes.example/1", "http://homes.example/2"], "callback_url": "HTTPS://Hooks.Example/in"}
    posted = httpx2.post(f"{web}/api/v1/jobs", json=body, headers=headers, timeout=300).json()["data"]
    batch, job = f"{web}/api/v1/batches/{posted['batch']}", f"{web}/api/v1/jobs/{posted['jobs'][0]}"
    shown = httpx2.get(batch, headers=headers, timeout=120).json()["data"]
    assert (shown["counts"]["queued"], shown["callback"]["url"]) == (2, "https://hooks.example")
    early = httpx2.post(f"{job}/retry", headers=headers, timeout=300)
    assert (early.status_code, early.json()["error"]["code"]) == (409, "job_not_retryable")

    assert httpx2.delete(batch, headers=headers, timeout=300).json()["data"]["counts"]["cancelled"] == 2
    again = httpx2.post(f"{job}/retry", headers=headers, timeout=300)
    assert (again.status_code, again.json()["data"]["state"]) == (202, "queued")
    second = httpx2.post(f"{web}/api/v1/jobs", json={"targets": body["targets"][1:]}, headers=headers, timeout=300)
    assert second.status_code == 202
    elsewhere = httpx2.post(f"{web}/api/v1/jobs/{posted['jobs'][1]}/retry", headers=headers, timeout=300)
    assert (elsewhere.status_code, elsewhere.json()["error"]["code"]) == (409, "target_under_way")


def test_posted_addresses_in_several_spellings_become_one_job(
    web: str, called: Propintel, broker: EmbeddedValkey
) -> None:
    headers = _token(called, "operator")
    body = {"targets": ["12 main street, Anytown ST 00000", "12 MAIN ST., ANYTOWN, ST 00000-1234", "12 Main St"]}
    bad = httpx2.post(f"{web}/api/v1/jobs", json=body, headers=headers, timeout=300)
    assert (bad.status_code, bad.json()["error"]["code"]) == (422, "invalid_target")
    assert "lacks a town or ZIP code and a state" in bad.json()["error"]["message"]
    body["targets"].pop()
    posted = httpx2.post(f"{web}/api/v1/jobs", json=body, headers=headers, timeout=300)
    assert posted.status_code == 202
    data = posted.json()["data"]
    assert (len(data["jobs"]), data["duplicates"]) == (1, 1)
    listed = httpx2.get(f"{web}/api/v1/jobs?batch={data['batch']}", headers=headers, timeout=120).json()["data"]["jobs"]
    assert [job["target"] for job in listed] == ["12 MAIN ST, ANYTOWN, ST 00000"]


def test_one_bad_target_enqueues_none(web: str, called: Propintel, broker: EmbeddedValkey) -> None:
    headers = _token(called, "operator")
    body = {"targets": ["http://homes.example/1", "ftp://homes.example/2"]}
    answer = httpx2.post(f"{web}/api/v1/jobs", json=body, headers=headers, timeout=300)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "invalid_target"
    assert "ftp://homes.example/2" in answer.json()["error"]["message"]
    counts = httpx2.get(f"{web}/api/v1/jobs", headers=headers, timeout=120).json()["data"]["counts"]
    assert sum(counts.values()) == 0


def test_readiness_follows_the_broker(web: str, broker: EmbeddedValkey) -> None:
    assert httpx2.get(f"{web}/readyz", timeout=120).json()["data"]["checks"] == {"database": "ok", "broker": "ok"}
    broker.stop()
    assert httpx2.get(f"{web}/readyz", timeout=120).status_code == 503
    assert httpx2.get(f"{web}/healthz", timeout=120).status_code == 200
    broker.start()
    assert httpx2.get(f"{web}/readyz", timeout=120).status_code == 200


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    """Stop a process during the block, so that it neither answers nor refuses connections."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_readiness_does_not_wait_for_a_hanging_broker(web: str, broker: EmbeddedValkey) -> None:
    """A stopped broker accepts connections and never answers. A load balancer's probe gets 503 within eight seconds."""
    assert httpx2.get(f"{web}/readyz", timeout=120).status_code == 200
    assert broker.pid is not None
    with _stopped(broker.pid):
        answer = httpx2.get(f"{web}/readyz", timeout=8)
        assert answer.status_code == 503
        assert "database: ok" in answer.json()["error"]["message"]
        assert httpx2.get(f"{web}/healthz", timeout=8).status_code == 200
    assert httpx2.get(f"{web}/readyz", timeout=120).status_code == 200


@pytest.mark.parametrize(
    ("variable", "value"), [("PORT", "eighty"), ("JWT_SECRET", "too short"), ("FETCH_CONCURRENCY_PER_HOST", "0")]
)
def test_a_bad_setting_ends_the_start_with_a_message(
    environment: Environment, home: Path, warm_parent: WarmParent, variable: str, value: str
) -> None:
    ran = warm_parent.run(WEB, env={**environment, variable: value}, cwd=home)
    assert ran.returncode != 0
    assert variable in ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr
    assert "too short" not in ran.stderr
