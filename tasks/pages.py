"""Apply the retention times: every ten minutes, delete old page copies, names of people, values, and jobs."""

from celery import shared_task

from app.services.privacy import retention
from tasks._celery.context import current
from tasks.base import ScheduledTask


@shared_task(name="tasks.pages.prune_pages", base=ScheduledTask)
def prune_pages() -> dict[str, int]:
    """Delete data that is past its retention time or over its size limit.

    Returns `{"bodies": n, "packed_bytes": n, "observations": n, "records": n, "jobs": n, "rows": n}`.
    """
    settings, database = current().settings, current().database
    pruned = retention.prune_pages(settings, database) | retention.prune_values(settings, database)
    return pruned | retention.prune_jobs(settings, database)
