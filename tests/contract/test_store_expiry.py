"""Rows are deleted at their age limit: jobs, usage, answers, history, and names of people."""

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import func, select

from app.errors import ConfigurationError
from app.property.page import Page
from app.property.record import SourceKind
from app.property.storage import audit, expiry
from app.property.storage.audit import AuditEntry
from app.property.storage.jobs.attempts import note_failed_page
from app.property.storage.jobs.idempotency import RequestKey
from app.property.storage.jobs.leases import Lease
from app.property.storage.jobs.models import Batch, DailyUsage, Job, JobAttempt
from app.property.storage.jobs.usage import Requester
from app.property.storage.llm.cache import Question, StoredAnswer, StoredSearch
from app.property.storage.llm.tables import LlmCache
from app.property.storage.pages.index import Seen, note_url
from app.property.storage.pages.tables import PageAlias, PageCopy
from app.property.storage.properties.tables import IdentityDecision, Observation, SourceRow, Unverified
from app.property.storage.statements import digest
from app.services.privacy.retention import prune_jobs
from app.settings import Settings, load_settings
from tests.contract.conftest import count
from tests.contract.test_store_properties import ADDRESS, source
from tests.plugins.job_ends import confirm, finish, put_claims, put_tried
from tests.plugins.page_records import page_record
from tests.plugins.stores import Stores

URL = "https://homes.example/1"
EXPIRES = (Job, Batch, JobAttempt, DailyUsage, PageAlias, IdentityDecision, AuditEntry)
AGENT = "Ottilie Quackenbush"
PAGE = "https://www.homes.example/h/48213"
DAY = 86_400


def end(db: Stores) -> None:
    """Finish a job with a page, attempts, and a property, and complete its batch."""
    requester, now = Requester("c" * 64, key=RequestKey("k" * 64, "f" * 64)), db.clock.now()
    job_id = db.start(URL, requester=requester, refresh=True).id
    db.pages.save_page(Page(URL, URL, "text/html", "<p>", b"<p>", now), job_id)
    put_tried(db, job_id, [JobAttempt("A", SourceKind.GIS, URL, "used")], now)
    note_failed_page(db, Lease(job_id, "me"), JobAttempt("A", SourceKind.GIS, URL, "gone", "gone", 1), now)
    assert finish(db.jobs, job_id, "me", db.save(source(URL, at=now, **ADDRESS)))
    db.batches.complete()


def left(db: Stores) -> dict[str, int]:
    rows = {one.__tablename__: count(db, one) for one in EXPIRES}
    rows["daily_usage"] = count(db, DailyUsage, DailyUsage.unit == "target")
    return {name: number for name, number in rows.items() if number}


def expire(db: Stores) -> dict[str, int]:
    return prune_jobs(Settings.of(), db)


def test_each_table_is_pruned_at_its_age_limit(db: Stores) -> None:
    end(db)
    now = db.clock.now()
    other = db.save(source("https://other.example/2", at=now, ParcelNumber="77-88"))
    (home,) = [one["property"] for one in db.properties.page().items if one["property"] != other]
    db.decisions.undo(db.decisions.join(home, other, who="Ann").id, who="Ann")
    with db.writing() as connection:
        note_url(connection, "https://homes.example/1?ref=2", URL, now)
        audit.record(connection, now, "Ann", "purge", "url", removed={})
    everything = left(db)
    assert set(everything) == {table.__tablename__ for table in EXPIRES}
    db.clock.advance(timedelta(hours=1).total_seconds())
    assert (expire(db), left(db)) == ({"jobs": 0, "rows": 0}, everything)
    db.clock.advance(timedelta(days=89, hours=22).total_seconds())
    expire(db)
    gone = {"daily_usage"}
    assert set(left(db)) == set(everything) - gone, "jobs must be kept for 90 days"
    db.clock.advance(timedelta(hours=2).total_seconds())
    assert expire(db)["jobs"] == 1
    gone |= {"jobs", "batches", "job_attempts"}
    assert set(left(db)) == set(everything) - gone
    db.clock.advance(timedelta(days=3_700).total_seconds())
    expire(db)
    assert left(db) == {}
    assert count(db, PageCopy) == 1, "copies of pages have another age limit"
    assert count(db, SourceRow) == 2


