"""A caller cannot evade a quota by canceling and retrying jobs or by adding watches, because both are charged."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from app.access.page_sessions import PageSessions
from app.access.tokens import Caller, Role, issue_token
from app.clock import SystemClock
from app.errors.fetching import HttpStatusError
from app.property.storage.jobs.repository import JobStore
from app.property.storage.watches.repository import Watches
from app.redis.embedded_valkey import EmbeddedValkey
from app.services.runtime.stores import Stores, open_stores
from app.settings import Settings
from web import create_app

QUOTA = 3
URLS = [f"https://homes.example/{number}" for number in range(10)]


@pytest.fixture
def settings(broker: EmbeddedValkey, make_settings: Callable[..., Settings]) -> Settings:
    return make_settings(redis_url=broker.url, api_daily_targets_per_caller=QUOTA)


@pytest.fixture
def stores(settings: Settings) -> Iterator[Stores]:
    with open_stores(settings) as opened:
        yield opened


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    token = issue_token(settings, Role.OPERATOR, timedelta(minutes=5), clock=SystemClock(), subject="mallory")
    with TestClient(create_app(lambda: settings), headers={"Authorization": f"Bearer {token}"}) as opened:
        yield opened


def used(client: TestClient) -> int:
    count: int = client.get("/api/v1/me").json()["data"]["daily_targets"]["used"]
    return count


def enqueue(client: TestClient, *urls: str) -> list[str]:
    answer = client.post("/api/v1/jobs", json={"targets": list(urls)})
    assert answer.status_code == 202
    jobs: list[str] = answer.json()["data"]["jobs"]
    return jobs


def test_each_retry_of_a_canceled_job_is_charged(client: TestClient, stores: Stores) -> None:
    (job,) = enqueue(client, URLS[0])
    statuses = []
    for _ in range(QUOTA):
        assert client.delete(f"/api/v1/jobs/{job}").status_code == 200
        statuses.append(client.post(f"/api/v1/jobs/{job}/retry").status_code)
    assert statuses == [202] * (QUOTA - 1) + [429]
    assert used(client) == QUOTA
    assert stores.jobs.get(job).state == "cancelled"


def test_a_retry_that_queues_nothing_is_not_charged(client: TestClient) -> None:
    (job,) = enqueue(client, URLS[0])
    assert client.post(f"/api/v1/jobs/{job}/retry").status_code == 409
    assert used(client) == 1


def test_the_retry_of_a_batch_on_its_page_is_all_or_nothing(
    client: TestClient, settings: Settings, stores: Stores
) -> None:
    jobs = enqueue(client, *URLS[:2])
    for job in jobs:
        assert stores.jobs.claim(job, "w", 30) is not None
        assert stores.jobs.fail(job, HttpStatusError(URLS[0], 404), "w")
    sessions = PageSessions(settings, SystemClock())
    session_id, _ = sessions.open(Caller("property-intelligence", "mallory", Role.OPERATOR))
    session = sessions.find(session_id)
    assert session is not None
    client.cookies.set("propintel", session_id)
    batch = stores.jobs.get(jobs[0]).batch_id
    answer = client.post(f"/batches/{batch}/retry", data={"csrf": session.csrf}, follow_redirects=False)
    assert answer.status_code == 429
    assert "1 of 3 are left" in answer.text
    assert {stores.jobs.get(job).state for job in jobs} == {"failed"}
    one = client.post(f"/jobs/{jobs[0]}/retry", data={"csrf": session.csrf}, follow_redirects=False)
    assert one.status_code == 303
    assert used(client) == QUOTA


def test_watches_are_charged_when_they_are_added(client: TestClient, stores: Stores) -> None:
    def add(*urls: str) -> int:
        return client.post("/api/v1/watches", json={"targets": list(urls)}).status_code

    assert add(*URLS[: QUOTA + 1]) == 429
    assert stores.jobs.used_today(Caller("property-intelligence", "mallory", "operator").id) == 0
    assert add(*URLS[:2]) == 200
    assert add(*URLS[:2]) == 200  # existing watches are not charged again
    assert used(client) == 2
    watch = Watches(stores.database).page().items[0]
    assert client.delete(f"/api/v1/watches/{watch.id}").status_code == 200
    assert add(watch.target) == 200
    assert used(client) == QUOTA
    assert client.delete(f"/api/v1/watches/{Watches(stores.database).page().items[0].id}").status_code == 200
    assert add(*URLS[:2]) == 429
    assert client.post("/api/v1/jobs", json={"targets": [URLS[9]]}).status_code == 429


def test_users_of_the_command_line_are_not_charged(stores: Stores) -> None:
    jobs: JobStore = stores.jobs
    (job,) = jobs.enqueue([URLS[0]]).jobs
    for _ in range(QUOTA + 1):
        assert jobs.cancel(job.id)
        assert [one.id for one in jobs.retry([job.id])] == [job.id]
