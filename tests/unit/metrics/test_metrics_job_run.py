"""A run of a job is counted by how it ended, and once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.services.reports.metrics.instruments import REGISTRY, JobRun
from app.services.reports.metrics.shared_counts import counts, encode


@pytest.mark.parametrize(
    ("end", "counted", "outcome"),
    [
        (JobRun.done, encode("propintel_jobs_finished_total", {"outcome": "done", "error": ""}), "done"),
        (
            lambda run: run.failed("page_gone"),
            encode("propintel_jobs_finished_total", {"outcome": "failed", "error": "page_gone"}),
            "failed",
        ),
        (
            lambda run: run.set_back("no_capacity", counted=False),
            encode("propintel_job_deferrals_total", {"reason": "no_capacity"}),
            "deferred",
        ),
        (
            lambda run: run.set_back("fetch_timeout", counted=True),
            encode("propintel_job_retries_total", {"reason": "fetch_timeout"}),
            "retried",
        ),
        (JobRun.lost, None, "lost"),
    ],
)
def test_a_run_is_counted_by_its_end_with_its_time(
    end: Callable[[JobRun], None], counted: str | None, outcome: str
) -> None:
    now = 50.0
    before = counts(REGISTRY)
    run = JobRun(lambda: now)
    now = 53.5
    end(run)
    found = {series: n - before.get(series, 0) for series, n in counts(REGISTRY).items() if n != before.get(series, 0)}
    if counted is not None:
        assert found.pop(counted) == 1
    assert found.pop(encode("propintel_job_seconds_sum", {"outcome": outcome})) == 3.5
    assert found.pop(encode("propintel_job_seconds_count", {"outcome": outcome})) == 1
    assert all('"propintel_job_seconds_bucket"' in series for series in found), "nothing else was counted"
