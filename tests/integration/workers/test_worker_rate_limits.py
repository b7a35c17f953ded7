"""A rate-limited job waits as long as the server asks, without losing a retry, until the job's deadline."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from app.errors.fetching import HttpStatusError
from app.services.reports.metrics.shared_counts import encode
from tests.plugins.ports import free_port

pytestmark = pytest.mark.worker
KEY = "sk-proj-0123456789abcdefghijklmnopqrstuvwxyz"
TARGET = "/listings/oak-hollow-lane"
#: The simulator answers every request with this key with 500.
OUTAGE = {"key": KEY, "rpm": 60_000, "tpm": 100_000_000, "behavior": "flaky", "failure_rate": 1.0}


def _limited(make_fleet: Any, openai_simulator: Any, rpm: float, **variables: str) -> Any:
    """Start a fleet with one key whose bucket is empty and refills at `rpm` requests a minute."""
    simulator = openai_simulator([{"key": KEY, "rpm": rpm, "tpm": 1_000_000}], start_level=0.0)
    fleet = make_fleet(OPENAI_API_KEYS=KEY, OPENAI_BASE_URL=simulator.base_url, **variables)
    fleet.start_worker(pool="threads")
    return fleet


def test_a_job_waits_as_long_as_the_server_asks_and_loses_no_retry(
    make_fleet: Any, openai_simulator: Any, property_site: str
) -> None:
    fleet = _limited(make_fleet, openai_simulator, 12)
    (job,) = fleet.wait_for_state(fleet.send(property_site + TARGET), "done", "failed")
    assert job.state == "done", fleet.describe([job.id])
    assert job.attempts == 1
    waits = [float(seconds) for seconds in re.findall(r"Retry in ([\d.]+)s", fleet.log("worker"))]
    assert waits
    assert all(3 <= seconds <= 15 for seconds in waits)
    assert job.waited_seconds == pytest.approx(sum(waits))
    deferrals = encode("propintel_job_deferrals_total", {"reason": "no_capacity"})
    fleet.until(lambda: fleet.counts().get(deferrals) == len(waits))
    assert (job.finished_at - job.started_at).total_seconds() >= job.waited_seconds
    assert job.wanted_model == []


def test_a_wait_of_more_than_half_a_minute_is_stored_in_the_jobs_table(
    make_fleet: Any, openai_simulator: Any, property_site: str
) -> None:
    fleet = _limited(make_fleet, openai_simulator, 0.2)
    (job,) = fleet.wait_for_state(fleet.send(property_site + TARGET), "deferred", "done", "failed")
    assert job.state == "deferred", fleet.describe([job.id])
    assert 30 <= (job.due_at - datetime.now(UTC)).total_seconds() <= 62, "the wait is not between 30 s and a minute"
    assert job.error is None
    assert job.attempts == 0


def test_a_job_waits_for_an_outage_to_end_and_gets_all_its_fields(
    make_fleet: Any, openai_simulator: Any, property_site: str
) -> None:
    simulator = openai_simulator([OUTAGE])
    fleet = make_fleet(OPENAI_API_KEYS=KEY, OPENAI_BASE_URL=simulator.base_url, OPENAI_MAX_WAIT_SECONDS="0.2")
    fleet.start_worker(pool="threads")
    ids = fleet.send(property_site + TARGET)
    fleet.until(lambda: fleet.job(ids[0]).waited_seconds > 0, 30)
    simulator.set_key(KEY, behavior="ok")
    (job,) = fleet.wait_for_state(ids, "done", "failed")
    assert (job.state, job.attempts, job.wanted_model, job.model_note) == ("done", 1, [], None), fleet.describe(ids)
    assert "llm" in {found["method"] for found in fleet.stores.properties.get(job.property_id)["evidence"].values()}


def test_an_outage_beyond_the_deadline_costs_only_the_fields_of_the_model(
    make_fleet: Any, openai_simulator: Any, property_site: str
) -> None:
    simulator = openai_simulator([OUTAGE])
    more = {"OPENAI_MAX_WAIT_SECONDS": "0.2", "SCRAPE_DEADLINE_SECONDS": "3"}
    fleet = make_fleet(OPENAI_API_KEYS=KEY, OPENAI_BASE_URL=simulator.base_url, **more)
    fleet.start_worker(pool="threads")
    (job,) = fleet.wait_for_state(fleet.send(property_site + TARGET), "done", "failed")
    assert job.state == "done", fleet.describe([job.id])
    assert job.waited_seconds == pytest.approx(3)
    assert job.wanted_model
    assert "HTTP 500" in job.model_note


def test_a_failing_site_is_retried_and_a_removed_page_is_not(make_fleet: Any, property_site: str) -> None:
    """Transient errors are retried after a backoff; permanent errors fail at once."""
    fleet = make_fleet()
    fleet.start_worker(pool="threads")
    refused, gone = fleet.send(f"http://127.0.0.1:{free_port()}/nobody", f"{property_site}/odd/gone")
    fleet.wait_for_state([gone], "failed")
    assert fleet.job(gone).attempts == 1
    with pytest.raises(HttpStatusError, match="answered HTTP 410") as raised:
        fleet.app.AsyncResult(gone).get(timeout=300)
    assert raised.value.facts == {"url": f"{property_site}/odd/gone", "status": 410}
    (job,) = fleet.wait_for_state([refused], "failed", seconds=60)
    assert job.attempts == 5
    assert job.waited_seconds == 0
    assert job.error["code"] == "connection_failed"
