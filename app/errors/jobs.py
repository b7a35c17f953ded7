"""How a run of a job ends that did not come to its end."""

from __future__ import annotations

from typing import ClassVar

from app.errors import PropertyIntelligenceError


class DeadlineExceededError(PropertyIntelligenceError):
    code = "deadline_exceeded"
    fact_names: ClassVar[tuple[str, ...]] = ("waited_seconds", "deadline_seconds")
    sentence = "The job waited {waited_seconds:.0f} s for capacity, more than its {deadline_seconds:.0f} s."
    remedy = "Add keys of another project, ask for more quota, or raise SCRAPE_DEADLINE_SECONDS; then retry the job."


class JobTimeoutError(PropertyIntelligenceError):
    """One run of a job took longer than a task may."""

    code = "job_timeout"
    fact_names: ClassVar[tuple[str, ...]] = ("limit_seconds",)
    sentence = "The job ran longer than {limit_seconds:.0f} s and was stopped."
    remedy = "It tries again by itself; if it stays so, the site or the model answers too slowly."
    transient = True


class OutOfTimeError(PropertyIntelligenceError):
    """A run of a job ends before it begins what it may not finish. What it has done stays."""

    code = "out_of_time"
    fact_names: ClassVar[tuple[str, ...]] = ("retry_after_seconds",)
    sentence = "The job has more pages than one run has time for."
    remedy = "It goes on by itself, from where it was; no page is fetched and nothing paid for twice."
    transient = True


class OutOfResourcesError(PropertyIntelligenceError):
    """The worker's machine has no memory, threads or file handles left for this run."""

    code = "out_of_resources"
    fact_names: ClassVar[tuple[str, ...]] = ("type", "text")
    sentence = "The worker's machine ran out of resources ({type}: {text})."
    remedy = "It tries again by itself; if it stays so, run fewer processes or threads there."
    transient = True


class WorkerDiedError(PropertyIntelligenceError):
    """The process that ran the job ended without a word (killed, out of memory, crashed), more than once."""

    code = "worker_died"
    fact_names: ClassVar[tuple[str, ...]] = ("attempts",)
    sentence = "The job was given up: after {attempts} attempts its worker had died again."
    remedy = "See the worker's log (memory limit, crash); then run `propintel jobs JOB --retry`."


class LeaseLostError(PropertyIntelligenceError):
    """Another process works on it by now, or it is gone: whoever held it must not touch it any more."""

    code = "lease_lost"
    fact_names: ClassVar[tuple[str, ...]] = ("id",)
    sentence = "The lease of {id} is another process's by now."
    transient = True
