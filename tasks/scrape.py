"""The scrape job: one target, from its row in the jobs table to a stored property."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from openai import RateLimitError

from app.redaction import redact_urls
from tasks.base import JobTask
from tasks.resources import current


@shared_task(name="tasks.scrape.scrape_property", bind=True, base=JobTask, autoretry_for=(RateLimitError,))
def scrape_property(self: JobTask, job_id: str) -> dict[str, Any]:
    """Do the job and say how it ended: `{"job", "state": "done" | "skipped", "property", "page_from",
    "wanted_model"}`.

    "skipped" is a late duplicate of a message, or a run that lost its lease: another run holds the job, or it has
    ended. `RateLimitError` means that the pool below has already rotated through its keys and none has room: the base
    class turns it into a wait.
    """
    with self.working_on(job_id) as job:
        if job is None:
            return {"job": redact_urls(job_id), "state": "skipped"}  # whoever reaches the broker may have sent any text
        outcome = current().scraper.scrape(
            job.target, job_id=job.id, batch=job.batch, refresh=job.refresh, asked_at=job.created_at
        )
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
