"""The number and waiting time of jobs in each state."""

import re
from datetime import timedelta

from sqlalchemy import text, update

from app.clock import ManualClock
from app.property.storage.database import Database
from app.property.storage.jobs.figures import read_job_figures
from app.property.storage.jobs.models import Job, JobState
from app.property.storage.jobs.repository import JobStore
from tests.plugins.statements import plan_of, recorded

NOTHING = {"queued": 0, "running": 0, "deferred": 0}


def test_jobs_are_counted_by_state_and_the_longest_wait_is_reported(database: Database, clock: ManualClock) -> None:
    figures = read_job_figures(database)
    assert (figures.counts, figures.oldest_queued_seconds) == (NOTHING, 0)
    jobs = JobStore(database)
    first = jobs.enqueue(["https://a.example/1"]).new[0]
    clock.advance(100)
    second, third = jobs.enqueue(["https://a.example/2", "https://a.example/3"]).new
    clock.advance(20)
    figures = read_job_figures(database)
    assert (figures.counts, figures.oldest_queued_seconds) == (NOTHING | {"queued": 3}, 120)
    jobs.claim(first, "me", 30)
    jobs.cancel(third)
    figures = read_job_figures(database)
    assert figures.counts == NOTHING | {"queued": 1, "running": 1}
    assert figures.oldest_queued_seconds == 20
    jobs.cancel(second)
    assert read_job_figures(database).oldest_queued_seconds == 0


def test_a_wait_for_capacity_is_not_a_wait_for_a_worker(database: Database, clock: ManualClock) -> None:
    """A job that is due in 60 s does not wait for a worker before then."""
    jobs = JobStore(database)
    job_id = jobs.enqueue(["https://a.example/1"]).new[0]
    clock.advance(500)
    jobs.claim(job_id, "me", 30)
    jobs.release(job_id, "me", 60.0, "scrape", again_seconds=60.0)
    assert read_job_figures(database).oldest_queued_seconds == 0
    clock.advance(75)
    assert read_job_figures(database).oldest_queued_seconds == 15
    jobs.cancel(job_id)
    clock.advance(timedelta(days=30).total_seconds())
    jobs.mark_sent(jobs.retry([job_id]), "scrape")
    clock.advance(7)
    assert read_job_figures(database).oldest_queued_seconds == 7, "a retried job waits since the retry"


def test_figures_read_active_jobs_through_an_index(database: Database) -> None:
    """Without an index, /metrics would become slower as finished jobs accumulate."""
    jobs = JobStore(database)
    ids = jobs.enqueue([f"https://a.example/{n}" for n in range(3_000)]).new
    with database.writing() as connection:
        connection.execute(update(Job).where(Job.id.in_(ids[20:])).values(state=JobState.DONE))
        connection.execute(text("ANALYZE"))
    with recorded(database) as statements:
        read_job_figures(database)
    of_jobs = [one for one in statements if "FROM jobs" in one[0]]
    assert len(of_jobs) == 2
    for statement, parameters in of_jobs:
        plan = plan_of(database, statement, parameters)
        assert not re.search(r"SCAN jobs|Seq Scan on jobs", plan), plan
