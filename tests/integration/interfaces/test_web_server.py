"""The web server with a real broker: tokens, jobs, batches, and readiness."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import redis
from prometheus_client.parser import text_string_to_metric_families

from app.redis.embedded_valkey import EmbeddedValkey
from app.services.runtime.stores import Stores
from tests.plugins.hanging_server import HangingServer
from tests.plugins.waiting import wait_until
from tests.plugins.warm_start import WarmParent

from .conftest import WEB, Environment, Serving, Token

KEYS = "sk-proj-aaaaaaaaaaaaaaaaaaaa1111,sk-proj-bbbbbbbbbbbbbbbbbbbb2222"


@pytest.fixture
def environment(environment: Environment) -> Environment:
    return {**environment, "OPENAI_API_KEYS": KEYS}


@pytest.fixture
def headers(token: Token) -> dict[str, str]:
    return {"Authorization": f"Bearer {token('operator')}"}


@pytest.fixture
def client(web: str, headers: dict[str, str]) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=web, headers=headers, timeout=300) as opened:
        yield opened


def test_a_hanging_broker_gives_503_in_time(
    environment: Environment, serving: Serving, headers: dict[str, str], stores: Stores, hanging_server: HangingServer
) -> None:
    job = stores.jobs.enqueue(["http://homes.example/0"]).new[0]
    stores.jobs.cancel(job)
    changed = {**environment, "REDIS_URL": hanging_server.url}
    with (
        serving(*WEB, environment=changed) as web,
        httpx2.Client(base_url=web.url, headers=headers, timeout=300) as client,
    ):
        enqueued = client.post("/api/v1/jobs", json={"targets": ["http://homes.example/1"]})
        retried = client.post(f"/api/v1/jobs/{job}/retry")
        listed = client.get("/api/v1/jobs").json()["data"]["jobs"]
    for answer in (enqueued, retried):
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "redis_unreachable")
        assert "REDIS_URL" in answer.json()["error"]["message"]
        assert answer.headers["retry-after"] == "5"
    assert [(found["id"], found["state"]) for found in listed] == [(job, "cancelled")]


def test_posted_jobs_reach_database_and_broker(client: httpx2.Client, broker: EmbeddedValkey) -> None:
    targets = ["http://homes.example/1", "HTTP://Homes.Example:80/1#top", "http://homes.example/2"]
    first = client.post("/api/v1/jobs", json={"targets": targets, "priority": 0})
    assert first.status_code == 202
    data = first.json()["data"]
    assert (len(data["jobs"]), data["duplicates"]) == (2, 1)
    again = client.post("/api/v1/jobs", json={"targets": targets[2:]}).json()["data"]
    assert (again["jobs"], again["duplicates"]) == ([data["jobs"][1]], 1)

    with redis.Redis.from_url(broker.url) as connection:
        queued = sum(connection.llen(key) for key in connection.keys("*scrape*") if connection.type(key) == b"list")
    assert queued == 2
    job = client.get(f"/api/v1/jobs/{data['jobs'][0]}").json()["data"]
    assert (job["target"], job["state"], job["priority"]) == ("http://homes.example/1", "queued", 0)
    bad = client.post("/api/v1/jobs", json={"targets": ["http://homes.example/3", "ftp://homes.example/2"]})
    assert (bad.status_code, bad.json()["error"]["code"]) == (422, "invalid_target")
    assert "ftp://homes.example/2" in bad.json()["error"]["message"]
    counts = client.get("/api/v1/jobs").json()["data"]["counts"]
    assert sum(counts.values()) == 2, "a list with a bad target was enqueued in part"


def test_a_batch_is_shown_canceled_and_retried_over_http(client: httpx2.Client, broker: EmbeddedValkey) -> None:
    body = {"targets": ["http://homes.example/1", "http://homes.example/2"], "callback_url": "HTTPS://Hooks.Example/in"}
    posted = client.post("/api/v1/jobs", json=body).json()["data"]
    batch, (job, other) = f"/api/v1/batches/{posted['batch']}", (f"/api/v1/jobs/{one}" for one in posted["jobs"])
    shown = client.get(batch).json()["data"]
    assert (shown["counts"]["queued"], shown["callback"]["url"]) == (2, "https://hooks.example")
    early = client.post(f"{job}/retry")
    assert (early.status_code, early.json()["error"]["code"]) == (409, "job_not_retryable")

    assert client.delete(batch).json()["data"]["counts"]["cancelled"] == 2
    again = client.post(f"{job}/retry")
    assert (again.status_code, again.json()["data"]["state"]) == (202, "queued")
    assert client.post("/api/v1/jobs", json={"targets": body["targets"][1:]}).status_code == 202
    elsewhere = client.post(f"{other}/retry")
    assert (elsewhere.status_code, elsewhere.json()["error"]["code"]) == (409, "target_under_way")


def _sources_up(web: str) -> dict[str, float]:
    answer = httpx2.get(f"{web}/metrics", timeout=60)
    assert answer.status_code == 200
    found = {family.name: family.samples for family in text_string_to_metric_families(answer.text)}
    return {sample.labels["source"]: sample.value for sample in found["propintel_scrape_source_up"]}


def test_probes_and_metrics_wait_for_a_hanging_broker_only_for_seconds(web: str, broker: EmbeddedValkey) -> None:
    """A stopped broker accepts connections but never answers.

    Health checks must still answer, because load balancers wait only for seconds.
    """
    assert httpx2.get(f"{web}/readyz", timeout=120).json()["data"]["checks"] == {"database": "ok", "broker": "ok"}
    assert _sources_up(web) == {"redis": 1, "database": 1, "broker": 1}
    assert broker.pid is not None
    os.kill(broker.pid, signal.SIGSTOP)
    try:
        answer = httpx2.get(f"{web}/readyz", timeout=60)
        assert (answer.status_code, "database: ok" in answer.json()["error"]["message"]) == (503, True)
        assert httpx2.get(f"{web}/healthz", timeout=60).status_code == 200
        # the previous result is cached for a second
        wait_until(lambda: _sources_up(web) == {"redis": 0, "database": 1, "broker": 0}, 30)
    finally:
        os.kill(broker.pid, signal.SIGCONT)
    assert httpx2.get(f"{web}/readyz", timeout=120).status_code == 200
    while not all(_sources_up(web).values()):
        pass
    broker.stop()
    assert httpx2.get(f"{web}/readyz", timeout=120).status_code == 503
    broker.start()
    assert httpx2.get(f"{web}/readyz", timeout=120).status_code == 200


def test_a_bad_setting_ends_the_start_with_a_message(
    environment: Environment, home: Path, warm_parent: WarmParent
) -> None:
    ran = warm_parent.run(WEB, env={**environment, "JWT_SECRET": "too short"}, cwd=home)
    assert ran.returncode != 0
    assert "JWT_SECRET" in ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr
    assert "too short" not in ran.stderr
