"""Once a minute, create and send the jobs of watches that are due (see `TickRun`)."""

from typing import Any

from celery import shared_task

from app.services.watches import watching
from tasks._celery.context import current
from tasks._celery.publish import send_jobs
from tasks.base import ScheduledTask


@shared_task(name="tasks.watches.tick_watches", bind=True, base=ScheduledTask)
def tick_watches(self: Any) -> dict[str, int]:
    """Begin the refreshes of watches that are due and within the day's budget.

    Returns `{"sent": n, "put_off": n}`. Jobs that cannot be sent stay in the jobs table, and `recover_jobs` sends them.
    """
    resources = current()
    done = watching.tick(resources.database, resources.settings)
    return {"sent": send_jobs(self.app, resources.jobs, done.jobs), "put_off": done.put_off}
