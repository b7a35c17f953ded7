"""Figures about jobs: their number and waiting time by state, and the resources that finished jobs used."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import text, update

from app.errors.targets import InvalidTargetError, NoSourceError
from app.property.record import SourceKind
from app.property.storage.database import Database
from app.property.storage.jobs.enqueue import new_targets
from app.property.storage.jobs.figures import RecentWork, read_job_figures, read_recent_work
from app.property.storage.jobs.models import Job, JobAttempt, JobState
from app.property.storage.jobs.repository import JobStore
from app.property.storage.keys.history import KeyHistoryStore
from app.property.storage.keys.usage import CountedKey, Uses
from app.property.storage.llm.cache import StoredSearch
from app.property.storage.watches.budget import Charge, charge_watches
from tests.contract.test_store_properties import source
from tests.plugins.job_ends import put_tried
from tests.plugins.statements import plan_of, recorded
from tests.plugins.stores import Stores
from tests.plugins.watch_steps import jobs_for

NOTHING = {"queued": 0, "running": 0, "deferred": 0}
ONE, TWO, THREE = (f"https://homes.example/{n}" for n in (1, 2, 3))
NO_WORK = RecentWork(0, 0, 0, 0, 0, 0, 0, 0)


def test_jobs_are_counted_by_state_and_the_longest_wait_is_reported(db: Stores) -> None:
    figures = read_job_figures(db)
    assert (figures.counts, figures.oldest_queued_seconds) == (NOTHING, 0)
    first = db.jobs.enqueue(["https://a.example/1"]).new[0]
    db.clock.advance(100)
    second, third = db.jobs.enqueue(["https://a.example/2", "https://a.example/3"]).new
    db.clock.advance(20)
    figures = read_job_figures(db)
    assert (figures.counts, figures.oldest_queued_seconds) == (NOTHING | {"queued": 3}, 120)
    db.jobs.claim(first, "me", 30)
    db.jobs.cancel(third)
    figures = read_job_figures(db)
    assert figures.counts == NOTHING | {"queued": 1, "running": 1}
    assert figures.oldest_queued_seconds == 20
    db.jobs.cancel(second)
    assert read_job_figures(db).oldest_queued_seconds == 0


def test_a_wait_for_capacity_is_not_a_wait_for_a_worker(db: Stores) -> None:
    job_id = db.jobs.enqueue(["https://a.example/1"]).new[0]
    db.clock.advance(500)
    db.jobs.claim(job_id, "me", 30)
    db.jobs.release(job_id, "me", 60.0, "scrape", again_seconds=60.0)
    assert read_job_figures(db).oldest_queued_seconds == 0
    db.clock.advance(75)
    assert read_job_figures(db).oldest_queued_seconds == 15
    db.jobs.cancel(job_id)
    db.clock.advance(timedelta(days=30).total_seconds())
    db.jobs.mark_sent(db.jobs.retry([job_id]), "scrape")
    db.clock.advance(7)
    assert read_job_figures(db).oldest_queued_seconds == 7, "a retried job waits since the retry"


def test_figures_read_active_jobs_through_an_index(db: Stores) -> None:
    ids = db.jobs.enqueue([f"https://a.example/{n}" for n in range(3_000)]).new
    db.execute(update(Job).where(Job.id.in_(ids[20:])).values(state=JobState.DONE))
    db.execute(text("ANALYZE"))
    with recorded(db) as statements:
        read_job_figures(db)
    of_jobs = [one for one in statements if "FROM jobs" in one[0]]
    assert len(of_jobs) == 2
    for statement, parameters in of_jobs:
        plan = plan_of(db, statement, parameters)
        assert not re.search(r"SCAN jobs|Seq Scan on jobs", plan), plan


def test_only_targets_that_would_create_a_job_are_new(db: Stores) -> None:
    db.jobs.enqueue([ONE])
    db.save(source(TWO, at=db.clock.now(), ListPrice=1))
    wanted = [THREE, ONE, "HTTPS://Homes.Example:443/3#top", TWO]
    assert new_targets(db, wanted, fresh_days=30, refresh=False) == [THREE]
    assert new_targets(db, wanted, fresh_days=30, refresh=True) == [THREE, TWO]
    db.clock.advance(timedelta(days=31).total_seconds())
    assert new_targets(db, wanted, fresh_days=30, refresh=False) == [THREE, TWO]
    with pytest.raises(InvalidTargetError, match="nonsense"):
        new_targets(db, [ONE, "nonsense"], fresh_days=30, refresh=False)
    assert db.jobs.counts()["queued"] == 1, "an estimate creates no job"
    assert [job.target for job in db.jobs.enqueue(wanted).jobs] == [THREE, ONE, TWO]


def does(database: Database, uses: Uses) -> None:
    """Count `uses` in the current hour. The first record is only a baseline."""
    for calls in ({}, {"gpt-test": uses}):
        counted = [CountedKey("a", "sk-a", "a", True, calls)]
        KeyHistoryStore(database).record_counters(lambda counted=counted: counted)  # type: ignore[misc]


def end(database: Database, target: str, *, tried: tuple[JobAttempt, ...] = (), watch: str | None = None) -> str:
    """Create a failed job for `target` with the attempts `tried`. Return the job's id."""
    jobs = JobStore(database)
    (job,) = jobs_for(database, [target], watch)
    jobs.claim(job.id, "test", 30)
    put_tried(database, job.id, tried, database.clock.now())
    assert jobs.fail(job.id, NoSourceError(target, "nothing"), "test")
    return job.id


def test_jobs_model_calls_and_searches_are_summed_up(db: Stores) -> None:
    assert read_recent_work(db) == NO_WORK
    address = "12 FICTIONAL AVE, ANYTOWN, ST 00000"
    tried = (
        JobAttempt("Assessor", SourceKind.ASSESSOR, "https://assessor.example/7", "used"),
        JobAttempt("Bills", SourceKind.TAX_ROLL, "https://bills.example/7", "http_status"),
        JobAttempt("Shut", SourceKind.OTHER, "https://shut.example/7", "robots_disallowed"),
        JobAttempt("web search", None, None, "searched"),
    )
    for target in (ONE, TWO):
        end(db, target)
    end(db, address, tried=tried)
    db.jobs.enqueue([THREE])
    does(db, Uses(successes=4, input_tokens=14_000, cached_tokens=2_000, output_tokens=900))
    db.answers.save_search("5" * 64, address, StoredSearch({"output": []}, "gpt-test", 8_000, 70, db.clock.now()), [])
    found = read_recent_work(db)
    sums = {"calls": 3, "input_tokens": 6_000, "cached_tokens": 2_000, "output_tokens": 900}
    assert found == RecentWork(urls=2, addresses=1, searches=1, search_tokens=8_000, **sums)
    db.clock.advance(timedelta(days=8).total_seconds())
    assert read_recent_work(db) == NO_WORK


def test_jobs_and_calls_of_watches_are_excluded(db: Stores) -> None:
    """Watched pages are mostly unchanged. They would lower the estimate for new targets."""
    end(db, ONE)
    end(db, TWO, watch="w" * 32)
    for _ in range(3):
        charge_watches(db, Charge.MODEL_CALL, 100)
    does(db, Uses(successes=4, input_tokens=4_000, cached_tokens=2_000, output_tokens=400))
    found = read_recent_work(db)
    assert (found.urls, found.calls, found.input_tokens) == (1, 1, 1_000)
    assert (found.cached_tokens, found.output_tokens) == (500, 100)
