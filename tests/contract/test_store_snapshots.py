"""An export is a snapshot: each property appears once. The next export continues without gaps."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.clock import ManualClock
from app.property.source_record import SourceRecord
from app.property.storage.database import Database
from app.property.storage.properties.repository import PropertyStore
from benchmarks.saving import save_record
from tests.plugins.page_records import page_record

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def source(number: int, at: datetime = T0, **values: Any) -> SourceRecord:
    url, sha = f"https://a.example/{number}", f"{number:x}".rjust(64, f"{at.day % 10}")
    return page_record(url, values, at, sha)


@pytest.fixture
def store(database: Database) -> PropertyStore:
    return PropertyStore(database)


def fill(store: PropertyStore, clock: ManualClock, count: int) -> list[str]:
    ids = []
    for number in range(count):
        clock.advance(1)
        ids.append(save_record(store, source(number, ListPrice=1000 + number)))
    return ids


def test_a_change_during_an_export_appears_in_the_next_export(store: PropertyStore, clock: ManualClock) -> None:
    ids = fill(store, clock, 7)
    rows = store.snapshot(page=2)
    seen = [next(rows) for _ in range(3)]
    clock.advance(1)
    # this property was exported before the change
    save_record(store, source(0, at=T0 + timedelta(days=1), ListPrice=5))
    save_record(store, source(5, at=T0 + timedelta(days=1), ListPrice=6))  # this property is exported after the change
    clock.advance(1)
    added = save_record(store, source(7, ListPrice=1007))
    seen += rows
    assert [row["property"] for row in seen] == ids
    assert [row["record"]["ListPrice"] for row in seen] == [1000, 1001, 1002, 1003, 1004, 1005, 1006]

    since = datetime.fromisoformat(seen[-1]["updated_at"])
    changed = {row["property"]: row["record"]["ListPrice"] for row in store.snapshot(changed_since=since)}
    assert changed == {ids[6]: 1006, ids[0]: 5, ids[5]: 6, added: 1007}


def test_an_export_of_full_pages_ends(store: PropertyStore, clock: ManualClock) -> None:
    ids = fill(store, clock, 4)
    for page in (1, 2, 3, 4, 5):
        assert [row["property"] for row in store.snapshot(page=page)] == ids
    assert list(store.snapshot(changed_since=clock.now() + timedelta(seconds=1))) == []


def test_an_abandoned_export_frees_its_connection(store: PropertyStore, clock: ManualClock) -> None:
    fill(store, clock, 3)
    rows = store.snapshot(page=1)
    next(rows)
    rows.close()
    assert list(rows) == []
    clock.advance(1)
    # A snapshot that was still open would not include this property.
    save_record(store, source(9, ListPrice=9))
    assert [row["record"]["ListPrice"] for row in store.snapshot()][-1] == 9


def test_each_source_keeps_its_own_values(store: PropertyStore) -> None:
    address = {"StreetNumber": "12", "StreetName": "Main Street", "City": "Springfield", "StateOrProvince": "IL"}
    property_id = save_record(store, source(1, ListPrice=100, YearBuilt=1990, **address))
    save_record(store, source(2, at=T0 + timedelta(days=1), ListPrice=200, **address))
    first, second = store.sources(property_id)
    assert (first.url, first.record["ListPrice"], first.record["YearBuilt"]) == ("https://a.example/1", 100, 1990)
    assert (second.url, second.record["ListPrice"], "YearBuilt" in second.record) == ("https://a.example/2", 200, False)
    assert second.evidence["ListPrice"]["quote"] == "200"
    assert [one.url for one in (first, second)] == [page["url"] for page in store.get(property_id)["sources"]]
    assert store.sources("nothing") == []