def test_pruning_pauses_once_between_two_transactions(db: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pause depends on how long the previous transaction took, without pauses."""
    end(db)
    db.clock.advance(timedelta(days=3_700).total_seconds())
    seconds, pauses = 0.0, list[float]()

    def sleep(pause: float) -> None:
        nonlocal seconds
        seconds += pause
        pauses.append(pause)

    timer = SimpleNamespace(sleep=sleep, monotonic=lambda: seconds)
    monkeypatch.setattr("app.property.storage.database.time", timer)
    expire(db)
    if db.is_sqlite:
        assert len(pauses) > 2
        assert max(pauses) == pytest.approx(0.005)
    else:
        assert pauses == []


def test_jobs_are_kept_until_their_batch_has_expired(db: Stores) -> None:
    """A batch that is not complete still counts its jobs, so none of them may be deleted."""
    first, second = db.jobs.enqueue([URL, "https://homes.example/2"]).new
    db.jobs.cancel(first)
    db.clock.advance(timedelta(days=100).total_seconds())
    db.batches.complete()
    expire(db)
    assert count(db, Job) == 2
    db.jobs.cancel(second)
    db.batches.complete()
    assert expire(db)["jobs"] == 0, "the batch has only just been completed"
    db.clock.advance(timedelta(days=91).total_seconds())
    assert (expire(db)["jobs"], count(db, Job)) == (2, 0)


def test_old_answers_of_models_and_searches_are_deleted(db: Stores) -> None:
    """Answers may name people. They expire with pages or with personal data, whichever is earlier."""
    for n in range(2):
        question = Question(str(n) * 64, ("Roof",), "m", "p")
        db.answers.save_model_answer(question, StoredAnswer({"Roof": (["tile"], "tile")}, "m", 1, 1))
        found = StoredSearch({"output": []}, "m", 1, 1, db.clock.now())
        db.answers.save_search(str(n) * 64, URL, found, [])
        db.clock.advance(timedelta(days=6).total_seconds())
    assert expire(db) == {"jobs": 0, "rows": 0}
    settings = Settings.of(page_retention_days=20, personal_data_retention_days=10)
    assert expiry.delete_expired(db, settings) == {"llm_cache": 2}
    assert count(db, LlmCache) == 2


def test_jobs_must_be_kept_while_their_properties_are_fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JOB_RETENTION_DAYS", "20")
    with pytest.raises(ConfigurationError, match=r"JOB_RETENTION_DAYS.*at least PROPERTY_FRESH_DAYS"):
        load_settings()
    monkeypatch.setenv("PROPERTY_FRESH_DAYS", "20")
    assert load_settings().jobs.job_retention_days == 20


def read(db: Stores, url: str = PAGE, **values: Any) -> str:
    """Store a page as read now, with the agent's name in each quote. Return the property's id."""
    given = {"StreetNumber": "12", "StreetName": "Oak St", "PostalCode": "62701", "ListAgentFullName": AGENT, **values}
    sha, quote = digest(given), f"{{}} by {AGENT}"
    record = page_record(url, given, db.clock.now(), sha, quote=quote, page_url=url)
    return db.save(record, edition="e1")


def fields(db: Stores) -> dict[str, int]:
    query = select(Observation.field, func.count()).group_by(Observation.field)
    return {row[0]: row[1] for row in db.execute(query)}


def test_an_old_name_is_deleted_from_every_place(db: Stores) -> None:
    home = read(db, ListPrice=100, PublicRemarks=f"Ask {AGENT}.")
    said = {"field": "ListAgentFullName", "value": AGENT, "quote": f"{AGENT} sells it", "reported_by": "m"}
    claim = Unverified(**said, url="https://dead.example/1", seen_at=db.clock.now())
    put_claims(db, home, [claim])
    db.clock.advance(100 * DAY)
    assert not db.ages.prune_names(100).records, "the name has not exceeded its age limit"
    db.clock.advance(1)
    aged = db.ages.prune_names(100)
    assert (aged.records, aged.more) == (1, False)
    shown = db.properties.get(home)
    assert AGENT not in str(shown)
    assert (shown["record"]["ListPrice"], shown["record"]["PublicRemarks"]) == (100, "Ask [removed].")
    assert shown["evidence"]["ListPrice"]["quote"] == "100 by [removed]"
    assert fields(db).keys() == {"StreetNumber", "StreetName", "PostalCode", "ListPrice"}
    assert AGENT not in str(db.execute(select(Observation)))
    (entry,) = db.execute(select(AuditEntry))
    assert (entry.who, entry.action, entry.removed) == ("beat", "age", {"observations": 2, "records": 1})
    assert db.ages.prune_names(100) == type(aged)()


def test_a_confirmed_name_stays_and_a_deleted_name_returns_when_its_page_is_read(db: Stores) -> None:
    home = read(db)
    sha256 = db.properties.get(home)["sources"][0]["content_sha256"]
    db.clock.advance(90 * DAY)
    assert confirm(db, Seen(PAGE, PAGE, sha256, "e1"), db.clock.now()) is not None
    db.clock.advance(90 * DAY)
    assert not db.ages.prune_names(100).records
    assert fields(db)["ListAgentFullName"] == 1
    db.clock.advance(11 * DAY)
    assert db.ages.prune_names(100).records == 1
    assert confirm(db, Seen(PAGE, PAGE, sha256, "e1"), db.clock.now()) is None, "the page must be read again"
    read(db)
    assert db.properties.get(home)["record"]["ListAgentFullName"] == AGENT


def test_old_history_is_deleted_and_current_values_stay(db: Stores) -> None:
    home = read(db, ListPrice=100)
    db.clock.advance(10 * DAY)
    read(db, ListPrice=90)
    db.clock.advance(1000 * DAY)
    assert db.ages.prune_observations(1005).observations == 5
    assert not db.ages.prune_observations(500).observations, "the page still shows this value"
    assert fields(db) == dict.fromkeys(
        ["StreetNumber", "StreetName", "PostalCode", "ListAgentFullName", "ListPrice"], 1
    )
    assert db.properties.get(home)["record"]["ListPrice"] == 90


def test_names_are_deleted_in_small_transactions(db: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.property.storage.privacy.ages._AT_ONCE", 2)
    for n in range(3):
        read(db, f"{PAGE}/{n}", StreetNumber=str(n + 1))
    db.clock.advance(timedelta(days=30).total_seconds())
    first, second = db.ages.prune_names(20), db.ages.prune_names(20)
    assert (first.records, first.more) == (2, True)
    assert second.records == 1
    assert "ListAgentFullName" not in fields(db)
