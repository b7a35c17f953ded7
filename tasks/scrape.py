"""The scrape job: one target, from its row in the jobs table to a stored property."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from celery import shared_task
from openai import RateLimitError

from app.errors import NotFoundError, PropertyIntelligenceError
from app.property.storage.jobs.leases import Lease
from app.property.storage.jobs.models import Job
from app.property.storage.llm.requests import LlmRequestStore, NewRequest
from app.redaction import redact_urls
from app.services.reports.metrics.instruments import SEARCH_LISTINGS
from app.services.runtime.retry import patiently
from app.services.scraping.model_reading import WaitForBatch
from app.services.scraping.run import Run
from app.services.scraping.search_walk import SearchOutcome
from app.services.watches.budget import paid_by_watch
from tasks.base import JobTask
from tasks.policy import MAX_RETRIES
from tasks.resources import current
from tasks.sending import send_jobs

log = logging.getLogger(__name__)


@shared_task(name="tasks.scrape.scrape_property", bind=True, base=JobTask, autoretry_for=(RateLimitError,))
def scrape_property(self: JobTask, job_id: str) -> dict[str, Any]:
    """Do the job and say how it ended: `{"job", "state": "done" | "parked" | "skipped", "property", "page_from",
    "wanted_model"}`.

    "parked": it waits for a batch of the model, which wakes it. A search is done without a property: its listings are
    jobs of their own then.

    "skipped" is a late duplicate of a message, or a run that lost its lease: another run holds the job, or it has
    ended. `RateLimitError` means that the pool below has already rotated through its keys and none has room: the base
    class turns it into a wait.
    """
    with self.working_on(job_id) as job:
        if job is not None:
            return _done(self, job)
    return {"job": redact_urls(job_id), "state": "skipped"}  # whoever reaches the broker may have sent any text


def _done(task: JobTask, job: Job) -> dict[str, Any]:
    """Do the job, end it, and say how. Raises `LeaseLostError`: then nothing is stored."""
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
        economy=job.economy,
        waited_for=job.request_id,
    )
    try:
        with paid_by_watch(job, resources.database, resources.settings):
            outcome = resources.scraper.work(
                job.target,
                run,
                refresh=job.refresh,
                asked_at=job.created_at,
                walks=job.found_by is None,  # what a search found is a listing, or nothing
            )
    except WaitForBatch as waits:
        _park(task, job, waits.request)
        return _ended(job, "parked")
    task.count_end("done")
    if isinstance(outcome, SearchOutcome):
        _send(task, job, outcome)
        return _ended(job, "done")
    return _ended(job, "done", outcome.property_id, str(outcome.page_from), outcome.wanted_model)


def _led_by(job: Job) -> str | None:
    """The search whose page names the job's target, "" if it is no longer known which; None: somebody asked for it."""
    if job.found_by is None:
        return None
    try:
        return current().jobs.get(job.found_by).target
    except NotFoundError:
        return ""


def _park(task: JobTask, job: Job, request: NewRequest) -> None:
    """Let the job wait for its request: no worker holds it, and it costs no retry."""
    resources = current()
    requests, seconds = LlmRequestStore(resources.database), resources.settings.openai.batch_max_wait_seconds
    patiently(lambda: requests.park(job, task.request.owner, request, seconds), resources.database.clock)
    task.count_end("deferred", "model_batch")
    log.info("Job %s waits for a batch of the model", job.id)


def _send(task: JobTask, job: Job, outcome: SearchOutcome) -> None:
    """Send the jobs that a search made of its listings."""
    _tell(outcome)
    try:
        send_jobs(task.app, current().jobs, outcome.made)
    except PropertyIntelligenceError as exc:  # they are in the table: recovery sends them
        log.warning("%d jobs that job %s found are sent later: %s", len(outcome.made), job.id, exc)


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


def _tell(outcome: SearchOutcome) -> None:
    taken = len(outcome.made)
    SEARCH_LISTINGS.labels("taken").inc(taken)
    SEARCH_LISTINGS.labels("known").inc(len(outcome.walked.listings) - taken)
    for why, count in outcome.walked.left_out.items():
        SEARCH_LISTINGS.labels(str(why)).inc(count)
