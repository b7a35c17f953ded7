"""The scrape job: one target, from its row in the jobs table to a stored property."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from celery import shared_task
from openai import RateLimitError

from app.errors import NotFoundError, PropertyIntelligenceError
from app.property.storage.found_jobs import FoundJobs
from app.property.storage.model_requests import ModelRequest, ModelRequestStore
from app.property.storage.models import Job
from app.redaction import redact_urls
from app.services.reports.metrics.instruments import SEARCH_LISTINGS
from app.services.runtime.retry import patiently
from app.services.scraping.economy import Economy, WaitForBatch
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
        if job is None:
            return {"job": redact_urls(job_id), "state": "skipped"}  # whoever reaches the broker may have sent any text
        economy = Economy(job.request_id) if job.economy else None
        is_due = job.waited_seconds >= current().settings.scrape_deadline_seconds
        try:
            with paid_by_watch(job, current().database, current().settings):
                outcome = current().scraper.work(
                    job.target,
                    Run(
                        job.id,
                        job.batch,
                        is_last=is_due or job.attempts > MAX_RETRIES,
                        is_due=is_due,
                        seconds_left=self.seconds_left,
                        led_by=_led_by(job),
                    ),
                    refresh=job.refresh,
                    asked_at=job.created_at,
                    economy=economy,
                    walks=job.found_by is None,  # what a search found is a listing, or nothing
                )
        except WaitForBatch as waits:
            return _parked(self, job, waits.request)
        if isinstance(outcome, SearchOutcome):
            return _searched(self, job, outcome)
        wanted = tuple(outcome.wanted_model)
        finished = current().jobs.finish(
            job.id,
            self.request.owner,
            outcome.property_id,
            wanted,
            outcome.model_note,
            page_from=outcome.page_from,
        )
        if finished:
            self.request.run.done()
        else:
            self.request.run.lost()
        return _ended(job, "done" if finished else "skipped", outcome.property_id, str(outcome.page_from), wanted)
    raise AssertionError("working_on swallows no exception")


def _led_by(job: Job) -> str | None:
    """The search whose page names the job's target, "" if it is no longer known which; None: somebody asked for it."""
    if job.found_by is None:
        return None
    try:
        return current().jobs.get(job.found_by).target
    except NotFoundError:
        return ""


def _parked(task: JobTask, job: Job, request: ModelRequest) -> dict[str, Any]:
    """Let the job wait for its request: no worker holds it, and it costs no retry."""
    resources = current()
    requests, seconds = ModelRequestStore(resources.database), resources.settings.openai_batch_max_wait_seconds
    owner = task.request.owner
    parked = patiently(lambda: requests.park(job, owner, request, seconds), resources.database.clock)
    if parked:
        task.request.run.set_back("model_batch", counted=False)
        log.info("Job %s waits for a batch of the model", job.id)
    else:
        task.request.run.lost()
    return _ended(job, "parked" if parked else "skipped")


def _searched(task: JobTask, job: Job, outcome: SearchOutcome) -> dict[str, Any]:
    """End the job of a search, and send the jobs that it made of its listings."""
    resources, owner = current(), task.request.owner
    found = FoundJobs(resources.database, fresh_days=resources.settings.property_fresh_days)
    quota = resources.settings.api_daily_targets_per_caller
    made = patiently(lambda: found.finish(job, owner, outcome.walked, quota), resources.database.clock)
    if made is None:
        task.request.run.lost()
    else:
        task.request.run.done()
        _tell(outcome, len(made))
        try:
            send_jobs(task.app, resources.jobs, made)
        except PropertyIntelligenceError as exc:  # they are in the table: recovery sends them
            log.warning("%d jobs that job %s found are sent later: %s", len(made), job.id, exc)
    return _ended(job, "skipped" if made is None else "done")


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


def _tell(outcome: SearchOutcome, taken: int) -> None:
    SEARCH_LISTINGS.labels("taken").inc(taken)
    SEARCH_LISTINGS.labels("known").inc(len(outcome.walked.listings) - taken)
    for why, count in outcome.walked.left_out.items():
        SEARCH_LISTINGS.labels(str(why)).inc(count)
