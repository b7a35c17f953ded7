"""The input of cost estimates: which targets are new, and what recently finished jobs used."""

from datetime import timedelta

import pytest

from app.clock import ManualClock
from app.errors.targets import InvalidTargetError, NoSourceError
from app.property.record import SourceKind
from app.property.storage.database import Database
from app.property.storage.jobs.enqueue import new_targets
from app.property.storage.jobs.figures import RecentWork, read_recent_work
from app.property.storage.jobs.models import JobAttempt
from app.property.storage.jobs.repository import JobStore
from app.property.storage.keys.history import KeyHistoryStore
from app.property.storage.keys.usage import CountedKey, Uses
from app.property.storage.llm.cache import AnswerStore, StoredSearch
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.watches.budget import Charge, charge_watches
from benchmarks.saving import save_record
from tests.contract.test_store_properties import source
from tests.plugins.job_ends import put_tried
from tests.plugins.watch_steps import jobs_for

ONE, TWO, THREE = (f"https://homes.example/{n}" for n in (1, 2, 3))
NOTHING = RecentWork(0, 0, 0, 0, 0, 0, 0, 0, 0)


def test_only_targets_that_would_create_a_job_are_new(database: Database, clock: ManualClock) -> None:
    jobs = JobStore(database)
    jobs.enqueue([ONE])
    save_record(PropertyStore(database), source(TWO, at=clock.now(), ListPrice=1))
    wanted = [THREE, ONE, "HTTPS://Homes.Example:443/3#top", TWO]
    assert new_targets(database, wanted, fresh_days=30, refresh=False) == [THREE]
    assert new_targets(database, wanted, fresh_days=30, refresh=True) == [THREE, TWO]
    clock.advance(timedelta(days=31).total_seconds())
    assert new_targets(database, wanted, fresh_days=30, refresh=False) == [THREE, TWO]
    with pytest.raises(InvalidTargetError, match="nonsense"):
        new_targets(database, [ONE, "nonsense"], fresh_days=30, refresh=False)
    assert jobs.counts()["queued"] == 1, "an estimate creates no job"
    assert [job.target for job in jobs.enqueue(wanted).jobs] == [THREE, ONE, TWO]


def does(database: Database, uses: Uses) -> None:
    """Record a baseline and then `uses`, so that `uses` is added to the current hour."""
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


def test_jobs_model_calls_and_searches_are_summed_up(database: Database, clock: ManualClock) -> None:
    assert read_recent_work(database) == NOTHING
    address = "12 FICTIONAL AVE, ANYTOWN, ST 00000"
    tried = (
        JobAttempt("Assessor", SourceKind.ASSESSOR, "https://assessor.example/7", "used"),
        JobAttempt("Bills", SourceKind.TAX_ROLL, "https://bills.example/7", "http_status"),
        JobAttempt("Shut", SourceKind.OTHER, "https://shut.example/7", "robots_disallowed"),
        JobAttempt("web search", None, None, "searched"),
    )
    for target in (ONE, TWO):
        end(database, target)
    end(database, address, tried=tried)
    JobStore(database).enqueue([THREE])
    does(database, Uses(successes=4, input_tokens=14_000, cached_tokens=2_000, output_tokens=900))
    AnswerStore(database).save_search(
        "5" * 64, address, StoredSearch({"output": []}, "gpt-test", 8_000, 70, clock.now()), []
    )
    found = read_recent_work(database)
    sums = {"calls": 3, "input_tokens": 6_000, "cached_tokens": 2_000, "output_tokens": 900}
    assert found == RecentWork(urls=2, addresses=1, address_pages=2, searches=1, search_tokens=8_000, **sums)
    clock.advance(timedelta(days=8).total_seconds())
    assert read_recent_work(database) == NOTHING


def test_jobs_and_calls_of_watches_are_excluded(database: Database) -> None:
    """Watched pages are mostly unchanged, so they would lower the estimate for new targets."""
    end(database, ONE)
    end(database, TWO, watch="w" * 32)
    for _ in range(3):
        charge_watches(database, Charge.MODEL_CALL, 100)
    does(database, Uses(successes=4, input_tokens=4_000, cached_tokens=2_000, output_tokens=400))
    found = read_recent_work(database)
    assert (found.urls, found.calls, found.input_tokens) == (1, 1, 1_000)
    assert (found.cached_tokens, found.output_tokens) == (500, 100)
