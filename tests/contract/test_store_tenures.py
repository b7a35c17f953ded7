"""Since when a page states a field survives refreshes, lost values, second URLs, and joins of properties."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.property.source_record import SourceRecord, Tenure
from app.property.storage.properties.decisions import DecisionStore
from app.property.storage.properties.rebuild import rebuild
from tests.plugins.page_records import page_record
from tests.plugins.stores import Stores

T0 = datetime(2026, 1, 1, tzinfo=UTC)
ADDRESS = {"StreetNumber": "12", "StreetName": "Main Street", "City": "Springfield", "StateOrProvince": "IL"}
OTHER = {**ADDRESS, "StreetNumber": "14"}
HERE, THERE = "https://a.example/1", "https://b.example/1"


def source(url: str, day: float, place: dict[str, Any] = ADDRESS, **values: Any) -> SourceRecord:
    at = T0 + timedelta(days=day)
    page_url = values.pop("page_url", None)
    return page_record(url, {**place, **values}, at, f"{url}{day}".rjust(64, "0")[-64:], page_url=page_url)


def tenure(db: Stores, url: str, name: str = "ListPrice") -> Tenure:
    pages = [page for one in db.properties.page().items for page in db.properties.sources_of(one["property"])[1]]
    (record,) = [page for page in pages if page.url == url]
    return record.tenure(name)


def price(db: Stores, property_id: str) -> Any:
    return db.properties.get(property_id)["record"]["ListPrice"]


def on(day: float) -> datetime:
    return T0 + timedelta(days=day)


def test_a_page_keeps_its_tenure_when_it_is_read_again_and_when_its_value_changes(db: Stores) -> None:
    db.save(source(HERE, 0, ListPrice=450_000))
    db.save(source(HERE, 3, ListPrice=450_000))
    assert tenure(db, HERE) == Tenure(on(0), on(0))
    db.save(source(HERE, 5, ListPrice=430_000, YearBuilt=1987))
    assert tenure(db, HERE) == Tenure(on(0), on(5), 450_000)
    assert tenure(db, HERE, "YearBuilt") == Tenure(on(5), on(5)), "a field that was missing before"


def test_a_value_that_a_page_lost_for_a_while_keeps_its_tenure(db: Stores) -> None:
    property_id = db.save(source(HERE, 0, ListPrice=450_000))
    db.save(source(HERE, 1))
    db.save(source(THERE, 2, ListPrice=99_000))
    assert price(db, property_id) == 99_000
    db.save(source(HERE, 3, ListPrice=450_000))
    assert price(db, property_id) == 450_000
    assert tenure(db, HERE).since == on(0)


def test_a_record_that_arrives_late_makes_the_tenure_longer(db: Stores) -> None:
    """A worker stores an older version of the page after a newer one."""
    property_id = db.save(source(HERE, 2, ListPrice=450_000))
    db.save(source(THERE, 1, ListPrice=99_000))
    assert price(db, property_id) == 99_000
    db.save(source(HERE, 0, ListPrice=440_000))
    assert price(db, property_id) == 450_000
    assert tenure(db, HERE) == Tenure(on(0), on(2))


def test_two_urls_of_one_page_have_the_longer_tenure(db: Stores) -> None:
    second = f"{HERE}?ref=7"
    db.save(source(HERE, 0, ListPrice=450_000))
    db.save(source(second, 1, ListPrice=450_000, page_url=second))
    db.save(source(HERE, 2, ListPrice=450_000, page_url=second))
    assert tenure(db, HERE).since == on(0)
    assert len(db.properties.page().items[0]["sources"]) == 1


def test_a_page_that_shows_another_home_begins_anew_there(db: Stores) -> None:
    other = db.save(source(THERE, 1, OTHER, ListPrice=300_000))
    db.save(source("https://c.example/1", 1))
    first = db.save(source(HERE, 0, ListPrice=450_000))
    assert first != other
    assert db.save(source(HERE, 2, OTHER, ListPrice=99_000)) == other
    assert tenure(db, HERE) == Tenure(on(2), on(2))
    assert price(db, other) == 300_000


@pytest.mark.parametrize("is_reversed", [False, True])
def test_joined_split_and_rebuilt_properties_show_the_earlier_value(db: Stores, is_reversed: bool) -> None:
    records = source(HERE, 0, ListPrice=450_000), source(THERE, 1, OTHER, ListPrice=99_000)
    first, second = (db.save(record) for record in (reversed(records) if is_reversed else records))
    decisions = DecisionStore(db)
    decision = decisions.join(first, second, who="Ann")
    assert price(db, first) == 450_000
    with db.writing() as connection:
        rebuild(db, connection, first)
    assert price(db, first) == 450_000
    decisions.undo(decision.id, who="Ann")
    decisions.join(second, first, who="Ann")
    assert price(db, second) == 450_000


def test_a_purged_page_leaves_no_tenure(db: Stores) -> None:
    property_id = db.save(source(HERE, 0, ListPrice=450_000))
    db.save(source(THERE, 1, ListPrice=99_000))
    db.purge("url", HERE)
    assert price(db, property_id) == 99_000
    db.clock.advance(86_400 * 400)
    day = (db.clock.now() - T0) / timedelta(days=1)
    db.save(source(HERE, day, ListPrice=450_000))
    assert price(db, property_id) == 99_000
