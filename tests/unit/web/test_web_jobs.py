"""The job and property routes on a real database, without a broker."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.errors.pages import PageGoneError
from app.property.page import Page
from app.property.storage.jobs.models import Job
from app.property.storage.llm.cache import Question
from app.property.storage.llm.requests import LlmRequestStore, NewRequest
from app.services.runtime.stores import Stores

Bearer = Callable[..., dict[str, str]]


@pytest.fixture
def jobs(stores: Stores) -> list[Job]:
    return stores.jobs.enqueue([f"http://homes.example/{n}" for n in range(5)], priority=3).jobs


def test_without_a_broker_nothing_is_enqueued(client: TestClient, bearer: Bearer, stores: Stores) -> None:
    """Without a message, no worker would receive the job."""
    answer = client.post("/api/v1/jobs", json={"targets": ["http://homes.example/1"]}, headers=bearer())
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "broker_unavailable"
    assert "propintel up" in answer.json()["error"]["message"]
    assert sum(stores.jobs.counts().values()) == 0


def test_jobs_are_listed_by_page_batch_and_state(
    client: TestClient, bearer: Bearer, stores: Stores, jobs: list[Job]
) -> None:
    stores.jobs.cancel(jobs[0].id)
    other = stores.jobs.enqueue(["http://homes.example/other"])

    def listed(query: str) -> list[str]:
        data = client.get(f"/api/v1/jobs?{query}", headers=bearer()).json()["data"]
        return [job["target"].rpartition("/")[2] for job in data["jobs"]]

    assert listed("") == ["0", "1", "2", "3", "4", "other"]
    first = client.get("/api/v1/jobs?limit=2", headers=bearer()).json()["data"]["next_cursor"]
    assert listed(f"limit=2&cursor={first}") == ["2", "3"]
    assert listed(f"batch={other.batch}") == ["other"]
    assert listed("state=cancelled") == ["0"]
    assert listed("batch=none-such") == []
    counts = client.get(f"/api/v1/jobs?limit=1&batch={jobs[0].batch_id}", headers=bearer()).json()["data"]["counts"]
    assert counts == {"queued": 4, "running": 0, "deferred": 0, "done": 0, "failed": 0, "cancelled": 1}


def test_jobs_are_counted_on_the_first_page_or_when_asked(client: TestClient, bearer: Bearer, jobs: list[Job]) -> None:
    """Counting reads the whole table, so later pages do not repeat it."""

    def listed(query: str) -> Any:
        return client.get(f"/api/v1/jobs?limit=2&{query}", headers=bearer()).json()["data"]

    first = listed("")
    assert first["counts"]["queued"] == len(jobs)
    cursor = f"cursor={first['next_cursor']}"
    assert listed(cursor)["counts"] is None
    assert listed("counts=false")["counts"] is None
    assert listed(f"{cursor}&counts=true")["counts"] == first["counts"]
    assert [job["id"] for job in listed(cursor)["jobs"]] == [job.id for job in jobs[2:4]]


def test_one_job_shows_its_state_and_reason(
    client: TestClient, bearer: Bearer, stores: Stores, jobs: list[Job]
) -> None:
    stores.jobs.claim(jobs[1].id, "worker", 30)
    stores.jobs.fail(jobs[1].id, PageGoneError(jobs[1].target, "sold"), "worker")
    data = client.get(f"/api/v1/jobs/{jobs[1].id}", headers=bearer()).json()["data"]
    assert (data["id"], data["batch"], data["state"]) == (jobs[1].id, jobs[1].batch_id, "failed")
    assert data["error"]["code"] == "page_gone"
    assert "sold" in data["error"]["message"]
    assert data["property"] is None


def test_canceling_is_final_and_may_be_repeated(
    client: TestClient, bearer: Bearer, stores: Stores, jobs: list[Job]
) -> None:
    path = f"/api/v1/jobs/{jobs[2].id}"
    for _ in range(2):
        answer = client.delete(path, headers=bearer())
        assert (answer.status_code, answer.json()["data"]["state"]) == (200, "cancelled")
    assert stores.jobs.claim(jobs[2].id, "worker", 30) is None


def test_a_finished_job_cannot_be_canceled(client: TestClient, bearer: Bearer, stores: Stores, jobs: list[Job]) -> None:
    stores.jobs.fail(jobs[3].id, PageGoneError(jobs[3].target, "sold"))
    answer = client.delete(f"/api/v1/jobs/{jobs[3].id}", headers=bearer())
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "job_is_over"
    assert stores.jobs.get(jobs[3].id).state == "failed"


def test_a_missing_resource_is_404(client: TestClient, bearer: Bearer) -> None:
    paths = ["jobs/x", "batches/x", "watches/x", f"watches/{'0' * 32}"]
    asked = [(method, path) for method in ("GET", "DELETE") for path in paths]
    for method, path in [
        *asked,
        ("POST", "jobs/x/retry"),
        ("GET", "properties/x"),
        ("GET", "properties/x/explanation"),
    ]:
        answer = client.request(method, f"/api/v1/{path}", headers=bearer())
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_readiness_names_what_is_missing(client: TestClient, stores: Stores) -> None:
    """The broker is unreachable here, but the process is alive."""
    assert client.get("/healthz").json() == {"success": True, "data": {"status": "alive"}}
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["error"]["message"] == "database: ok, broker: broker_unavailable"
    assert answer.headers["retry-after"] == "5"


def test_a_job_that_waits_for_the_model_s_batch_shows_since_when(
    client: TestClient, bearer: Bearer, stores: Stores
) -> None:
    made = stores.jobs.enqueue(["http://homes.example/cheap"], economy=True)
    job = stores.jobs.claim(made.jobs[0].id, "worker", 30)
    assert job is not None
    question = Question("c" * 64, ("Roof",), "m", "p" * 64)
    page = Page(job.target, job.target, "text/html", "", b"", job.created_at)
    request = NewRequest(question, {"model": "m"}, input_tokens=9, output_tokens=9, page=page)
    LlmRequestStore(stores.database).park(job, "worker", request, 3600)
    data = client.get(f"/api/v1/jobs/{job.id}", headers=bearer()).json()["data"]
    assert (data["state"], data["economy"], data["attempts"]) == ("deferred", True, 0)
    assert data["parked_at"] is not None
    batch = client.get(f"/api/v1/batches/{made.batch}", headers=bearer()).json()["data"]
    assert batch["economy"] is True
