"""Each run of a job is counted once, by its outcome."""

from __future__ import annotations

import pytest

from app.services.reports.metrics.instruments import REGISTRY, RunEnd, count_run
from app.services.reports.metrics.shared_counts import counts, encode


@pytest.mark.parametrize(
    ("outcome", "code", "counted"),
    [
        ("done", "", encode("propintel_jobs_finished_total", {"outcome": "done", "error": ""})),
        ("failed", "page_gone", encode("propintel_jobs_finished_total", {"outcome": "failed", "error": "page_gone"})),
        ("deferred", "no_capacity", encode("propintel_job_deferrals_total", {"reason": "no_capacity"})),
        ("retried", "fetch_timeout", encode("propintel_job_retries_total", {"reason": "fetch_timeout"})),
        ("lost", "", None),
    ],
)
def test_a_run_is_counted_by_its_outcome_with_its_time(outcome: RunEnd, code: str, counted: str | None) -> None:
    before = counts(REGISTRY)
    count_run(outcome, 3.5, code)
    found = {series: n - before.get(series, 0) for series, n in counts(REGISTRY).items() if n != before.get(series, 0)}
    if counted is not None:
        assert found.pop(counted) == 1
    assert found.pop(encode("propintel_job_seconds_sum", {"outcome": outcome})) == 3.5
    assert found.pop(encode("propintel_job_seconds_count", {"outcome": outcome})) == 1
    assert all('"propintel_job_seconds_bucket"' in series for series in found), "something else was counted"
