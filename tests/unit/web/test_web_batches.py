"""The batch routes, and the retry of a job, on a real database without a broker."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.errors.pages import PageGoneError
from app.property.storage.jobs.models import Enqueued
from app.services.runtime.stores import Stores

Bearer = Callable[..., dict[str, str]]
HOOK = "https://hooks.example/in/secret?token=secret"
EMPTY = {"queued": 0, "running": 0, "deferred": 0, "done": 0, "failed": 0, "cancelled": 0}


@pytest.fixture
def batch(stores: Stores) -> Enqueued:
    return stores.jobs.enqueue([f"http://homes.example/{n}" for n in range(3)], callback_url=HOOK)


def fail_all(stores: Stores, batch: Enqueued) -> None:
    for job in batch.jobs:
        stores.jobs.fail(job.id, PageGoneError(job.target, "sold"))


def test_batches_are_listed_newest_first(client: TestClient, bearer: Bearer, stores: Stores, batch: Enqueued) -> None:
    second = stores.jobs.enqueue(["http://homes.example/other"])
    data = client.get("/api/v1/batches", headers=bearer()).json()["data"]
    assert [each["id"] for each in data["batches"]] == [second.batch, batch.batch]
    assert [each["callback"] is None for each in data["batches"]] == [True, False]
    first = client.get("/api/v1/batches?limit=1", headers=bearer()).json()["data"]
    last = client.get(f"/api/v1/batches?limit=1&cursor={first['next_cursor']}", headers=bearer()).json()["data"]
    assert ([each["id"] for each in last["batches"]], last["next_cursor"]) == ([batch.batch], None)


def test_canceling_a_batch_ends_its_jobs_and_may_be_repeated(
    client: TestClient, bearer: Bearer, stores: Stores, batch: Enqueued
) -> None:
    stores.jobs.fail(batch.new[0], PageGoneError("http://homes.example/0", "sold"))
    for _ in range(2):
        answer = client.delete(f"/api/v1/batches/{batch.batch}", headers=bearer("operator"))
        assert answer.status_code == 200
        assert answer.json()["data"]["counts"] == {**EMPTY, "failed": 1, "cancelled": 2}


def test_a_finished_batch_cannot_be_canceled(
    client: TestClient, bearer: Bearer, stores: Stores, batch: Enqueued
) -> None:
    fail_all(stores, batch)
    answer = client.delete(f"/api/v1/batches/{batch.batch}", headers=bearer())
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "batch_is_over")


@pytest.mark.parametrize("url", ["hooks.example", "https://me:hunter2@hooks.example/", "http://hooks.example:22/"])
def test_an_unusable_callback_url_is_refused_before_anything_is_created(
    client: TestClient, bearer: Bearer, stores: Stores, url: str
) -> None:
    body = {"targets": ["http://homes.example/1"], "callback_url": url}
    answer = client.post("/api/v1/jobs", json=body, headers=bearer())
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_callback")
    assert "hunter2" not in answer.text
    assert stores.batches.page().items == []
