"""Statements find rows through indexes and never scan a table that grows."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Table, insert, select, text

from app.clock import ManualClock
from app.property.page import CacheValidators, Page
from app.property.storage.jobs.models import Job
from app.property.storage.llm.cache import Question, StoredAnswer
from app.property.storage.llm.tables import LlmCache
from app.property.storage.pages.tables import Blob, PageCopy
from app.property.storage.properties.tables import Observation, Property, SourceRow
from app.property.storage.watches.models import Change
from app.services.privacy.retention import prune_jobs, prune_pages
from app.settings import Settings
from tests.contract.test_store_properties import ADDRESS, source
from tests.plugins.job_ends import finish
from tests.plugins.statements import plan_of, recorded
from tests.plugins.stores import Stores

_HOMES = 500
_READINGS = 10


#: Regular expression for the tables that grow with the number of scrapes.
_LARGE = "changes|jobs|observations|pages|source_records"


def scanned(db: Stores, statements: list[tuple[str, Any]], tables: str = _LARGE) -> list[str]:
    """Return the statements that scan one of `tables`, each with its plan."""
    scan = "SCAN" if db.is_sqlite else "Seq Scan on"
    found = []
    for sql, parameters in statements:
        if not re.match(r"SELECT|UPDATE|DELETE", sql) or "pg_advisory" in sql:
            continue
        plan = plan_of(db, sql, parameters)
        if re.search(rf"{scan} ({tables})\b(?! USING INDEX ix_jobs_with_error)", plan):
            found.append(f"{sql}\n{plan}")
    return found


@pytest.fixture
def filled(db: Stores) -> Stores:
    """Return a database with an expired agent name, a property with a price change, and 500 copies of that property."""
    began, other = db.clock.now(), ADDRESS | {"StreetNumber": "14"}
    db.save(source("https://a.example/1", at=began, ListAgentFullName="Ottilie Quackenbush", **ADDRESS))
    old = source("https://a.example/2", at=began, sha="a" * 64, ListPrice=100, **other)
    db.save(old)
    db.clock.advance(timedelta(days=100).total_seconds())
    home = db.save(replace(old, content_sha256="b" * 64, fetched_at=db.clock.now()))
    job_id = _scraped(db, old.url, home, db.clock)
    with db.writing() as connection:
        for table, mine, each in (
            (Property.__table__, Property.id == home, 1),
            (SourceRow.__table__, SourceRow.property_id == home, 1),
            (Observation.__table__, Observation.content_sha256 == "b" * 64, _READINGS),
            (Job.__table__, Job.id == job_id, _READINGS),
            (Blob.__table__, Blob.packed_bytes > 0, 1),
            (PageCopy.__table__, PageCopy.job_id == job_id, _READINGS),
            (Change.__table__, Change.property_id == home, _READINGS),
        ):
            row = connection.execute(select(table).where(mine)).mappings().first()
            assert row is not None
            copies = [_copy(table, dict(row), number, turn) for number in range(_HOMES) for turn in range(each)]
            connection.execute(insert(table), copies)
        connection.execute(text("ANALYZE"))
    return db


def _scraped(db: Stores, url: str, home: str, clock: ManualClock) -> str:
    """Store a job for the page, a copy of the page, and a published change. Return the job's id."""
    store = db.jobs
    (job_id,) = store.enqueue([url], refresh=True).new
    store.claim(job_id, "owner", 30)
    db.pages.save_page(Page(url, url, "text/html", "x", b"x", clock.now(), CacheValidators('"1"')), job_id)
    finish(store, job_id, "owner", home)
    change = {"property_id": home, "field": "ListPrice", "new": 1, "new_evidence": {}, "state": "published"}
    evidence = {"id": "c" * 32, "url": url, "urls": f" {url} ", "seen_at": clock.now(), "updated_at": clock.now()}
    db.execute(insert(Change).values(change | evidence))
    return job_id


def _copy(table: Table, row: dict[str, Any], number: int, turn: int) -> dict[str, Any]:
    """Return the row with other ids, as for another property, page, and body."""
    url, place = f"https://b.example/{number}", number * _READINGS
    own = dict.fromkeys(("url", "final_url", "page_url", "source_url", "target"), url) | {"urls": f" {url} "}
    own |= {"property_id": f"{place:032}", "content_sha256": f"{turn:064}", "job_id": None, "id": f"{place + turn:032}"}
    own |= dict.fromkeys(("sha256", "text_sha256"), f"{number:064}")
    numbered = table.autoincrement_column
    return {name: own.get(name, value) for name, value in row.items() if numbered is None or name != numbered.name}


def test_pruning_values_reads_through_an_index(filled: Stores) -> None:
    for days, expected in ((150, (0, 0, 0)), (50, (1, 1, 5))):
        with recorded(filled) as statements:
            names, values = filled.ages.prune_names(days), filled.ages.prune_observations(days)
        assert (names.observations, names.records, values.observations) == expected
        assert len(statements) >= 5
        assert not scanned(filled, statements)


def test_pruning_copies_with_nothing_due_reads_through_an_index(db: Stores) -> None:
    page = Page("https://a.example/1", "https://a.example/1", "text/html", "as text", b"as bytes", db.clock.now())
    db.pages.save_page(page)
    question = Question(page.sha256, ("Roof",), "m", "p")
    db.answers.save_model_answer(question, StoredAnswer({}, "m", 1, 1))
    with db.writing() as connection:
        for table in (Blob.__table__, PageCopy.__table__, LlmCache.__table__):
            row = dict(connection.execute(select(table)).mappings().first() or {})
            copies = [{**row, **_own_key(table, number)} for number in range(_HOMES)]
            connection.execute(insert(table), copies)
        connection.execute(text("ANALYZE"))
    settings = Settings.of(page_store_max_bytes=0)  # without a size limit, because its check reads a whole index
    with recorded(db) as statements:
        removed = prune_pages(settings, db) | prune_jobs(settings, db)
    assert not any(removed.values())
    assert len(statements) >= 5
    assert not scanned(db, statements, "blobs|pages|llm_cache")


def _own_key(table: Table, number: int) -> dict[str, Any]:
    sha256 = f"{number:064}"
    own = {"id": number + 10 if table is PageCopy.__table__ else sha256, "url": str(number)}
    own |= dict.fromkeys(("sha256", "text_sha256", "content_sha256"), sha256)
    return {name: value for name, value in own.items() if name in table.c}


def test_a_url_is_purged_through_an_index(filled: Stores) -> None:
    with recorded(filled) as scans, filled.reading() as connection:
        connection.execute(select(Observation.id).where(Observation.value_sha256 == "")).all()
    assert len(scanned(filled, scans)) == 1, "a scan must be detected"
    with recorded(filled) as statements:
        removed = filled.purge("url", "https://a.example/2")
    gone = {"source_records": 1, "observations": 10, "properties": 1, "jobs": 1, "changes": 1}
    assert {name: removed[name] for name in gone} == gone
    assert len(statements) > 40
    assert not scanned(filled, statements)
