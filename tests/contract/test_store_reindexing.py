"""After an update, reindexing makes the properties of the older version findable and merges duplicates."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import insert, select, update

from app.property.merging.identity import IDENTITY_VERSION
from app.property.record import evidence_json
from app.property.source_record import SourceRecord
from app.property.storage.engine import make_engine
from app.property.storage.properties.reindex import BEGIN, count_due, due_after
from app.property.storage.properties.tables import Property, PropertyKey, SourceRow
from app.property.urls.targets import address_of_target
from app.services.reports.reindex import reindex
from tests.contract.conftest import at_once
from tests.contract.test_store_properties import T0, count_current, source
from tests.plugins.stores import Stores

#: An address with an ordinal ("First"), which the old rules did not convert to a number.
FIRST_AVE = {"StreetNumber": "4", "StreetName": "First Avenue", "City": "Dover", "StateOrProvince": "DE"}
OLD_KEYS = ("addr:{number}|{street}||postal/19901", "addr:{number}|{street}||city/dover/de", "url:{url}")


def store_by_older_version(db: Stores, record: SourceRecord, created_at: datetime = T0) -> str:
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
    engine = make_engine(db.url, 5)
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


def due(db: Stores) -> int:
    with db.reading() as connection:
        return count_due(connection)


def test_reindexing_merges_duplicates_and_finds_the_property_by_address(db: Stores) -> None:
    old = store_by_older_version(db, old_page(ListPrice=100_000))
    address, any_time = address_of_target("4 1st Ave, Dover, DE 19901"), datetime(1970, 1, 1, tzinfo=UTC)
    assert db.properties.fresh_at(address, any_time) is None
    duplicate = db.save(new_page(YearBuilt=1990))
    assert (duplicate != old, count_current(db), due(db)) == (True, 2, 1)

    run = reindex(db)

    assert asdict(run) == {"reindexed": 1, "failed": [], "left": 0}
    shown = db.properties.get(duplicate)
    assert (shown["property"], shown["replaces"]) == (old, [duplicate])
    assert {one["url"] for one in shown["sources"]} == {"https://old.example/4", "https://new.example/4"}
    assert (shown["record"]["ListPrice"], shown["record"]["YearBuilt"]) == (100_000, 1990)
    found = db.properties.fresh_at(address, any_time)
    assert found[0] == old
    assert reindex(db).reindexed == 0


def test_a_reindexed_property_is_found_by_new_pages_with_its_address_or_a_misspelling(db: Stores) -> None:
    facts = {"YearBuilt": 1990, "LivingArea": 1800, "BedroomsTotal": 3, "CloseDate": "2020-01-02", "ClosePrice": 212345}
    old = store_by_older_version(db, old_page(**facts))
    long = {"StreetNumber": "6", "StreetName": "Washington Avenue", "City": "Dover", "PostalCode": "19901"}
    other = store_by_older_version(db, source("https://old.example/6", **long, **facts))
    assert reindex(db).reindexed == 2
    assert db.save(new_page()) == old
    slip = source("https://slip.example/6", **{**long, "StreetName": "Washingotn Avenue"}, **facts)
    assert db.save(slip) == other


def test_reindexing_respects_a_split(db: Stores) -> None:
    old = store_by_older_version(db, old_page())
    duplicate = db.save(new_page())
    joined = db.decisions.join(old, duplicate, who="Ann")
    split = db.decisions.split(old, ["https://new.example/4"], who="Ben")
    reindex(db)
    assert count_current(db) == 2
    assert db.decisions.of(old)[0].id in (joined.id, split.id)
    db.decisions.undo(split.id, who="Ben")
    assert count_current(db) == 1


def test_a_broken_property_is_reported_and_does_not_stop_reindexing(db: Stores) -> None:
    broken = store_by_older_version(db, old_page(4, YearBuilt=1990))
    store_by_older_version(db, old_page(5))
    with db.writing() as connection:
        wrong = {"YearBuilt": {"value": 1990, "method": "hearsay"}}
        connection.execute(update(SourceRow).where(SourceRow.property_id == broken).values(evidence=wrong))
    run = reindex(db)
    assert (run.reindexed, run.failed, run.left) == (1, [broken], 1)


def test_workers_may_store_pages_during_concurrent_reindexing(db: Stores) -> None:
    """In the end, each address has exactly one property, whichever process handles it first."""
    numbers = range(4, 24)
    for number in numbers:
        store_by_older_version(db, old_page(number))

    def save(numbers: Iterable[int]) -> None:
        for number in numbers:
            db.save(new_page(number))

    run: Callable[[], object] = partial(reindex, db)
    at_once(run, run, partial(save, numbers), partial(save, list(reversed(numbers))))
    assert (count_current(db), due(db)) == (len(numbers), 0)


def test_joins_and_splits_of_old_properties_need_reindexing(db: Stores) -> None:
    """The page of the older version has not been indexed with the current rules."""
    store_by_older_version(db, old_page(), T0 + timedelta(days=400))
    newer = db.save(new_page())
    assert due(db) == 1
    decision = db.decisions.join(newer, old_page().url.rpartition("/")[2].rjust(32, "0"), who="Ann")
    assert due_after(db, BEGIN, 9) == [(0, newer)]
    split = db.decisions.split(newer, ["https://old.example/4"], who="Ben")
    assert due(db) == 2, "the moved page has never been indexed with the current rules"
    db.decisions.undo(split.id, who="Ben")
    db.decisions.undo(decision.id, who="Ann")
    assert due(db) == 2
    reindex(db)
    assert due(db) == 0


def test_an_older_version_lowers_the_identity_version_of_a_property_that_it_saves(db: Stores) -> None:
    db.clock.advance(1)
    property_id = db.save(new_page())
    db.execute(update(Property).values(identity_version=IDENTITY_VERSION + 1))
    db.save(source("https://third.example/4", YearBuilt=1990, **new_page().values))
    rows = db.execute(select(Property.id, Property.identity_version))
    assert [tuple(row) for row in rows] == [(property_id, IDENTITY_VERSION)]
