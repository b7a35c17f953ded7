"""Paged lists return every item once, even if rows change between the pages."""

import base64
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, text

from app.clock import ManualClock
from app.errors.requests import InvalidCursorError
from app.property.storage.database import Database
from app.property.storage.jobs import batches as batch_store
from app.property.storage.jobs import repository as job_store
from app.property.storage.jobs.batches import BatchStore
from app.property.storage.jobs.models import Batch as BatchRow
from app.property.storage.jobs.models import Job as JobRow
from app.property.storage.jobs.models import JobState
from app.property.storage.jobs.repository import JobStore
from app.property.storage.paging import Page, every
from app.property.storage.properties import repository as property_store
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.properties.tables import Property
from benchmarks.saving import save_record
from tests.plugins.page_records import page_record

START = datetime(2026, 1, 1, tzinfo=UTC)


def _save(store: PropertyStore, url: str, clock: ManualClock, price: int = 1, sure: float = 0.9, **more: Any) -> str:
    values, sha, at = {"ListPrice": price, **more}, f"{price:064x}", clock.now()
    return save_record(store, page_record(url, values, at, sha, confidence=sure))


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


def test_every_job_is_listed_once_while_jobs_are_added(database: Database, clock: ManualClock) -> None:
    store = JobStore(database)
    old = [job.id for n in range(4) for job in store.enqueue([f"http://a{n}.example/{i}" for i in range(7)]).jobs]
    clock.advance(1)
    found = _read_all(
        lambda cursor: store.page(cursor, limit=3),
        lambda n: store.enqueue([f"http://new.example/{n}/{i}" for i in range(2)]),
    )
    ids = [job.id for job in found]
    assert sorted(ids[: len(old)]) == sorted(old)
    assert len(ids) == len(set(ids)) > len(old)


def test_jobs_that_change_state_between_pages_are_not_skipped(database: Database) -> None:
    """Paging by offset would skip jobs, because earlier jobs no longer match the state filter."""
    store = JobStore(database)
    made = store.enqueue([f"http://a.example/{n}" for n in range(12)])
    found = list(every(lambda cursor: _cancel_all(store, store.page(cursor, state="queued", limit=5))))
    assert [job.id for job in found] == made.new
    assert store.counts()["cancelled"] == 12


def _cancel_all(store: JobStore, page: Page[Any]) -> Page[Any]:
    for job in page.items:
        store.cancel(job.id)
    return page


def test_every_batch_is_listed_once_while_batches_are_added(database: Database) -> None:
    """All batches have the same creation time, so they are ordered by id."""
    store, listed = JobStore(database), BatchStore(database)
    old = {store.enqueue([f"http://a.example/{n}"]).batch for n in range(9)}
    found = _read_all(lambda cursor: listed.page(cursor, limit=2), lambda n: store.enqueue([f"http://new.example/{n}"]))
    ids = [batch.id for batch in found]
    assert len(ids) == len(set(ids))
    assert old <= set(ids)


def test_a_property_that_changes_between_pages_is_listed_again(database: Database, clock: ManualClock) -> None:
    """The clock does not advance, but each change gets a unique time."""
    store = PropertyStore(database)
    ids = [_save(store, f"http://a.example/{n}", clock, price=n + 1) for n in range(6)]

    def change(n: int) -> None:
        if n == 1:
            _save(store, "http://a.example/0", clock, price=50)
            _save(store, "http://a.example/5", clock, price=60)
            ids.append(_save(store, "http://new.example/", clock, price=70))

    found = _read_all(lambda cursor: store.page(cursor, limit=2), change)
    assert [entry["property"] for entry in found] == [*ids[:5], ids[0], *ids[5:]]
    assert [entry["record"]["ListPrice"] for entry in found[-3:]] == [50, 60, 70]


def test_the_next_synchronization_starts_at_the_last_change_seen(database: Database, clock: ManualClock) -> None:
    """Another machine's clock may be an hour behind, but no change gets a time before the newest one."""
    store, behind = PropertyStore(database), PropertyStore(Database(database.url.render_as_string(False)))
    behind.database.clock = ManualClock(START - timedelta(hours=1))
    seen = _save(store, "http://a.example/1", clock)
    newest = datetime.fromisoformat(store.page().items[-1]["updated_at"])
    late = _save(behind, "http://a.example/2", clock, price=2)
    assert [entry["property"] for entry in store.page(changed_since=newest).items] == [seen, late]
    behind.database.close()


def test_a_property_that_absorbs_another_is_listed_as_changed(database: Database, clock: ManualClock) -> None:
    """Clients learn which property to delete, even if the remaining property's values have not changed."""
    store = PropertyStore(database)
    parcel = {"ParcelNumber": "31-2234-0012", "CountyOrParish": "Sangamon County", "StateOrProvince": "IL"}
    survivor = _save(store, "http://a.example/1", clock, price=7, **parcel, YearBuilt=1990)
    merged = _save(store, "http://a.example/2", clock, price=7, sure=0.1, **{**parcel, "ParcelNumber": "77-1111-2222"})
    before = datetime.fromisoformat(store.page().items[-1]["updated_at"])
    record = store.get(survivor)["record"]
    assert survivor != merged
    assert _save(store, "http://a.example/2", clock, price=7, sure=0.1, **parcel) == survivor
    assert store.get(survivor)["record"] == record
    (entry,) = store.page(changed_since=before + timedelta(microseconds=1)).items
    assert (entry["property"], entry["replaces"]) == (survivor, [merged])
    assert store.get(merged)["replaces"] == [merged]


def _cursor(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).rstrip(b"=").decode()


