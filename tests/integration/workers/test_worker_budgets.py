"""Budgets in a fleet limit model calls, not jobs. Every job ends, and notes the calls that it went without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.plugins.simulator_fixtures import KEYS

pytestmark = pytest.mark.worker


@pytest.fixture
def capped_fleet(
    make_fleet: Callable[..., Any], openai_simulator: Callable[..., Any]
) -> Callable[..., tuple[Any, Callable[[], int]]]:
    """Return `make(keys=2, BUDGET_...="2")`, which starts a worker and returns its fleet and a counter of API calls."""

    def make(keys: int = 1, **variables: str) -> tuple[Any, Callable[[], int]]:
        used = KEYS[:keys]
        simulator = openai_simulator([{"key": key, "rpm": 60_000, "tpm": 100_000_000} for key in used])
        fleet = make_fleet(OPENAI_API_KEYS=",".join(used), OPENAI_BASE_URL=simulator.base_url, **variables)
        fleet.start_worker(pool="prefork", concurrency=3)
        return fleet, lambda: simulator.stats()["totals"]["requests"]

    return make


def homes(site: str, *numbers: int) -> list[str]:
    """Return the URLs of pages whose fields need the model."""
    return [f"{site}/homes/{number}" for number in numbers]


def notes(fleet: Any, job_ids: list[str]) -> list[str]:
    """Wait for the jobs; return the notes of those that ended without their model call."""
    jobs = fleet.wait_for_state(job_ids, "done", "failed")
    assert {job.state for job in jobs} == {"done"}, fleet.describe(job_ids)
    for job in jobs:
        assert bool(job.wanted_model) == (job.model_note is not None)
    return [job.model_note for job in jobs if job.model_note is not None]


def test_each_batch_has_its_own_budget(capped_fleet: Callable[..., Any], property_site: str) -> None:
    fleet, calls = capped_fleet(BUDGET_BATCH_MODEL_CALLS="2")
    skipped = notes(fleet, fleet.send(*homes(property_site, 1, 2, 3, 4, 5)))
    assert calls() == 2
    assert len(skipped) == 3
    assert all("BUDGET_BATCH_MODEL_CALLS" in note and "scrape again" in note for note in skipped)
    assert notes(fleet, fleet.send(*homes(property_site, 6, 7))) == []
    assert calls() == 4


def test_all_batches_share_the_daily_budget(capped_fleet: Callable[..., Any], property_site: str) -> None:
    fleet, calls = capped_fleet(BUDGET_DAILY_MODEL_CALLS="2")
    first, second = fleet.send(*homes(property_site, 1, 2, 3)), fleet.send(*homes(property_site, 4, 5))
    skipped = notes(fleet, first + second)
    assert calls() == 2
    assert len(skipped) == 3
    assert all("BUDGET_DAILY_MODEL_CALLS" in note and "00:00 UTC" in note for note in skipped)


def test_calls_end_when_all_keys_have_used_their_budgets(capped_fleet: Callable[..., Any], property_site: str) -> None:
    fleet, calls = capped_fleet(keys=2, BUDGET_KEY_DAILY_MODEL_CALLS="1")
    skipped = notes(fleet, fleet.send(*homes(property_site, 1, 2, 3, 4, 5)))
    assert calls() == 2
    assert len(skipped) == 3
    assert all("BUDGET_KEY_DAILY_MODEL_CALLS" in note for note in skipped)
