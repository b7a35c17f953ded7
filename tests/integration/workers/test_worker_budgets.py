"""Budgets in a fleet: what is capped is the bill, never the work. Every job is done, and says what it went without."""

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
    """`capped_fleet(keys=2, BUDGET_...="2")`: three processes that do jobs, and how many calls the API has answered."""

    def make(keys: int = 1, **variables: str) -> tuple[Any, Callable[[], int]]:
        used = KEYS[:keys]
        simulator = openai_simulator([{"key": key, "rpm": 60_000, "tpm": 100_000_000} for key in used])
        fleet = make_fleet(OPENAI_API_KEYS=",".join(used), OPENAI_BASE_URL=simulator.base_url, **variables)
        fleet.start_worker(pool="prefork", concurrency=3)
        return fleet, lambda: simulator.stats()["totals"]["requests"]

    return make


def homes(site: str, *numbers: int) -> list[str]:
    """Pages that leave something to the model."""
    return [f"{site}/homes/{number}" for number in numbers]


def notes(fleet: Any, job_ids: list[str]) -> list[str]:
    """Of jobs that are all done: what was said of the model that was not asked."""
    jobs = fleet.wait_for_state(job_ids, "done", "failed")
    assert {job.state for job in jobs} == {"done"}, fleet.told(job_ids)
    for job in jobs:
        assert bool(job.wanted_model) == (job.model_note is not None)
    return [job.model_note for job in jobs if job.model_note is not None]


def test_a_batch_stops_asking_at_its_budget_and_the_next_batch_has_its_own(
    capped_fleet: Callable[..., Any], property_site: str
) -> None:
    fleet, calls = capped_fleet(BUDGET_BATCH_MODEL_CALLS="2")
    said = notes(fleet, fleet.send(*homes(property_site, 1, 2, 3, 4, 5)))
    assert calls() == 2
    assert len(said) == 3
    assert all("BUDGET_BATCH_MODEL_CALLS" in note and "Scrape again" in note for note in said)
    assert notes(fleet, fleet.send(*homes(property_site, 6, 7))) == []
    assert calls() == 4


def test_the_day_s_budget_is_one_for_all_batches(capped_fleet: Callable[..., Any], property_site: str) -> None:
    fleet, calls = capped_fleet(BUDGET_DAILY_MODEL_CALLS="2")
    one, other = fleet.send(*homes(property_site, 1, 2, 3)), fleet.send(*homes(property_site, 4, 5))
    said = notes(fleet, one + other)
    assert calls() == 2
    assert len(said) == 3
    assert all("BUDGET_DAILY_MODEL_CALLS" in note and "00:00 UTC" in note for note in said)


def test_a_key_at_its_budget_leaves_the_rest_to_the_others_until_all_are(
    capped_fleet: Callable[..., Any], property_site: str
) -> None:
    fleet, calls = capped_fleet(keys=2, BUDGET_KEY_DAILY_MODEL_CALLS="1")
    said = notes(fleet, fleet.send(*homes(property_site, 1, 2, 3, 4, 5)))
    assert calls() == 2
    assert len(said) == 3
    assert all("BUDGET_KEY_DAILY_MODEL_CALLS" in note for note in said)
