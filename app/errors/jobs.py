"""Errors that end a run of a job."""

from __future__ import annotations

from typing import ClassVar

from app.errors import PropertyIntelligenceError


class DeadlineExceededError(PropertyIntelligenceError):
    code = "deadline_exceeded"
    fact_names: ClassVar[tuple[str, ...]] = ("waited_seconds", "deadline_seconds")
    sentence = "The job waited {waited_seconds:.0f} s for capacity, more than its {deadline_seconds:.0f} s."
    remedy = "Add keys of another project, get more quota, or raise SCRAPE_DEADLINE_SECONDS; then retry the job."


class JobTimeoutError(PropertyIntelligenceError):
    """One run of a job exceeded the time limit of tasks."""

    code = "job_timeout"
    fact_names: ClassVar[tuple[str, ...]] = ("limit_seconds",)
    sentence = "The job ran longer than {limit_seconds:.0f} s and was stopped."
    remedy = "It is retried automatically. If it persists, the site or the model is too slow."
    transient = True


class OutOfTimeError(PropertyIntelligenceError):
    """A run ends because the next page or call might not finish in time. Its results so far are kept."""

    code = "out_of_time"
    fact_names: ClassVar[tuple[str, ...]] = ("retry_after_seconds",)
    sentence = "The job has more pages than one run has time for."
    remedy = "It continues automatically; no page is fetched and no model call paid twice."
    transient = True


class OutOfResourcesError(PropertyIntelligenceError):
    """The worker's machine has too little memory, threads or file handles for this run."""

    code = "out_of_resources"
    fact_names: ClassVar[tuple[str, ...]] = ("type", "text")
    sentence = "The worker's machine ran out of resources ({type}: {text})."
    remedy = "It is retried automatically. If it persists, run fewer processes or threads on that machine."
    transient = True


class WorkerDiedError(PropertyIntelligenceError):
    """Several processes that ran the job died (killed, out of memory, crashed)."""

    code = "worker_died"
    fact_names: ClassVar[tuple[str, ...]] = ("attempts",)
    sentence = "The job failed: in each of {attempts} attempts, its worker died."
    remedy = "Check the worker's log (memory limit, crash), then run `propintel jobs retry JOB`."


class LeaseLostError(PropertyIntelligenceError):
    """Another process holds the lease now, or the job was deleted. The former owner must store nothing."""

    code = "lease_lost"
    fact_names: ClassVar[tuple[str, ...]] = ("id",)
    sentence = "Another process holds the lease of {id} now."
    transient = True
