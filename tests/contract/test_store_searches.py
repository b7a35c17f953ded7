"""Stored answers of models and web searches, and unverified claims about properties."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.errors.purging import PurgedMeanwhileError
from app.property.record import PageKind, SourceKind
from app.property.source_record import SourceRecord
from app.property.storage.llm.cache import Question, StoredAnswer, StoredSearch
from app.property.storage.properties.tables import Unverified
from tests.plugins.job_ends import put_claims
from tests.plugins.page_records import page_record
from tests.plugins.stores import Stores

QUESTION = Question("a" * 64, ("Roof", "YearBuilt"), "gpt-test", "b" * 64)
SEARCH, TARGET = "a" * 64, "12 FICTIONAL AVE, ANYTOWN, ST 00000"
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


def shown_claims(db: Stores, property_id: str) -> list[tuple[str, Any, str]]:
    return [(one["field"], one["value"], one["url"]) for one in db.properties.get(property_id)["unverified"]]


def test_a_search_answer_is_used_until_it_expires_or_is_replaced(db: Stores) -> None:
    asked_at = db.clock.now()
    assert db.answers.search(SEARCH, asked_at - timedelta(days=1)) is None
    db.answers.save_search(SEARCH, TARGET, search_answer(asked_at, "first"), [DEAD])
    found = db.answers.search(SEARCH, asked_at)
    assert found == StoredSearch({"output": ["first"]}, "gpt-4.1-mini", 12, 3, asked_at)
    assert db.answers.search(SEARCH, asked_at + timedelta(seconds=1)) is None
    db.answers.save_search(SEARCH, TARGET, search_answer(asked_at + timedelta(days=2), "second"), [DEAD])
    newest = db.answers.search(SEARCH, asked_at)
    assert newest.answer == {"output": ["second"]}


@pytest.mark.parametrize(("kind", "name"), [("url", DEAD), ("host", "dead.example")])
def test_answers_and_claims_from_before_a_purge_are_not_stored_afterwards(db: Stores, kind: str, name: str) -> None:
    before = db.clock.now()
    home = db.save(address_record("https://one.example/1", before))
    db.clock.advance(1)
    db.purge(kind, name)
    db.clock.advance(1)
    live = "https://live.example/1"
    assert db.answers.save_search(SEARCH, TARGET, search_answer(before), [DEAD, live]) == {DEAD}
    assert db.answers.search(SEARCH, before) is None
    put_claims(db, home, [claim(before), claim(before, url=live)])
    assert shown_claims(db, home) == [("YearBuilt", 1987, live)]
    assert db.answers.save_search(SEARCH, TARGET, search_answer(db.clock.now()), [DEAD, live]) == set()
    put_claims(db, home, [claim(db.clock.now())])
    assert len(shown_claims(db, home)) == 2
    db.purge("address", TARGET)
    with pytest.raises(PurgedMeanwhileError):
        db.answers.save_search(SEARCH, TARGET, search_answer(before), [DEAD])


def test_unverified_claims_are_shown_beside_the_record_and_never_in_it(db: Stores) -> None:
    home = db.save(address_record("https://one.example/1", db.clock.now()))
    put_claims(db, home, [claim(db.clock.now()), claim(db.clock.now(), ["Slate"], field="Roof")])
    found = db.properties.get(home)
    assert found["unverified"][1] == {
        "field": "YearBuilt", "value": 1987, "quote": "YearBuilt: 1987", "url": DEAD,
        "reported_by": "web_search, gpt-4.1-mini", "seen_at": db.clock.now().isoformat(),
    }  # fmt: skip
    assert "YearBuilt" not in found["record"]
    assert "Roof" not in found["record"]
    (listed,) = db.properties.page().items
    assert listed["unverified"] == found["unverified"]


def test_a_newer_claim_replaces_the_old_one_and_reading_the_page_deletes_it(db: Stores) -> None:
    home = db.save(address_record("https://one.example/1", db.clock.now()))
    put_claims(db, home, [claim(db.clock.now()), claim(db.clock.now(), url="https://other.example/1")])
    put_claims(db, home, [claim(db.clock.now(), 1990)])
    assert shown_claims(db, home) == [
        ("YearBuilt", 1990, DEAD), ("YearBuilt", 1987, "https://other.example/1")
    ]  # fmt: skip
    put_claims(db, home, [], read=[DEAD])
    assert shown_claims(db, home) == [("YearBuilt", 1987, "https://other.example/1")]


def test_claims_follow_a_property_that_is_merged(db: Stores) -> None:
    now = db.clock.now()
    one = db.save(address_record("https://one.example/1", now))
    two = db.save(record("https://two.example/1", now, ParcelNumber="0012-0034", City="Anytown"))
    assert one != two
    put_claims(db, one, [claim(now)])
    put_claims(db, two, [claim(now, 1999), claim(now, 3, field="BedroomsTotal")])
    db.clock.advance(1)
    home = db.save(address_record("https://three.example/1", now, ParcelNumber="0012-0034"))
    assert db.properties.get(one)["property"] == db.properties.get(two)["property"] == home
    assert [found[:2] for found in shown_claims(db, home)] == [("BedroomsTotal", 3), ("YearBuilt", 1987)]
    merged = two if home == one else one
    put_claims(db, merged, [claim(now, 2001, url="https://late.example/1")])
    assert ("YearBuilt", 2001, "https://late.example/1") in shown_claims(db, home)


def test_an_answer_is_only_found_by_the_same_question(db: Stores) -> None:
    assert db.answers.model_answer(QUESTION) is None
    given = StoredAnswer({"Roof": (["tile"], "tile roof"), "YearBuilt": (1990, "")}, "gpt-test-1", 90, 10)
    db.answers.save_model_answer(QUESTION, given)
    assert db.answers.model_answer(QUESTION) == given
    others = ({"content_sha256": "c" * 64}, {"fields": ("Roof",)}, {"model": "other"}, {"prompt_sha256": "d" * 64})
    for other in others:
        assert db.answers.model_answer(replace(QUESTION, **other)) is None


def test_a_failed_answer_is_reused_for_a_while(db: Stores) -> None:
    """Jobs that ask soon afterwards reuse the failed answer, because it has been paid for."""
    bad = StoredAnswer(
        {"YearBuilt": (1990, "in 1990")}, "gpt-test-1", 90, 10, "flex", "model_answer_cut", "It was cut."
    )
    db.answers.save_model_answer(QUESTION, bad)
    then = db.clock.now()
    db.clock.advance(60)
    assert db.answers.model_answer(QUESTION) is None
    assert db.answers.model_answer(QUESTION, failed_since=then) == bad
    assert db.answers.model_answer(QUESTION, failed_since=db.clock.now()) is None
    good = StoredAnswer({"YearBuilt": (1991, "in 1991")}, "gpt-test-1", 90, 10)
    db.answers.save_model_answer(QUESTION, good)
    assert db.answers.model_answer(QUESTION) == db.answers.model_answer(QUESTION, failed_since=db.clock.now()) == good
