"""People's decisions to join or split properties apply to later scrapes and can be undone."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.errors import NotFoundError
from app.errors.pages import IdentityDecisionError
from app.property.record import SourceKind
from app.property.storage.properties.rebuild import rebuild
from app.property.storage.properties.tables import IdentityDecision, Observation, Property
from app.services.reports.identity_decisions import explanation
from tests.contract.conftest import count
from tests.contract.test_store_properties import ADDRESS, T0, count_current, source
from tests.plugins.job_ends import finish
from tests.plugins.stores import Stores

A, B, C, D = (f"https://{site}.example/1" for site in "abcd")
OTHER = {**ADDRESS, "StreetNumber": "14"}


@pytest.fixture
def home(db: Stores) -> str:
    db.save(source(A, ListPrice=100000, **ADDRESS))
    return db.save(source(B, YearBuilt=1990, **ADDRESS))


def without_history(shown: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in shown.items() if name not in ("updated_at", "replaces")}


def pages(db: Stores, property_id: str) -> list[str]:
    return [one["url"] for one in db.properties.get(property_id)["sources"]]


def newer_page(url: str, days: int, **values: Any) -> Any:
    """Return a version of the page that was fetched `days` days after `T0`."""
    return source(url, at=T0 + timedelta(days=days), sha=f"{days:064d}", **values)


def test_split_moves_a_source_with_its_observations_and_jobs(db: Stores, home: str) -> None:
    job_id = db.start(B, "a", refresh=True).id
    finish(db.jobs, job_id, "a", home)
    made = db.decisions.split(home, [B], who="alice", reason="the house behind")
    assert (made.kind, made.property_id, made.pages, made.who) == ("split", home, [B], "alice")
    assert (pages(db, home), pages(db, made.other_id)) == ([A], [B])
    assert "YearBuilt" not in db.properties.get(home)["record"]
    assert db.properties.get(made.other_id)["record"]["YearBuilt"] == 1990
    assert db.jobs.get(job_id).property_id == made.other_id
    moved = select(Observation.source_url).where(Observation.property_id == made.other_id).distinct()
    assert db.execute(moved) == [(B,)]
    db.purge("url", B)
    assert count(db, IdentityDecision) == 0


@pytest.mark.parametrize("order", [(A, B), (B, A)])
def test_later_scrapes_respect_a_split(db: Stores, home: str, order: tuple[str, str]) -> None:
    other = db.decisions.split(home, [B], who="alice").other_id
    for day, url in enumerate(order, start=1):
        db.save(newer_page(url, day, ListPrice=90000 + day, **ADDRESS))
    assert (pages(db, home), pages(db, other)) == ([A], [B])
    # the pages match both properties equally, so they are added to the older one
    assert db.save(source(C, **ADDRESS)) == home
    assert db.save(source(D, **ADDRESS)) == home
    assert (pages(db, other), count_current(db)) == ([B], 2)


def test_a_split_does_not_undo_other_joins(db: Stores, home: str) -> None:
    joined = db.decisions.join(home, db.save(source(C, **OTHER)), who="alice")
    made = db.decisions.split(home, [B], who="bob")
    db.save(newer_page(C, 1, **OTHER))
    assert (pages(db, home), pages(db, made.other_id)) == ([A, C], [B])
    db.decisions.undo(made.id, who="bob")
    db.save(newer_page(C, 2, **OTHER))
    assert pages(db, home) == [A, B, C]
    db.decisions.undo(joined.id, who="alice")
    db.save(newer_page(C, 3, **OTHER))
    assert pages(db, home) == [A, B]


def test_undoing_a_split_restores_the_property(db: Stores, home: str) -> None:
    before = db.properties.get(home)
    made = db.decisions.split(home, [B], who="alice")
    db.clock.advance(60)
    undone = db.decisions.undo(made.id, who="bob")
    assert (undone.undone_by, undone.undone_at) == ("bob", db.clock.now())
    after = db.properties.get(home)
    assert without_history(after) == without_history(before)
    assert after["replaces"] == [made.other_id]
    assert db.properties.get(made.other_id)["property"] == home
    assert count(db, Observation, Observation.property_id == home) == 2 + 2 * len(ADDRESS)
    db.save(newer_page(B, 1, YearBuilt=1990, **ADDRESS))
    assert count_current(db) == 1
    with pytest.raises(IdentityDecisionError, match="undone already"):
        db.decisions.undo(made.id, who="bob")


def test_a_join_is_respected_by_every_later_scrape(db: Stores) -> None:
    one, two = (db.save(source(A, **ADDRESS)), db.save(source(B, YearBuilt=1990, **OTHER)))
    made = db.decisions.join(one, two, who="alice", reason="on a corner")
    assert (made.kind, made.property_id, made.other_id, made.pages) == ("join", one, two, [B])
    assert sorted(pages(db, one)) == [A, B]
    for day, (url, values) in enumerate([(B, OTHER), (A, ADDRESS), (B, {**OTHER, "ListPrice": 1})], start=1):
        assert db.save(newer_page(url, day, **values)) == one
    assert count_current(db) == 1
    assert db.properties.get(two)["property"] == one
    assert db.properties.get(one)["replaces"] == [two]
    with db.writing() as connection:
        rebuild(db, connection, one)
    assert sorted(pages(db, one)) == [A, B]


def test_undoing_a_join_restores_both_properties(db: Stores) -> None:
    one, two = (db.save(source(A, **ADDRESS)), db.save(source(B, YearBuilt=1990, **OTHER)))
    before = [without_history(db.properties.get(each)) for each in (one, two)]
    made = db.decisions.join(one, two, who="alice")
    db.decisions.undo(made.id, who="alice")
    assert [without_history(db.properties.get(each)) for each in (one, two)] == before
    assert db.properties.get(one)["replaces"] == db.properties.get(two)["replaces"] == []
    assert db.save(newer_page(B, 1, **OTHER)) == two
    assert count_current(db) == 2


def test_undoing_a_decision_respects_other_decisions_on_the_pages(db: Stores, home: str) -> None:
    split = db.decisions.split(home, [B], who="alice")
    join = db.decisions.join(home, split.other_id, who="bob")
    second_split = db.decisions.split(home, [B], who="carol")
    db.decisions.undo(join.id, who="bob")
    db.decisions.undo(second_split.id, who="carol")
    assert (pages(db, home), pages(db, second_split.other_id)) == ([A], [B]), "the first split must still apply"
    db.decisions.undo(split.id, who="alice")
    assert pages(db, home) == [A]
    assert db.save(newer_page(B, 1, **ADDRESS)) == home, "no split is left"


def test_undoing_a_join_does_not_affect_a_newer_join_of_the_same_pages(db: Stores, home: str) -> None:
    other = db.save(source(C, **OTHER))
    first = db.decisions.join(other, db.save(source(D, **{**ADDRESS, "StreetNumber": "16"})), who="alice")
    second = db.decisions.join(home, other, who="bob")
    db.decisions.undo(first.id, who="alice")
    assert pages(db, home) == [A, B, C, D], "the newer join covers all pages"
    db.decisions.undo(second.id, who="bob")
    assert pages(db, home) == [A, B]


def test_an_invalid_decision_is_refused_and_changes_nothing(db: Stores, home: str) -> None:
    before = db.properties.get(home)
    for decide, problem in (
        (lambda: db.decisions.split(home, [B, C], who="alice"), "not one of its sources"),
        (lambda: db.decisions.split(home, [A, B], who="alice"), "at least one to stay"),
        (lambda: db.decisions.join(home, home, who="alice"), "already"),
    ):
        with pytest.raises(IdentityDecisionError, match=problem):
            decide()
    for unknown in (
        lambda: db.decisions.split("nothing", [A], who="a"),
        lambda: db.decisions.join(home, "nothing", who="a"),
        lambda: db.decisions.undo("nothing", who="a"),
    ):
        with pytest.raises(NotFoundError):
            unknown()
    assert (db.properties.get(home), db.decisions.of(home)) == (before, [])


def test_an_explanation_gives_reasons_for_each_source_and_each_value(db: Stores) -> None:
    roll = {"ParcelNumber": "31-2234-0012", "CountyOrParish": "Sangamon"}
    county = replace(source(A, YearBuilt=1987, **roll, **ADDRESS), source_kind=SourceKind.ASSESSOR)
    portal = replace(source(B, YearBuilt=1990, **roll, **ADDRESS), source_kind=SourceKind.PORTAL)
    home = db.save(county)
    db.save(portal)
    other = db.save(source(C, **OTHER))
    db.decisions.join(home, other, who="alice")
    db.clock.advance(3 * 86_400)
    shown = explanation(db, home)
    belongs = {one["url"]: one["belongs"] for one in shown["sources"]}
    assert belongs[A]["key"] == "decision"  # a decision to join applies to all pages of both properties
    assert [one["key"] for one in belongs.values()] == ["decision"] * 3
    db.decisions.undo(db.decisions.of(home)[0].id, who="alice")
    shown = explanation(db, home)
    assert {one["belongs"]["key"] for one in shown["sources"]} == {"parcel"}
    compared = {fact["what"]: fact["result"] for fact in shown["sources"][0]["belongs"]["compared"]}
    assert (compared["ParcelNumber"], compared["house number"], compared["YearBuilt"]) == ("same", "same", "differs")
    (built,) = [one for one in shown["values"] if one["field"] == "YearBuilt"]
    assert (built["value"], built["age_days"]) == (1987, (db.clock.now() - T0).total_seconds() / 86_400)
    assert [(one["url"], one["value"], one["verdict"]) for one in built["source_values"]] == [
        (A, 1987, "won"), (B, 1990, "conflict"),
    ]  # fmt: skip
    assert built["source_values"][0]["votes"] > built["source_values"][1]["votes"]
    assert "portal ranks below assessor" in built["source_values"][1]["reason"]
    (age,) = [one for one in shown["values"] if one["field"] == "X_AgeYears"]
    assert (age["inputs"], age["source_values"]) == (["YearBuilt"], [])


def test_each_merged_property_points_to_one_current_property(db: Stores) -> None:
    """Undoing a join restores a property. Properties that were merged into it earlier point to it again."""
    one = db.save(source(A, **ADDRESS))
    two = db.save(source(B, **OTHER))
    three = db.save(source(C, **{**ADDRESS, "StreetNumber": "16"}))
    first = db.decisions.join(two, three, who="alice")
    second = db.decisions.join(one, two, who="alice")
    assert {db.properties.get(old)["property"] for old in (two, three)} == {one}
    db.decisions.undo(second.id, who="alice")
    assert [db.properties.get(old)["property"] for old in (one, two, three)] == [one, two, two]
    db.decisions.undo(first.id, who="alice")
    assert [db.properties.get(old)["property"] for old in (one, two, three)] == [one, two, three]
    assert count(db, Property, Property.merged_into.is_(None)) == 3


def test_open_reviews_are_paged_oldest_first(db: Stores) -> None:
    """Each page of `stranger.example` matches two properties, so a person must review it."""
    pairs = []
    for number in (1, 2):
        address = {**ADDRESS, "StreetNumber": str(20 + number)}
        lot = {"ParcelNumber": f"31-2234-00{number}0", "CountyOrParish": "Sangamon", "StateOrProvince": "IL"}
        one = db.save(source(f"https://house.example/{number}", **address))
        two = db.save(source(f"https://lot.example/{number}", **lot))
        db.save(source(f"https://stranger.example/{number}", **{**address, **lot}))
        pairs.append({one, two})
        db.clock.advance(60)
    first = db.decisions.reviews(limit=1)
    second = db.decisions.reviews(first.next_cursor, limit=1)
    assert [{one.property_id, one.other_id} for one in (*first.items, *second.items)] == pairs
    assert second.next_cursor is None
    (review,) = first.items
    db.decisions.join(review.property_id, review.other_id, who="alice")
    assert [one.id for one in db.decisions.reviews().items] == [one.id for one in second.items]
