"""A database of an older version: what it filed is found again, and what it stored twice becomes one property."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

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
from tests.contract.test_store_properties import T0, source

#: what rules 0 spelled otherwise: an ordinal in a word
FIRST_AVE = {"StreetNumber": "4", "StreetName": "First Avenue", "City": "Dover", "StateOrProvince": "DE"}
OLD_KEYS = ("addr:{number}|{street}||postal/19901", "addr:{number}|{street}||city/dover/de", "url:{url}")


@pytest.fixture
def before(database_url: str, clock: ManualClock) -> Iterator[Database]:
    database = Database(database_url, clock)
    yield database
    database.close()


def store_by_older_version(database: Database, record: SourceRecord, created_at: datetime = T0) -> str:
    """File a record under the keys of rules 0; -> its property."""
    property_id = record.url.rpartition("/")[2].rjust(32, "0")
    number, street = record.values["StreetNumber"], record.values["StreetName"].lower().replace("avenue", "ave")
    filed = [key.format(number=number, street=street, url=record.url) for key in OLD_KEYS]
    said = {"record": dict(record.values), "evidence": evidence_json(record.evidence)}
    times = {"created_at": created_at, "updated_at": created_at}
    page = {
        "url": record.url, "final_url": record.final_url, "property_id": property_id, "kind": str(record.kind),
        "content_sha256": record.content_sha256, "fetched_at": record.fetched_at, "wanted_model": [],
        "stored_at": record.fetched_at,
    }  # fmt: skip
    engine = make_engine(database.url, 5)
    with engine.begin() as connection:
        connection.execute(insert(Property).values(id=property_id, conflicts=[], **said, **times))
        connection.execute(insert(SourceRow).values(**page, **said))
        connection.execute(insert(PropertyKey), [{"key": key, "property_id": property_id} for key in filed])
    engine.dispose()
    return property_id


def old_page(number: int = 4, **values: Any) -> SourceRecord:
    street = {**FIRST_AVE, "StreetNumber": str(number), "PostalCode": "19901"}
    return source(f"https://old.example/{number}", **street, **values)


def new_page(number: int = 4, **values: Any) -> SourceRecord:
    street = {"StreetNumber": str(number), "StreetName": "1st Ave", "City": "Dover", "PostalCode": "19901"}
    return source(f"https://new.example/{number}", **street, StateOrProvince="DE", **values)


def opened(database: Database) -> PropertyStore:
    return PropertyStore(database)


def living(database: Database) -> int:
    with database.reading() as connection:
        query = select(func.count()).select_from(Property).where(Property.merged_into.is_(None))
        return connection.execute(query).scalar_one()


def due(database: Database) -> int:
    with database.reading() as connection:
        return count_due(connection)


def test_what_was_stored_twice_since_is_one_again_and_is_found_by_its_address(before: Database) -> None:
    old = store_by_older_version(before, old_page(ListPrice=100_000))
    store = opened(before)
    address, ever = address_of_target("4 1st Ave, Dover, DE 19901"), datetime(1970, 1, 1, tzinfo=UTC)
    assert store.fresh_at(address, ever) is None
    twin = save_record(store, new_page(YearBuilt=1990))
    assert (twin != old, living(before), due(before)) == (True, 2, 1)

    run = reindex(before)

    assert asdict(run) == {"reindexed": 1, "failed": [], "left": 0}
    shown = store.get(twin)
    assert (shown["property"], shown["replaces"]) == (old, [twin])
    assert {one["url"] for one in shown["sources"]} == {"https://old.example/4", "https://new.example/4"}
    assert (shown["record"]["ListPrice"], shown["record"]["YearBuilt"]) == (100_000, 1990)
    found = store.fresh_at(address, ever)
    assert found is not None
    assert found[0] == old
    assert reindex(before).reindexed == 0


def test_what_has_no_twin_is_found_by_the_next_page_of_its_address_and_of_a_slip_of_it(before: Database) -> None:
    facts = {
        "YearBuilt": 1990,
        "LivingArea": 1800,
        "BedroomsTotal": 3,
        "CloseDate": "2020-01-02",
        "ClosePrice": 212_345,
    }
    old = store_by_older_version(before, old_page(**facts))
    long = {"StreetNumber": "6", "StreetName": "Washington Avenue", "City": "Dover", "PostalCode": "19901"}
    other = store_by_older_version(before, source("https://old.example/6", **long, **facts))
    store = opened(before)
    assert reindex(before).reindexed == 2
    assert save_record(store, new_page()) == old
    slip = source("https://slip.example/6", **{**long, "StreetName": "Washingotn Avenue"}, **facts)
    assert save_record(store, slip) == other


def test_one_address_and_two_parcels_stay_apart(before: Database) -> None:
    old = store_by_older_version(before, old_page(ParcelNumber="11-22-333", YearBuilt=1950))
    store = opened(before)
    other = save_record(store, new_page(ParcelNumber="99-88-777", YearBuilt=2010))
    assert reindex(before).reindexed == 1
    assert (living(before), store.get(old)["property"], store.get(other)["property"]) == (2, old, other)


def test_what_people_parted_stays_apart(before: Database) -> None:
    old = store_by_older_version(before, old_page())
    store = opened(before)
    decisions = DecisionStore(before)
    twin = save_record(store, new_page())
    joined = decisions.join(old, twin, who="Ann")
    parted = decisions.split(old, ["https://new.example/4"], who="Ben")
    reindex(before)
    assert living(before) == 2
    assert decisions.of(old)[0].id in (joined.id, parted.id)
    decisions.undo(parted.id, who="Ben")
    assert living(before) == 1


def test_one_that_cannot_be_read_is_named_and_holds_up_no_other(before: Database) -> None:
    broken = store_by_older_version(before, old_page(4, YearBuilt=1990))
    store_by_older_version(before, old_page(5))
    opened(before)
    with before.writing() as connection:
        wrong = {"YearBuilt": {"value": 1990, "method": "hearsay"}}
        connection.execute(update(SourceRow).where(SourceRow.property_id == broken).values(evidence=wrong))
    run = reindex(before)
    assert (run.reindexed, run.failed, run.left) == (1, [broken], 1)


def test_workers_may_store_and_others_may_reindex_meanwhile(before: Database) -> None:
    """Whoever comes first to a house, there is one property of it in the end."""
    numbers = range(4, 24)
    for number in numbers:
        store_by_older_version(before, old_page(number))
    store = opened(before)
    failures = list[BaseException]()

    def guarded(work: Any) -> None:
        try:
            work()
        except BaseException as exc:  # noqa: BLE001 (it is shown by the assertion)
            failures.append(exc)

    works = [
        *[lambda: reindex(before)] * 2,
        lambda: [save_record(store, new_page(number)) for number in numbers],
        lambda: [save_record(store, new_page(number)) for number in reversed(numbers)],
    ]
    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert (living(before), due(before)) == (len(numbers), 0)


def test_who_takes_in_what_is_due_is_due_and_so_is_what_comes_of_it(before: Database) -> None:
    """Only one of the pages was judged by today's rules when they became one property."""
    store_by_older_version(before, old_page(), T0 + timedelta(days=400))
    store = opened(before)
    newer = save_record(store, new_page())
    decisions = DecisionStore(before)
    assert due(before) == 1
    decision = decisions.join(newer, old_page().url.rpartition("/")[2].rjust(32, "0"), who="Ann")
    assert due_after(before, BEGIN, 9) == [(0, newer)]
    parted = decisions.split(newer, ["https://old.example/4"], who="Ben")
    assert due(before) == 2, "the page that came to a new property was never judged"
    decisions.undo(parted.id, who="Ben")
    decisions.undo(decision.id, who="Ann")
    assert due(before) == 2
    reindex(before)
    assert due(before) == 0


def test_what_a_newer_version_filed_is_due_for_it_once_an_older_one_filed_it(
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
