"""One run of one job, as it is counted: how it ended, once, and how long it took."""

from __future__ import annotations

import time
from collections.abc import Callable

from app.services.reports.metrics.instruments import JOB_DEFERRALS, JOB_RETRIES, JOB_SECONDS, JOBS_FINISHED


class JobRun:
    """Begins when its job was claimed. Exactly one of its methods is called when the run ends."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._began = monotonic()

    def done(self) -> None:
        JOBS_FINISHED.labels("done", "").inc()
        self._ended("done")

    def failed(self, code: str) -> None:
        JOBS_FINISHED.labels("failed", code).inc()
        self._ended("failed")

    def set_back(self, code: str, *, counted: bool) -> None:
        """It comes back: for capacity, or as a counted try after a failure."""
        if counted:
            JOB_RETRIES.labels(code).inc()
        else:
            JOB_DEFERRALS.labels(code).inc()
        self._ended("retried" if counted else "deferred")

    def lost(self) -> None:
        """The job was another run's by then, or cancelled, or its new state could not be written."""
        self._ended("lost")

    def _ended(self, outcome: str) -> None:
        JOB_SECONDS.labels(outcome).observe(self._monotonic() - self._began)
