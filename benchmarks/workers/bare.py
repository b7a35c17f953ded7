"""A Celery task that does nothing: the baseline for the cost of a job."""

from celery import shared_task


@shared_task(name="bench.do_nothing", acks_late=True)
def do_nothing(job_id: str) -> None:
    """Do nothing. The argument makes the message as large as a job's."""
