"""Paged lists return every item once, even if rows change between the pages."""

import base64
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from app.clock import ManualClock
from app.errors.requests import InvalidCursorError
from app.property.storage.jobs import batches as batch_store
from app.property.storage.jobs import repository as job_store
from app.property.storage.jobs.models import Batch, Job, JobState
from app.property.storage.paging import Page, every
from app.property.storage.properties import repository as property_store
from app.property.storage.properties.tables import Property
from tests.plugins.page_records import page_record
from tests.plugins.stores import Stores

START = datetime(2026, 1, 1, tzinfo=UTC)


def _save(db: Stores, url: str, price: int = 1, sure: float = 0.9, **more: Any) -> str:
    values, sha, at = {"ListPrice": price, **more}, f"{price:064x}", db.clock.now()
    return db.save(page_record(url, values, at, sha, confidence=sure))


def _read_all(page: Callable[[str | None], Page[Any]], between: Callable[[int], object]) -> list[Any]:
    """Return the items of all pages, and call `between(n)` after the n-th page."""
    found, pages = list[Any](), 0
    cursor: str | None = None
    while True:
        current = page(cursor)
        found += current.items
        pages += 1
        if current.next_cursor is None:
            return found
        cursor = current.next_cursor
        if pages < 20:
            between(pages)


def test_every_job_is_listed_once_while_jobs_are_added(db: Stores) -> None:
    old = [job.id for n in range(4) for job in db.jobs.enqueue([f"http://a{n}.example/{i}" for i in range(7)]).jobs]
    db.clock.advance(1)
    found = _read_all(
        lambda cursor: db.jobs.page(cursor, limit=3),
        lambda n: db.jobs.enqueue([f"http://new.example/{n}/{i}" for i in range(2)]),
    )
    ids = [job.id for job in found]
    assert sorted(ids[: len(old)]) == sorted(old)
    assert len(ids) == len(set(ids)) > len(old)


def test_jobs_that_change_state_between_pages_are_not_skipped(db: Stores) -> None:
    """Paging by offset would skip jobs, because canceled jobs no longer match the filter."""
    made = db.jobs.enqueue([f"http://a.example/{n}" for n in range(12)])
    found = list(every(lambda cursor: _cancel_all(db, db.jobs.page(cursor, state="queued", limit=5))))
    assert [job.id for job in found] == made.new
    assert db.jobs.counts()["cancelled"] == 12


def _cancel_all(db: Stores, page: Page[Any]) -> Page[Any]:
    for job in page.items:
        db.jobs.cancel(job.id)
    return page


def test_a_property_that_changes_between_pages_is_listed_again(db: Stores) -> None:
    ids = [_save(db, f"http://a.example/{n}", price=n + 1) for n in range(6)]

    def change(n: int) -> None:
        if n == 1:
            _save(db, "http://a.example/0", price=50)
            _save(db, "http://a.example/5", price=60)
            ids.append(_save(db, "http://new.example/", price=70))

    found = _read_all(lambda cursor: db.properties.page(cursor, limit=2), change)
    assert [entry["property"] for entry in found] == [*ids[:5], ids[0], *ids[5:]]
    assert [entry["record"]["ListPrice"] for entry in found[-3:]] == [50, 60, 70]


def test_the_next_synchronization_starts_at_the_last_change_seen(db: Stores) -> None:
    """The clock of the second process is an hour behind, but no change gets a time before the newest one."""
    behind = Stores(db.url.render_as_string(False), ManualClock(START - timedelta(hours=1)))
    seen = _save(db, "http://a.example/1")
    newest = datetime.fromisoformat(db.properties.page().items[-1]["updated_at"])
    late = _save(behind, "http://a.example/2", price=2)
    assert [entry["property"] for entry in db.properties.page(changed_since=newest).items] == [seen, late]
    behind.close()


def test_a_property_that_absorbs_another_is_listed_as_changed(db: Stores) -> None:
    """Clients must learn which property to delete, even if no value of the other one has changed."""
    parcel = {"ParcelNumber": "31-2234-0012", "CountyOrParish": "Sangamon County", "StateOrProvince": "IL"}
    survivor = _save(db, "http://a.example/1", price=7, **parcel, YearBuilt=1990)
    merged = _save(db, "http://a.example/2", price=7, sure=0.1, **{**parcel, "ParcelNumber": "77-1111-2222"})
    before = datetime.fromisoformat(db.properties.page().items[-1]["updated_at"])
    record = db.properties.get(survivor)["record"]
    assert survivor != merged
    assert _save(db, "http://a.example/2", price=7, sure=0.1, **parcel) == survivor
    assert db.properties.get(survivor)["record"] == record
    (entry,) = db.properties.page(changed_since=before + timedelta(microseconds=1)).items
    assert (entry["property"], entry["replaces"]) == (survivor, [merged])
    assert db.properties.get(merged)["replaces"] == [merged]


