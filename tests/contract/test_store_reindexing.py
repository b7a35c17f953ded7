"""Reindexing an older version's database makes its properties findable and merges duplicates."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import insert, select, update

from app.clock import ManualClock
from app.property.merging.identity import IDENTITY_VERSION
from app.property.record import evidence_json
from app.property.source_record import SourceRecord
from app.property.storage.database import Database
from app.property.storage.engine import make_engine
from app.property.storage.properties.decisions import DecisionStore
from app.property.storage.properties.reindex import BEGIN, count_due, due_after
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.properties.tables import Property, PropertyKey, SourceRow
from app.property.urls.targets import address_of_target
from app.services.reports.reindex import reindex
from benchmarks.saving import save_record
from tests.contract.conftest import at_once
from tests.contract.test_store_properties import T0, count_current, source

#: An address with an ordinal ("First"), which the old rules did not convert to a number.
FIRST_AVE = {"StreetNumber": "4", "StreetName": "First Avenue", "City": "Dover", "StateOrProvince": "DE"}
OLD_KEYS = ("addr:{number}|{street}||postal/19901", "addr:{number}|{street}||city/dover/de", "url:{url}")


def store_by_older_version(database: Database, record: SourceRecord, created_at: datetime = T0) -> str:
    """Store a record with the blocking keys of identity version 0. Return the property's id."""
    property_id = record.url.rpartition("/")[2].rjust(32, "0")
    number, street = record.values["StreetNumber"], record.values["StreetName"].lower().replace("avenue", "ave")
    keys = [key.format(number=number, street=street, url=record.url) for key in OLD_KEYS]
    content = {"record": dict(record.values), "evidence": evidence_json(record.evidence)}
    times = {"created_at": created_at, "updated_at": created_at}
    page = {
        "url": record.url, "final_url": record.final_url, "property_id": property_id, "kind": str(record.kind),
        "content_sha256": record.content_sha256, "fetched_at": record.fetched_at, "wanted_model": [],
        "stored_at": record.fetched_at,
    }  # fmt: skip
    engine = make_engine(database.url, 5)
    with engine.begin() as connection:
        connection.execute(insert(Property).values(id=property_id, conflicts=[], **content, **times))
        connection.execute(insert(SourceRow).values(**page, **content))
        connection.execute(insert(PropertyKey), [{"key": key, "property_id": property_id} for key in keys])
    engine.dispose()
    return property_id


def old_page(number: int = 4, **values: Any) -> SourceRecord:
    street = {**FIRST_AVE, "StreetNumber": str(number), "PostalCode": "19901"}
    return source(f"https://old.example/{number}", **street, **values)


def new_page(number: int = 4, **values: Any) -> SourceRecord:
    street = {"StreetNumber": str(number), "StreetName": "1st Ave", "City": "Dover", "PostalCode": "19901"}
    return source(f"https://new.example/{number}", **street, StateOrProvince="DE", **values)


def due(database: Database) -> int:
    with database.reading() as connection:
        return count_due(connection)


def test_reindexing_merges_duplicates_and_finds_the_property_by_address(database: Database) -> None:
    old = store_by_older_version(database, old_page(ListPrice=100_000))
    store = PropertyStore(database)
    address, any_time = address_of_target("4 1st Ave, Dover, DE 19901"), datetime(1970, 1, 1, tzinfo=UTC)
    assert store.fresh_at(address, any_time) is None
    duplicate = save_record(store, new_page(YearBuilt=1990))
    assert (duplicate != old, count_current(database), due(database)) == (True, 2, 1)

    run = reindex(database)

    assert asdict(run) == {"reindexed": 1, "failed": [], "left": 0}
    shown = store.get(duplicate)
    assert (shown["property"], shown["replaces"]) == (old, [duplicate])
    assert {one["url"] for one in shown["sources"]} == {"https://old.example/4", "https://new.example/4"}
    assert (shown["record"]["ListPrice"], shown["record"]["YearBuilt"]) == (100_000, 1990)
    found = store.fresh_at(address, any_time)
    assert found is not None
    assert found[0] == old
    assert reindex(database).reindexed == 0


