"""Economy jobs get the model's answers from OpenAI's Batch API, through real workers, beat, and Valkey. The simulator
counts how often each question was billed."""

import json
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from app.property.storage.llm.batches import LlmBatchStore
from app.property.storage.llm.tables import LlmBatch
from tasks._celery.publish import send_jobs
from tests.plugins.simulator_fixtures import KEYS

pytestmark = pytest.mark.worker
#: With these settings, batches are sent at once and polled often, and dead processes are noticed within seconds.
SOON = {
    "OPENAI_BATCH_COLLECT_SECONDS": "0",
    "OPENAI_BATCH_POLL_SECONDS": "0.5",
    "JOB_LEASE_SECONDS": "3",
    "FETCH_MIN_DELAY_SECONDS": "0",
}


def homes(site: str, *numbers: int) -> list[str]:
    return [f"{site}/homes/{number}" for number in numbers]


def send_economy(fleet: Any, targets: list[str]) -> list[str]:
    enqueued = fleet.stores.jobs.enqueue(targets, economy=True)
    send_jobs(fleet.app, fleet.stores.jobs, enqueued.jobs)
    return [job.id for job in enqueued.jobs]


def batches_of(fleet: Any) -> list[LlmBatch]:
    return LlmBatchStore(fleet.stores.database).newest()[::-1]


def billed(simulator: Any) -> list[int]:
    return sorted(simulator.prompts().values())


@pytest.fixture
def economy_fleet(make_fleet: Any, openai_simulator: Any) -> Callable[..., tuple[Any, Any]]:
    """Return `make(keys=[...], server={...}, VARIABLE=value)`, which returns an idle fleet and its simulator."""

    def make(
        keys: list[dict[str, Any]] | None = None, server: dict[str, Any] | None = None, **variables: str
    ) -> tuple[Any, Any]:
        given = keys or [{"key": KEYS[0], "rpm": 60_000, "tpm": 100_000_000}]
        simulator = openai_simulator(given, **(server or {}))
        used = ",".join(str(key["key"]) for key in given)
        fleet = make_fleet(OPENAI_API_KEYS=used, OPENAI_BASE_URL=simulator.base_url, **{**SOON, **variables})
        return fleet, simulator

    return make


def propintel(fleet: Any, *arguments: str) -> Any:
    done = fleet.propintel(*arguments, "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def kill_9(fleet: Any, worker: Any) -> None:
    os.kill(worker.process.pid, signal.SIGKILL)
    worker.process.wait(120)
    fleet.supervisor.stop()


def test_economy_jobs_wait_for_one_batch_and_each_gets_its_answer(economy_fleet: Any, property_site: str) -> None:
    fleet, simulator = economy_fleet(
        server={"batch_seconds": 1.5}, OPENAI_BATCH_COLLECT_SECONDS="4", JOB_LEASE_SECONDS="60"
    )
    fleet.start_worker(pool="threads")
    made = propintel(fleet, "enqueue", "--economy", *homes(property_site, 1, 2, 3, 4))
    ids = made["jobs"]
    fleet.until(lambda: all(fleet.job(i).parked_at for i in ids), 30)
    shown = propintel(fleet, "batches", "show", made["batch"])
    assert shown["economy"] is True
    listed = propintel(fleet, "jobs", "list", "--batch", made["batch"])["jobs"]
    assert {(job["state"], job["attempts"]) for job in listed} == {("deferred", 0)}, "a waiting job has used an attempt"
    assert all(job["parked_at"] for job in listed)
    fleet.start_beat()
    jobs = fleet.wait_for_state(ids, "done", "failed", seconds=60)
    assert [(job.state, job.model_note, job.attempts) for job in jobs] == [("done", None, 1)] * 4, fleet.describe(ids)
    methods = {e["method"] for job in jobs for e in fleet.stores.properties.get(job.property_id)["evidence"].values()}
    assert "llm" in methods, "no value of the model was stored"
    (batch,) = simulator.batches()["batches"]
    assert (batch["status"], batch["request_counts"]["completed"]) == ("completed", 4)
    assert billed(simulator) == [1, 1, 1, 1]
    fleet.until(lambda: batches_of(fleet)[0].state == "closed", 20)
    assert simulator.batches()["files"] == [], "a file remains at OpenAI"
    assert not any(key in fleet.log("worker") for key in KEYS)
    usage = propintel(fleet, "keys", "list")
    assert sum(key["requests"] for key in usage["keys"].values()) >= 4
    assert usage["spent_today"]["calls"] == 4


def test_killing_a_worker_before_it_saves_the_batch_id_creates_no_second_batch(
    economy_fleet: Any, property_site: str
) -> None:
    """The next process finds the batch at OpenAI by the batch's metadata."""
    fleet, simulator = economy_fleet(keys=[{"key": KEYS[0], "behavior": "slow", "seconds": 30.0}])
    worker = fleet.start_worker(pool="threads")
    ids = send_economy(fleet, homes(property_site, 1, 2))
    fleet.until(lambda: all(fleet.job(i).parked_at for i in ids), 30)
    fleet.start_beat()
    fleet.until(lambda: len(simulator.batches()["batches"]) == 1, 40)
    kill_9(fleet, worker)
    (left,) = batches_of(fleet)
    assert (left.state, left.openai_id) == ("uploaded", None)
    simulator.set_key(KEYS[0], behavior="ok")
    fleet.start_worker(pool="threads")
    fleet.start_beat()
    jobs = fleet.wait_for_state(ids, "done", "failed", seconds=50)
    assert [(job.state, job.model_note) for job in jobs] == [("done", None)] * 2, fleet.describe(ids)
    assert len(simulator.batches()["batches"]) == 1
    assert billed(simulator) == [1, 1]
    assert "was created before its process ended" in fleet.log("worker")
