"""Budgets in a fleet limit model calls, not jobs.

If the budget is used up, a job ends without its model call and stores a note.
"""

from typing import Any

import pytest

from tests.plugins.simulator_fixtures import KEYS

pytestmark = pytest.mark.worker


def test_each_batch_has_its_own_budget(make_fleet: Any, openai_simulator: Any, property_site: str) -> None:
    simulator = openai_simulator([{"key": KEYS[0], "rpm": 60_000, "tpm": 100_000_000}])
    fleet = make_fleet(OPENAI_API_KEYS=KEYS[0], OPENAI_BASE_URL=simulator.base_url, BUDGET_BATCH_MODEL_CALLS="2")
    fleet.start_worker(concurrency=3)

    def notes(*numbers: int) -> list[str]:
        ids = fleet.send(*(f"{property_site}/homes/{number}" for number in numbers))
        jobs = fleet.wait_for_state(ids, "done", "failed")
        assert {job.state for job in jobs} == {"done"}, fleet.describe(ids)
        assert all(bool(job.wanted_model) == (job.model_note is not None) for job in jobs)
        return [job.model_note for job in jobs if job.model_note is not None]

    skipped = notes(1, 2, 3, 4, 5)
    assert simulator.stats()["totals"]["requests"] == 2
    assert len(skipped) == 3
    assert all("BUDGET_BATCH_MODEL_CALLS" in note and "scrape again" in note for note in skipped)
    assert notes(6, 7) == []
    assert simulator.stats()["totals"]["requests"] == 4