def test_a_reindexed_property_is_found_by_new_pages_with_its_address_or_a_misspelling(database: Database) -> None:
    facts = {"YearBuilt": 1990, "LivingArea": 1800, "BedroomsTotal": 3, "CloseDate": "2020-01-02", "ClosePrice": 212345}
    old = store_by_older_version(database, old_page(**facts))
    long = {"StreetNumber": "6", "StreetName": "Washington Avenue", "City": "Dover", "PostalCode": "19901"}
    other = store_by_older_version(database, source("https://old.example/6", **long, **facts))
    store = PropertyStore(database)
    assert reindex(database).reindexed == 2
    assert save_record(store, new_page()) == old
    slip = source("https://slip.example/6", **{**long, "StreetName": "Washingotn Avenue"}, **facts)
    assert save_record(store, slip) == other


def test_reindexing_respects_a_split(database: Database) -> None:
    old = store_by_older_version(database, old_page())
    store = PropertyStore(database)
    decisions = DecisionStore(database)
    duplicate = save_record(store, new_page())
    joined = decisions.join(old, duplicate, who="Ann")
    split = decisions.split(old, ["https://new.example/4"], who="Ben")
    reindex(database)
    assert count_current(database) == 2
    assert decisions.of(old)[0].id in (joined.id, split.id)
    decisions.undo(split.id, who="Ben")
    assert count_current(database) == 1


def test_a_broken_property_is_reported_and_does_not_stop_reindexing(database: Database) -> None:
    broken = store_by_older_version(database, old_page(4, YearBuilt=1990))
    store_by_older_version(database, old_page(5))
    with database.writing() as connection:
        wrong = {"YearBuilt": {"value": 1990, "method": "hearsay"}}
        connection.execute(update(SourceRow).where(SourceRow.property_id == broken).values(evidence=wrong))
    run = reindex(database)
    assert (run.reindexed, run.failed, run.left) == (1, [broken], 1)


def test_workers_may_store_pages_during_concurrent_reindexing(database: Database) -> None:
    """Each address has exactly one property at the end, whichever process handles it first."""
    numbers = range(4, 24)
    for number in numbers:
        store_by_older_version(database, old_page(number))
    store = PropertyStore(database)

    def save(numbers: Iterable[int]) -> None:
        for number in numbers:
            save_record(store, new_page(number))

    run: Callable[[], object] = partial(reindex, database)
    at_once(run, run, partial(save, numbers), partial(save, list(reversed(numbers))))
    assert (count_current(database), due(database)) == (len(numbers), 0)


def test_joins_and_splits_of_old_properties_need_reindexing(database: Database) -> None:
    """Only one of the joined pages was indexed with the current rules."""
    store_by_older_version(database, old_page(), T0 + timedelta(days=400))
    store = PropertyStore(database)
    newer = save_record(store, new_page())
    decisions = DecisionStore(database)
    assert due(database) == 1
    decision = decisions.join(newer, old_page().url.rpartition("/")[2].rjust(32, "0"), who="Ann")
    assert due_after(database, BEGIN, 9) == [(0, newer)]
    split = decisions.split(newer, ["https://old.example/4"], who="Ben")
    assert due(database) == 2, "the moved page has never been indexed with the current rules"
    decisions.undo(split.id, who="Ben")
    decisions.undo(decision.id, who="Ann")
    assert due(database) == 2
    reindex(database)
    assert due(database) == 0


def test_an_older_version_lowers_the_identity_version_of_a_property_that_it_saves(
    database: Database, clock: ManualClock
) -> None:
    clock.advance(1)
    store = PropertyStore(database)
    property_id = save_record(store, new_page())
    with database.writing() as connection:
        connection.execute(update(Property).values(identity_version=IDENTITY_VERSION + 1))
    save_record(store, source("https://third.example/4", YearBuilt=1990, **new_page().values))
    with database.reading() as connection:
        rows = connection.execute(select(Property.id, Property.identity_version)).all()
    assert [tuple(row) for row in rows] == [(property_id, IDENTITY_VERSION)]