def _cursor(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).rstrip(b"=").decode()


def test_an_invalid_cursor_is_refused(db: Stores) -> None:
    """A cursor is validated before the query, because PostgreSQL raises an error for NUL and for large numbers."""
    db.jobs.enqueue([f"http://a.example/{n}" for n in range(3)])
    db.jobs.enqueue(["http://b.example/1"])
    others = db.batches.page(limit=1).next_cursor, db.jobs.page(limit=1, newest_first=True).next_cursor
    parts = (
        ("jobs",), ("jobs", 1, 2), ("jobs", 1, 2, "a", "b"), ("jobs", 10**18, 0, "a"), ("jobs", -1, 0, "a"),
        ("jobs", 1, 2**31, "a"), ("jobs", 1, True, "a"), ("jobs", 1.5, 0, "a"), ("jobs", 1, 0, "a\x00"),
        ("jobs", 1, 0, "a" * 65), ("jobs", None, 0, "a"),
    )  # fmt: skip
    nested = base64.urlsafe_b64encode(b"[" * 200).decode()
    for cursor in ("", "x", "äöü", "W10", nested, *others, *(_cursor(*its) for its in parts)):
        with pytest.raises(InvalidCursorError, match="list of jobs"):
            db.jobs.page(cursor)


def _plan(db: Stores, query: Any) -> str:
    with db.reading() as connection:
        if not db.is_sqlite:
            for way in ("seqscan", "bitmapscan", "sort"):  # otherwise, PostgreSQL would scan and sort an empty table
                connection.execute(text(f"SET LOCAL enable_{way} = off"))
        compiled = str(query.compile(connection.engine, compile_kwargs={"literal_binds": True}))
        how = "EXPLAIN QUERY PLAN " if db.is_sqlite else "EXPLAIN "
        return "\n".join(str(row[-1]) for row in connection.exec_driver_sql(how + compiled.replace("%", "%%")))


def test_a_page_of_a_list_is_read_in_index_order(db: Stores) -> None:
    middle, jobs = START + timedelta(seconds=100), select(Job)
    jobs_cursor = job_store.ORDER.cursor((middle, 250, "j"))
    canonical = select(Property).where(Property.merged_into.is_(None))
    queries = {
        "jobs": job_store.ORDER.page_query(jobs, jobs_cursor, 100),
        "failed jobs": job_store.ORDER.page_query(jobs.where(Job.state == JobState.FAILED), jobs_cursor, 100),
        "done jobs": job_store.ORDER.page_query(jobs.where(Job.state == JobState.DONE), jobs_cursor, 100),
        "batches": batch_store.ORDER.page_query(select(Batch), _cursor("batches", 1_767_225_700_000_000, "b"), 100),
        "properties": property_store.ORDER.page_query(canonical, property_store.ORDER.cursor((middle, "p")), 100),
    }
    for name, query in queries.items():
        plan = _plan(db, query)
        assert re.search(r"SEARCH \w+ USING INDEX|Index Scan", plan), (name, plan)
        assert not re.search(r"Seq Scan|SCAN|TEMP B-TREE FOR ORDER BY|(?<!Incremental )Sort  \(", plan), (name, plan)


def test_jobs_and_properties_can_be_paged_newest_first(db: Stores) -> None:
    made = []
    for n in range(3):
        db.clock.advance(1)
        made += [job.id for job in db.jobs.enqueue([f"http://b{n}.example/{i}" for i in range(3)]).jobs]
    found = _read_all(lambda cursor: db.jobs.page(cursor, limit=2, newest_first=True), lambda _: None)
    assert [job.id for job in found] == made[::-1]
    saved = []
    for n in range(5):
        db.clock.advance(1)
        saved.append(_save(db, f"http://p{n}.example/", price=n + 1, ListingId=f"L{n}"))
    shown = _read_all(lambda cursor: db.properties.page(cursor, limit=2, newest_first=True), lambda _: None)
    assert [item["property"] for item in shown] == saved[::-1]
