"""Errors that end a run of a job."""

from app.errors import PropertyIntelligenceError


class DeadlineExceededError(
    PropertyIntelligenceError, code="deadline_exceeded", facts="waited_seconds deadline_seconds"
):
    sentence = "The job waited {waited_seconds:.0f} s for capacity, more than its {deadline_seconds:.0f} s."
    remedy = "Add keys of another project, get more quota, or raise SCRAPE_DEADLINE_SECONDS; then retry the job."


class JobTimeoutError(PropertyIntelligenceError, code="job_timeout", facts="limit_seconds"):
    """A run of a job exceeded the soft time limit of tasks."""

    sentence = "The job ran longer than {limit_seconds:.0f} s and was stopped."
    remedy = "It is retried automatically. If it persists, the site or the model is too slow."
    transient = True


class OutOfTimeError(PropertyIntelligenceError, code="out_of_time", facts="retry_after_seconds"):
    """A run of a job ends early, because the next page or model call might exceed its time limit. The results so far
    are kept.
    """

    sentence = "The job has more pages than one run has time for."
    remedy = "It continues automatically; no page is fetched and no model call paid twice."
    transient = True


class OutOfResourcesError(PropertyIntelligenceError, code="out_of_resources", facts="type text"):
    """The worker's machine had too little memory, or too few threads or file handles, for a run of the job."""

    sentence = "The worker's machine ran out of resources ({type}: {text})."
    remedy = "It is retried automatically. If it persists, run fewer processes or threads on that machine."
    transient = True


class WorkerDiedError(PropertyIntelligenceError, code="worker_died", facts="attempts"):
    """Every process that tried the job crashed, ran out of memory, or was killed."""

    sentence = "The job failed: in each of {attempts} attempts, its worker died."
    remedy = "Check the worker's log (memory limit, crash), then run `propintel jobs retry JOB`."


class LeaseLostError(PropertyIntelligenceError, code="lease_lost", facts="id"):
    """Another process holds the job's lease now, or the job was deleted. The process that lost the lease must store
    nothing.
    """

    sentence = "Another process holds the lease of {id} now."
    transient = True
