"""Stored answers of web searches, and unverified claims about properties."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from app.clock import ManualClock
from app.errors.purging import PurgedMeanwhileError
from app.property.record import PageKind, SourceKind
from app.property.source_record import SourceRecord
from app.property.storage.database import Database
from app.property.storage.llm.cache import AnswerStore, StoredSearch
from app.property.storage.privacy.repository import PurgeStore
from app.property.storage.privacy.scope import PurgeKind
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.properties.tables import Unverified
from benchmarks.saving import save_record
from tests.plugins.job_ends import put_claims
from tests.plugins.page_records import page_record

QUESTION, TARGET = "a" * 64, "12 FICTIONAL AVE, ANYTOWN, ST 00000"
DEAD = "https://dead.example/1"


def search_answer(at: datetime, text: str = "nothing") -> StoredSearch:
    return StoredSearch({"output": [text]}, "gpt-4.1-mini", 12, 3, at)


def record(url: str, at: datetime, **values: Any) -> SourceRecord:
    return page_record(url, values, at, "b" * 64, kind=PageKind.RECORD, source_kind=SourceKind.ASSESSOR)


def address_record(url: str, at: datetime, **more: Any) -> SourceRecord:
    return record(url, at, StreetNumber="12", StreetName="Fictional Ave", City="Anytown", **more)


def claim(at: datetime, value: Any = 1987, url: str = DEAD, field: str = "YearBuilt") -> Unverified:
    by = "web_search, gpt-4.1-mini"
    return Unverified(field=field, value=value, quote=f"{field}: {value}", url=url, reported_by=by, seen_at=at)


def shown_claims(properties: PropertyStore, property_id: str) -> list[tuple[str, Any, str]]:
    return [(one["field"], one["value"], one["url"]) for one in properties.get(property_id)["unverified"]]


def test_a_search_answer_is_used_until_it_expires_or_is_replaced(database: Database, clock: ManualClock) -> None:
    store = AnswerStore(database)
    asked_at = clock.now()
    assert store.search(QUESTION, asked_at - timedelta(days=1)) is None
    store.save_search(QUESTION, TARGET, search_answer(asked_at, "first"), [DEAD])
    found = store.search(QUESTION, asked_at)
    assert found == StoredSearch({"output": ["first"]}, "gpt-4.1-mini", 12, 3, asked_at)
    assert store.search(QUESTION, asked_at + timedelta(seconds=1)) is None
    store.save_search(QUESTION, TARGET, search_answer(asked_at + timedelta(days=2), "second"), [DEAD])
    newest = store.search(QUESTION, asked_at)
    assert newest is not None
    assert newest.answer == {"output": ["second"]}


@pytest.mark.parametrize(("kind", "name"), [(PurgeKind.URL, DEAD), (PurgeKind.HOST, "dead.example")])
def test_answers_and_claims_from_before_a_purge_are_not_stored_afterwards(
    database: Database, clock: ManualClock, kind: PurgeKind, name: str
) -> None:
    before = clock.now()
    home = save_record(PropertyStore(database), address_record("https://one.example/1", before))
    clock.advance(1)
    PurgeStore(database).purge(kind, name, who="alice", dry_run=False)
    clock.advance(1)
    searches, live = AnswerStore(database), "https://live.example/1"
    assert searches.save_search(QUESTION, TARGET, search_answer(before), [DEAD, live]) == {DEAD}
    assert searches.search(QUESTION, before) is None
    put_claims(database, home, [claim(before), claim(before, url=live)])
    assert shown_claims(PropertyStore(database), home) == [("YearBuilt", 1987, live)]
    assert searches.save_search(QUESTION, TARGET, search_answer(clock.now()), [DEAD, live]) == set()
    put_claims(database, home, [claim(clock.now())])
    assert len(shown_claims(PropertyStore(database), home)) == 2
    PurgeStore(database).purge(PurgeKind.ADDRESS, TARGET, who="alice", dry_run=False)
    with pytest.raises(PurgedMeanwhileError):
        searches.save_search(QUESTION, TARGET, search_answer(before), [DEAD])


def test_unverified_claims_are_shown_beside_the_record_and_never_in_it(database: Database, clock: ManualClock) -> None:
    properties = PropertyStore(database)
    home = save_record(properties, address_record("https://one.example/1", clock.now()))
    put_claims(database, home, [claim(clock.now()), claim(clock.now(), ["Slate"], field="Roof")])
    found = properties.get(home)
    assert found["unverified"][1] == {
        "field": "YearBuilt", "value": 1987, "quote": "YearBuilt: 1987", "url": DEAD,
        "reported_by": "web_search, gpt-4.1-mini", "seen_at": clock.now().isoformat(),
    }  # fmt: skip
    assert "YearBuilt" not in found["record"]
    assert "Roof" not in found["record"]
    (listed,) = properties.page().items
    assert listed["unverified"] == found["unverified"]


def test_a_newer_claim_replaces_the_old_one_and_reading_the_page_deletes_it(
    database: Database, clock: ManualClock
) -> None:
    properties = PropertyStore(database)
    home = save_record(properties, address_record("https://one.example/1", clock.now()))
    put_claims(database, home, [claim(clock.now()), claim(clock.now(), url="https://other.example/1")])
    put_claims(database, home, [claim(clock.now(), 1990)])
    assert shown_claims(properties, home) == [
        ("YearBuilt", 1990, DEAD), ("YearBuilt", 1987, "https://other.example/1")
    ]  # fmt: skip
    put_claims(database, home, [], read=[DEAD])
    assert shown_claims(properties, home) == [("YearBuilt", 1987, "https://other.example/1")]


def test_claims_follow_a_property_that_is_merged(database: Database, clock: ManualClock) -> None:
    """A third record matches the first two, so their properties are merged."""
    properties, now = PropertyStore(database), clock.now()
    one = save_record(properties, address_record("https://one.example/1", now))
    two = save_record(properties, record("https://two.example/1", now, ParcelNumber="0012-0034", City="Anytown"))
    assert one != two
    put_claims(database, one, [claim(now)])
    put_claims(database, two, [claim(now, 1999), claim(now, 3, field="BedroomsTotal")])
    clock.advance(1)
    home = save_record(properties, address_record("https://three.example/1", now, ParcelNumber="0012-0034"))
    assert properties.get(one)["property"] == properties.get(two)["property"] == home
    assert [found[:2] for found in shown_claims(properties, home)] == [("BedroomsTotal", 3), ("YearBuilt", 1987)]
    merged = two if home == one else one
    put_claims(database, merged, [claim(now, 2001, url="https://late.example/1")])
    assert ("YearBuilt", 2001, "https://late.example/1") in shown_claims(properties, home)
