"""The baseline for a job: a Celery task that does nothing, with the same configuration. A worker loads it with `-I`."""

from celery import shared_task


@shared_task(name="bench.do_nothing", acks_late=True)
def do_nothing(job_id: str) -> None:
    """Take an argument like a job's, and return."""
