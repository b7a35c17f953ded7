"""The routes of jobs, batches, and properties on a real database, without a broker."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.errors.pages import PageGoneError
from app.property.storage.jobs.models import Job, JobState, PageFrom
from app.services.runtime.stores import Stores
from web.pages.rendering import _environment

Bearer = Callable[..., dict[str, str]]


@pytest.fixture
def jobs(stores: Stores) -> list[Job]:
    return stores.jobs.enqueue([f"http://homes.example/{n}" for n in range(5)], priority=3).jobs


def test_without_a_broker_nothing_is_enqueued(client: TestClient, bearer: Bearer, stores: Stores) -> None:
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


def test_canceling_is_final_and_may_be_repeated_unless_the_job_has_ended(
    client: TestClient, bearer: Bearer, stores: Stores, jobs: list[Job]
) -> None:
    for _ in range(2):
        answer = client.delete(f"/api/v1/jobs/{jobs[2].id}", headers=bearer())
        assert (answer.status_code, answer.json()["data"]["state"]) == (200, "cancelled")
    assert stores.jobs.claim(jobs[2].id, "worker", 30) is None
    stores.jobs.fail(jobs[3].id, PageGoneError(jobs[3].target, "sold"))
    refused = client.delete(f"/api/v1/jobs/{jobs[3].id}", headers=bearer())
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "job_is_over")
    assert stores.jobs.get(jobs[3].id).state == "failed"
    for _ in range(2):
        answer = client.delete(f"/api/v1/batches/{jobs[0].batch_id}", headers=bearer("operator"))
        assert (answer.status_code, answer.json()["data"]["counts"]["cancelled"]) == (200, 4)


def test_a_missing_resource_is_404(client: TestClient, bearer: Bearer) -> None:
    paths = ["jobs/x", "batches/x", "watches/x", f"watches/{'0' * 32}"]
    asked = [(method, path) for method in ("GET", "DELETE") for path in paths]
    asked += [("POST", "jobs/x/retry"), ("GET", "properties/x"), ("GET", "properties/x/explanation")]
    for method, path in asked:
        answer = client.request(method, f"/api/v1/{path}", headers=bearer())
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.usefixtures("patient")
def test_readiness_names_what_is_missing(client: TestClient, stores: Stores) -> None:
    assert client.get("/healthz").json() == {"success": True, "data": {"status": "alive"}}
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["error"]["message"] == "database: ok, broker: broker_unavailable"
    assert answer.headers["retry-after"] == "5"


def test_batches_are_listed_newest_first(client: TestClient, bearer: Bearer, stores: Stores, jobs: list[Job]) -> None:
    with_callback = stores.jobs.enqueue(["http://homes.example/other"], callback_url="https://hooks.example/in?token=x")
    data = client.get("/api/v1/batches", headers=bearer()).json()["data"]
    assert [each["id"] for each in data["batches"]] == [with_callback.batch, jobs[0].batch_id]
    assert [each["callback"] is None for each in data["batches"]] == [False, True]
    first = client.get("/api/v1/batches?limit=1", headers=bearer()).json()["data"]
    last = client.get(f"/api/v1/batches?limit=1&cursor={first['next_cursor']}", headers=bearer()).json()["data"]
    assert ([each["id"] for each in last["batches"]], last["next_cursor"]) == ([jobs[0].batch_id], None)
    stores.jobs.fail(with_callback.new[0], PageGoneError("http://homes.example/other", "sold"))
    answer = client.delete(f"/api/v1/batches/{with_callback.batch}", headers=bearer())
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


def test_a_finished_job_says_where_its_page_came_from() -> None:
    template, now = _environment().get_template("job_live.html"), datetime(2026, 1, 1, tzinfo=UTC)
    for page_from in (None, *PageFrom):
        ids = {"id": "j" * 32, "batch_id": "b" * 32, "property_id": "p" * 32}
        job = Job(state=JobState.DONE, page_from=page_from, created_at=now, finished_at=now, **ids)
        text = template.render(job=job, now=now, rights=[], csrf="")
        assert ("<dt>Page</dt>" in text) == (page_from is not None)
        assert ("so no model was called" in text) == (page_from in (PageFrom.UNCHANGED, PageFrom.SAME_PAGE))
