"""Jobs, batches, and usage records are deleted at their age limit."""

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.clock import ManualClock
from app.errors import ConfigurationError
from app.property.page import Page
from app.property.record import SourceKind
from app.property.storage import audit, expiry
from app.property.storage.audit import AuditEntry
from app.property.storage.database import Database
from app.property.storage.jobs.attempts import note_failed_page
from app.property.storage.jobs.batches import BatchStore
from app.property.storage.jobs.idempotency import RequestKey
from app.property.storage.jobs.leases import Lease
from app.property.storage.jobs.models import Batch, DailyUsage, Job, JobAttempt
from app.property.storage.jobs.repository import JobStore
from app.property.storage.jobs.usage import Requester
from app.property.storage.llm.cache import AnswerStore, Question, StoredAnswer, StoredSearch
from app.property.storage.llm.tables import LlmCache
from app.property.storage.pages.index import note_url
from app.property.storage.pages.repository import PageStore
from app.property.storage.pages.tables import PageAlias, PageCopy
from app.property.storage.properties.decisions import DecisionStore
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.properties.tables import IdentityDecision, SourceRow
from app.property.storage.types import Base
from app.services.privacy.retention import prune_jobs
from app.settings import Settings, load_settings
from benchmarks.saving import save_record
from tests.contract.conftest import count
from tests.contract.test_store_properties import ADDRESS, source
from tests.plugins.job_ends import finish, put_tried

URL = "https://homes.example/1"
EXPIRES = (Job, Batch, JobAttempt, DailyUsage, PageAlias, IdentityDecision, AuditEntry)


def end(database: Database, url: str = URL, *, requester: Requester | None = None) -> str:
    """Finish a job with a page, attempts, and a property, and complete its batch. Return the job's id."""
    jobs, now = JobStore(database), database.clock.now()
    (job_id,) = jobs.enqueue([url], requester=requester, refresh=True).new
    jobs.claim(job_id, "test", 30)
    PageStore(database).save_page(Page(url, url, "text/html", "<p>", b"<p>", now), job_id)
    put_tried(database, job_id, [JobAttempt("A", SourceKind.GIS, url, "used")], now)
    note_failed_page(database, Lease(job_id, "test"), JobAttempt("A", SourceKind.GIS, url, "gone", "gone", 1), now)
    home = save_record(PropertyStore(database), source(url, at=now, **ADDRESS))
    assert finish(jobs, job_id, "test", home)
    BatchStore(database).complete()
    return job_id


def left(database: Database, *some: type[Base]) -> dict[str, int]:
    """Return the row counts of the nonempty tables."""
    rows = {one.__tablename__: count(database, one) for one in some or EXPIRES}
    if DailyUsage.__tablename__ in rows:
        rows[DailyUsage.__tablename__] = count(database, DailyUsage, DailyUsage.unit == "target")
    return {name: number for name, number in rows.items() if number}


def expire(database: Database) -> dict[str, int]:
    return prune_jobs(Settings.of(), database)


def test_each_table_is_pruned_at_its_age_limit(database: Database, clock: ManualClock) -> None:
    end(database, requester=Requester("c" * 64, key=RequestKey("k" * 64, "f" * 64)))
    decisions, now = DecisionStore(database), clock.now()
    store = PropertyStore(database)
    other = save_record(store, source("https://other.example/2", at=now, ParcelNumber="77-88"))
    (home,) = [one["property"] for one in store.page().items if one["property"] != other]
    decisions.undo(decisions.join(home, other, who="Ann").id, who="Ann")
    with database.writing() as connection:
        note_url(connection, "https://homes.example/1?ref=2", URL, now)
        audit.record(connection, now, "Ann", "purge", "url", removed={})
    everything = left(database)
    assert set(everything) == {table.__tablename__ for table in EXPIRES}
    clock.advance(timedelta(hours=1).total_seconds())
    assert (expire(database), left(database)) == ({"jobs": 0, "rows": 0}, everything)
    clock.advance(timedelta(days=89, hours=22).total_seconds())
    expire(database)
    gone = {"daily_usage"}
    assert set(left(database)) == set(everything) - gone, "jobs must be kept for 90 days"
    clock.advance(timedelta(hours=2).total_seconds())
    assert expire(database)["jobs"] == 1
    gone |= {"jobs", "batches", "job_attempts"}
    assert set(left(database)) == set(everything) - gone
    clock.advance(timedelta(days=3_700).total_seconds())
    expire(database)
    assert left(database) == {}
    assert count(database, PageCopy) == 1, "copies of pages have another age limit"
    assert count(database, SourceRow) == 2


def test_pruning_pauses_once_between_two_transactions(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each pause depends on the duration of the previous transaction, which must not include another pause."""
    end(database, requester=Requester("c" * 64, key=RequestKey("k" * 64, "f" * 64)))
    clock.advance(timedelta(days=3_700).total_seconds())
    seconds, pauses = 0.0, list[float]()

    def sleep(pause: float) -> None:
        nonlocal seconds
        seconds += pause
        pauses.append(pause)

    timer = SimpleNamespace(sleep=sleep, monotonic=lambda: seconds)
    monkeypatch.setattr("app.property.storage.database.time", timer)
    expire(database)
    if database.is_sqlite:
        assert len(pauses) > 2
        assert max(pauses) == pytest.approx(0.005)
    else:
        assert pauses == []


def test_jobs_are_kept_until_their_batch_has_expired(database: Database, clock: ManualClock) -> None:
    """An open batch still counts its jobs, so none of them may be deleted."""
    jobs = JobStore(database)
    first, second = jobs.enqueue([URL, "https://homes.example/2"]).new
    jobs.cancel(first)
    clock.advance(timedelta(days=100).total_seconds())
    BatchStore(database).complete()
    expire(database)
    assert count(database, Job) == 2
    jobs.cancel(second)
    BatchStore(database).complete()
    assert expire(database)["jobs"] == 0, "the batch has only just been completed"
    clock.advance(timedelta(days=91).total_seconds())
    assert (expire(database)["jobs"], count(database, Job)) == (2, 0)


def test_old_answers_of_models_and_searches_are_deleted(database: Database, clock: ManualClock) -> None:
    """Answers may name people, so they expire at the age limit of pages or of personal data, whichever is shorter."""
    answers = AnswerStore(database)
    for n in range(2):
        question = Question(str(n) * 64, ("Roof",), "m", "p")
        answers.save_model_answer(question, StoredAnswer({"Roof": (["tile"], "tile")}, "m", 1, 1))
        found = StoredSearch({"output": []}, "m", 1, 1, clock.now())
        answers.save_search(str(n) * 64, URL, found, [])
        clock.advance(timedelta(days=6).total_seconds())
    assert expire(database) == {"jobs": 0, "rows": 0}
    settings = Settings.of(page_retention_days=20, personal_data_retention_days=10)
    assert expiry.delete_expired(database, settings) == {"llm_cache": 2}
    assert count(database, LlmCache) == 2


def test_jobs_must_be_kept_while_their_properties_are_fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JOB_RETENTION_DAYS", "20")
    with pytest.raises(ConfigurationError, match=r"JOB_RETENTION_DAYS.*at least PROPERTY_FRESH_DAYS"):
        load_settings()
    monkeypatch.setenv("PROPERTY_FRESH_DAYS", "20")
    assert load_settings().jobs.job_retention_days == 20