def test_an_invalid_cursor_is_refused(database: Database) -> None:
    """Cursors are validated before the query, because PostgreSQL would raise an error for NUL and large numbers."""
    store = JobStore(database)
    store.enqueue([f"http://a.example/{n}" for n in range(3)])
    store.enqueue(["http://b.example/1"])
    others = BatchStore(database).page(limit=1).next_cursor, store.page(limit=1, newest_first=True).next_cursor
    parts = (
        ("jobs",), ("jobs", 1, 2), ("jobs", 1, 2, "a", "b"), ("jobs", 10**18, 0, "a"), ("jobs", -1, 0, "a"),
        ("jobs", 1, 2**31, "a"), ("jobs", 1, True, "a"), ("jobs", 1.5, 0, "a"), ("jobs", 1, 0, "a\x00"),
        ("jobs", 1, 0, "a" * 65), ("jobs", None, 0, "a"),
    )  # fmt: skip
    nested = base64.urlsafe_b64encode(b"[" * 200).decode()
    for cursor in ("", "x", "äöü", "W10", nested, *others, *(_cursor(*its) for its in parts)):
        with pytest.raises(InvalidCursorError, match="list of jobs"):
            store.page(cursor)


MANY = 100_000


@pytest.fixture
def full(database: Database) -> Database:
    """Return a database with 100,000 jobs in 200 batches and 100,000 properties."""
    with database.writing() as connection:
        for b in range(200):
            moment = START + timedelta(seconds=b)
            row = {"id": f"b{b:031}", "created_at": moment, "priority": 5, "targets": 500, "duplicates": 0}
            connection.execute(insert(BatchRow).values(row))
            connection.execute(insert(JobRow), [_job(b, n, moment) for n in range(MANY // 200)])
            connection.execute(insert(Property), [_property(b, n, moment) for n in range(MANY // 200)])
        if not database.is_sqlite:
            connection.execute(text("ANALYZE"))
    return database


def _job(b: int, n: int, moment: datetime) -> dict[str, Any]:
    fixed = {"priority": 5, "refresh": False, "attempts": 1, "waited_seconds": 0.0, "wanted_model": [], "sent_times": 1}
    row = {"id": f"j{b:015}{n:016}", "batch_id": f"b{b:031}", "position": n, "target": f"http://h.example/{b}/{n}"}
    state = "failed" if n % 50 == 0 else "done"
    return {**fixed, **row, "state": state, "created_at": moment}


def _property(b: int, n: int, moment: datetime) -> dict[str, Any]:
    moment += timedelta(microseconds=n)
    fixed = {"record": {}, "evidence": {}, "conflicts": []}
    return {**fixed, "id": f"p{b:015}{n:016}", "created_at": moment, "updated_at": moment}


def _plan(database: Database, query: Any) -> str:
    """Return the query plan for one page in the middle of the list."""
    with database.reading() as connection:
        if not database.is_sqlite:
            for way in ("seqscan", "bitmapscan", "sort"):  # without this, PostgreSQL would sort all 200 batches
                connection.execute(text(f"SET LOCAL enable_{way} = off"))
        compiled = str(query.compile(connection.engine, compile_kwargs={"literal_binds": True}))
        how = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
        return "\n".join(str(row[-1]) for row in connection.exec_driver_sql(how + compiled.replace("%", "%%")))


@pytest.mark.long
def test_a_page_among_100_000_rows_is_read_in_index_order(full: Database) -> None:
    """No query plan scans all rows or sorts more rows than share one timestamp."""
    middle, jobs = START + timedelta(seconds=100), select(JobRow)
    jobs_cursor = job_store.ORDER.cursor((middle, 250, "j"))
    canonical = select(Property).where(Property.merged_into.is_(None))
    queries = {
        "jobs": job_store.ORDER.page_query(jobs, jobs_cursor, 100),
        "failed jobs": job_store.ORDER.page_query(jobs.where(JobRow.state == JobState.FAILED), jobs_cursor, 100),
        "done jobs": job_store.ORDER.page_query(jobs.where(JobRow.state == JobState.DONE), jobs_cursor, 100),
        "batches": batch_store.ORDER.page_query(select(BatchRow), _cursor("batches", 1_767_225_700_000_000, "b"), 100),
        "properties": property_store.ORDER.page_query(canonical, property_store.ORDER.cursor((middle, "p")), 100),
    }
    for name, query in queries.items():
        plan = _plan(full, query)
        assert re.search(r"SEARCH \w+ USING INDEX|Index Scan", plan), (name, plan)
        assert not re.search(r"Seq Scan|SCAN|TEMP B-TREE FOR ORDER BY|(?<!Incremental )Sort  \(", plan), (name, plan)


def test_jobs_and_properties_can_be_paged_newest_first(database: Database, clock: ManualClock) -> None:
    store = JobStore(database)
    made = []
    for n in range(3):
        clock.advance(1)
        made += [job.id for job in store.enqueue([f"http://b{n}.example/{i}" for i in range(3)]).jobs]
    found = _read_all(lambda cursor: store.page(cursor, limit=2, newest_first=True), lambda _: None)
    assert [job.id for job in found] == made[::-1]
    property_list = PropertyStore(database)
    saved = []
    for n in range(5):
        clock.advance(1)
        saved.append(_save(property_list, f"http://p{n}.example/", clock, price=n + 1, ListingId=f"L{n}"))
    shown = _read_all(lambda cursor: property_list.page(cursor, limit=2, newest_first=True), lambda _: None)
    assert [item["property"] for item in shown] == saved[::-1]
