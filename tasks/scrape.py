"""The scrape task: turn the target of one job into a stored property.

`Scraper.store_target` in `app/services/property_intelligence.py` does the work, and `Storing` in
`app/services/scraping/storing.py` marks the job as done. Model calls use the client of `self.manager`, the
`OpenAIClientManager` that `worker_init` or `worker_process_init` created for this process (`worker/signals.py`).
"""

import logging
from collections.abc import Sequence
from typing import Any

from celery import shared_task
from openai import RateLimitError

from app.errors import NotFoundError, PropertyIntelligenceError
from app.plurals import counted
from app.property.storage.jobs.leases import Lease
from app.property.storage.jobs.models import Job
from app.property.storage.llm.requests import LlmRequestStore, NewRequest
from app.property.storage.watches.repository import Watches
from app.redaction import redact_urls
from app.services.reports.metrics.instruments import SEARCH_LISTINGS
from app.services.runtime.retry import retry_on_store_error
from app.services.scraping.model_reading import WaitForBatch
from app.services.scraping.run import Run
from app.services.scraping.search_walk import SearchOutcome
from app.services.watches.budget import paid_by_watch
from tasks._celery.context import current
from tasks._celery.publish import send_jobs
from tasks.base import JobTask
from tasks.retry_policy import MAX_RETRIES

log = logging.getLogger(__name__)


@shared_task(name="tasks.scrape.scrape_property", bind=True, base=JobTask, autoretry_for=(RateLimitError,))
def scrape_property(self: JobTask, job_id: str) -> dict[str, Any]:
    """Run the job. Returns `{"job", "state", "property", "page_from", "wanted_model"}`.

    The state is "done", "parked", or "skipped". A parked job waits for a batch of model requests, and is queued again
    when the batch ends. A message is skipped if another run holds the job or the job has ended, or if this run lost its
    lease. A search ends as "done" with no property, because each of its new listings becomes a job.

    If no key has capacity, the OpenAI client raises `RateLimitError`, and `JobTask.retry` lets the job wait.
    """
    with self.working_on(job_id) as job:
        if job is not None:
            return _scrape(self, job)
    return {"job": redact_urls(job_id), "state": "skipped"}  # any broker client can send any text as a job id


def _scrape(task: JobTask, job: Job) -> dict[str, Any]:
    resources, lease = current(), Lease(job.id, task.request.owner)
    is_due = job.waited_seconds >= resources.settings.jobs.scrape_deadline_seconds
    run = Run(
        lease,
        job.batch_id,
        is_last=is_due or job.attempts > MAX_RETRIES,
        is_due=is_due,
        seconds_left=task.seconds_left,
        led_by=_led_by(job),
        holds=lambda: resources.jobs.holds(lease),
        # without a usable OpenAI key, no batch could answer, and the job would stay parked
        economy=job.economy and task.manager.get_client() is not None,
        waited_for=job.request_id,
        began_at=job.started_at,
    )
    try:
        with paid_by_watch(job, resources.database, resources.settings):
            outcome = resources.scraper.store_target(
                job.target,
                run,
                refresh=job.refresh,
                asked_at=job.created_at,
                walks=job.found_by is None,  # a job found by a search does not start another search
            )
    except WaitForBatch as waits:
        _park(task, job, waits.request)
        return _ended(job, "parked")
    task.count_end("done")
    if isinstance(outcome, SearchOutcome):
        _count_listings(outcome)
        _send(task, job, outcome)
        return _ended(job, "done")
    return _ended(job, "done", outcome.property_id, str(outcome.page_from), outcome.wanted_model)


def _led_by(job: Job) -> str | None:
    """Return the target of the search that found the job's target ("" if its job was deleted).

    For a job of a watch, return the target itself. Return None if a caller gave the target: for the caller's own job,
    and until the first refresh of a watched URL.
    """
    try:
        if job.found_by is not None:
            return current().jobs.get(job.found_by).target
        if job.watch_id is None:
            return None
        watch = Watches(current().database).get(job.watch_id)
    except NotFoundError:
        return "" if job.found_by is not None else job.target
    is_given = watch.target == job.target and watch.refreshed_at is None
    return None if is_given else job.target


def _park(task: JobTask, job: Job, request: NewRequest) -> None:
    """Let the job wait for its model request. This releases the job's lease and does not count as a retry."""
    resources = current()
    requests, seconds = LlmRequestStore(resources.database), resources.settings.openai.batch_max_wait_seconds
    retry_on_store_error(lambda: requests.park(job, task.request.owner, request, seconds), resources.database.clock)
    task.count_end("deferred", "model_batch")
    log.info("Job %s waits for a batch of model requests", job.id)


def _send(task: JobTask, job: Job, outcome: SearchOutcome) -> None:
    try:
        send_jobs(task.app, current().jobs, outcome.made)
    except PropertyIntelligenceError as exc:
        log.warning("Recovery sends %s that job %s created: %s", counted(len(outcome.made), "job"), job.id, exc)


def _ended(
    job: Job, state: str, property_id: str | None = None, page_from: str | None = None, wanted: Sequence[str] = ()
) -> dict[str, Any]:
    return {
        "job": job.id,
        "state": state,
        "property": property_id,
        "page_from": page_from,
        "wanted_model": list(wanted),
    }


def _count_listings(outcome: SearchOutcome) -> None:
    taken = len(outcome.made)
    SEARCH_LISTINGS.labels("taken").inc(taken)
    SEARCH_LISTINGS.labels("known").inc(len(outcome.walked.listings) - taken)
    for why, count in outcome.walked.left_out.items():
        SEARCH_LISTINGS.labels(str(why)).inc(count)
