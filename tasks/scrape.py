"""The scrape job: one target, from its row in the jobs table to a stored property."""

from __future__ import annotations

import logging
from typing import Any

from celery import shared_task
from openai import RateLimitError

from app.property.store import Job, ModelRequest, ModelRequestStore
from app.redaction import redact_urls
from app.services.economy import Economy, WaitForBatch
from app.services.patience import patiently
from app.services.watch_purse import paid_by_watch
from tasks.base import JobTask
from tasks.policy import MAX_RETRIES
from tasks.resources import current

log = logging.getLogger(__name__)


@shared_task(name="tasks.scrape.scrape_property", bind=True, base=JobTask, autoretry_for=(RateLimitError,))
def scrape_property(self: JobTask, job_id: str) -> dict[str, Any]:
    """Do the job and say how it ended: `{"job", "state": "done" | "parked" | "skipped", "property", "page_from",
    "wanted_model"}`.

    "parked": it waits for a batch of the model, which wakes it.

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
                outcome = current().scraper.scrape(
                    job.target,
                    job_id=job.id,
                    batch=job.batch,
                    refresh=job.refresh,
                    asked_at=job.created_at,
                    economy=economy,
                    is_last=is_due or job.attempts > MAX_RETRIES,
                    is_due=is_due,
                    seconds_left=self.seconds_left,
                )
        except WaitForBatch as waits:
            return _parked(self, job, waits.request)
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
        return {
            "job": job.id,
            "state": "done" if finished else "skipped",
            "property": outcome.property_id,
            "page_from": str(outcome.page_from),
            "wanted_model": list(wanted),
        }
    raise AssertionError("working_on swallows no exception")


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
    return {
        "job": job.id,
        "state": "parked" if parked else "skipped",
        "property": None,
        "page_from": None,
        "wanted_model": [],
    }
