"""People's decisions to join or split properties apply to later scrapes and can be undone."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.clock import ManualClock
from app.errors import NotFoundError
from app.errors.pages import IdentityDecisionError
from app.property.record import SourceKind
from app.property.storage.database import Database
from app.property.storage.jobs.repository import JobStore
from app.property.storage.privacy.repository import PurgeStore
from app.property.storage.privacy.scope import PurgeKind
from app.property.storage.properties.decisions import DecisionStore
from app.property.storage.properties.rebuild import rebuild
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.properties.tables import IdentityDecision, Observation, Property
from app.services.reports.identity_decisions import explanation
from benchmarks.saving import save_record
from tests.contract.conftest import count
from tests.contract.test_store_properties import ADDRESS, T0, count_current, source
from tests.plugins.job_ends import finish

A, B, C, D = (f"https://{site}.example/1" for site in "abcd")
OTHER = {**ADDRESS, "StreetNumber": "14"}


@pytest.fixture
def store(database: Database) -> PropertyStore:
    return PropertyStore(database)


@pytest.fixture
def decisions(database: Database) -> DecisionStore:
    return DecisionStore(database)


@pytest.fixture
def home(store: PropertyStore) -> str:
    """Store one property with two pages. Return its id."""
    save_record(store, source(A, ListPrice=100000, **ADDRESS))
    return save_record(store, source(B, YearBuilt=1990, **ADDRESS))


def without_history(shown: dict[str, Any]) -> dict[str, Any]:
    """Return the property without its modification time and its replaced ids."""
    return {name: value for name, value in shown.items() if name not in ("updated_at", "replaces")}


def pages(store: PropertyStore, property_id: str) -> list[str]:
    return [one["url"] for one in store.get(property_id)["sources"]]


def newer_page(url: str, days: int, **values: Any) -> Any:
    """Return a version of the page that was fetched `days` days after `T0`."""
    return source(url, at=T0 + timedelta(days=days), sha=f"{days:064d}", **values)


def test_split_moves_a_source_with_its_observations_and_jobs(
    store: PropertyStore, decisions: DecisionStore, database: Database, home: str
) -> None:
    jobs = JobStore(database)
    (job_id,) = jobs.enqueue([B], refresh=True).new
    jobs.claim(job_id, "a", 30)
    finish(jobs, job_id, "a", home)
    made = decisions.split(home, [B], who="alice", reason="the house behind")
    assert (made.kind, made.property_id, made.pages, made.who) == ("split", home, [B], "alice")
    assert (pages(store, home), pages(store, made.other_id)) == ([A], [B])
    assert "YearBuilt" not in store.get(home)["record"]
    assert store.get(made.other_id)["record"]["YearBuilt"] == 1990
    assert jobs.get(job_id).property_id == made.other_id
    with database.reading() as connection:
        query = select(Observation.source_url).where(Observation.property_id == made.other_id).distinct()
        assert connection.execute(query).scalars().all() == [B]
    PurgeStore(database).purge(PurgeKind.URL, B, who="alice", dry_run=False)
    assert count(database, IdentityDecision) == 0


@pytest.mark.parametrize("order", [(A, B), (B, A)])
def test_later_scrapes_respect_a_split(
    store: PropertyStore, decisions: DecisionStore, database: Database, home: str, order: tuple[str, str]
) -> None:
    other = decisions.split(home, [B], who="alice").other_id
    for day, url in enumerate(order, start=1):
        save_record(store, newer_page(url, day, ListPrice=90000 + day, **ADDRESS))
    assert (pages(store, home), pages(store, other)) == ([A], [B])
    # the pages match both properties equally, so they are added to the older one
    assert save_record(store, source(C, **ADDRESS)) == home
    assert save_record(store, source(D, **ADDRESS)) == home
    assert (pages(store, other), count_current(database)) == ([B], 2)


def test_a_split_does_not_undo_other_joins(store: PropertyStore, decisions: DecisionStore, home: str) -> None:
    joined = decisions.join(home, save_record(store, source(C, **OTHER)), who="alice")
    made = decisions.split(home, [B], who="bob")
    save_record(store, newer_page(C, 1, **OTHER))
    assert (pages(store, home), pages(store, made.other_id)) == ([A, C], [B])
    decisions.undo(made.id, who="bob")
    save_record(store, newer_page(C, 2, **OTHER))
    assert pages(store, home) == [A, B, C]
    decisions.undo(joined.id, who="alice")
    save_record(store, newer_page(C, 3, **OTHER))
    assert pages(store, home) == [A, B]


def test_undoing_a_split_restores_the_property(
    store: PropertyStore, decisions: DecisionStore, database: Database, home: str, clock: ManualClock
) -> None:
    before = store.get(home)
    made = decisions.split(home, [B], who="alice")
    clock.advance(60)
    undone = decisions.undo(made.id, who="bob")
    assert (undone.undone_by, undone.undone_at) == ("bob", clock.now())
    after = store.get(home)
    assert without_history(after) == without_history(before)
    assert after["replaces"] == [made.other_id]
    assert store.get(made.other_id)["property"] == home
    assert count(database, Observation, Observation.property_id == home) == 2 + 2 * len(ADDRESS)
    save_record(store, newer_page(B, 1, YearBuilt=1990, **ADDRESS))
    assert count_current(database) == 1
    with pytest.raises(IdentityDecisionError, match="undone already"):
        decisions.undo(made.id, who="bob")


def test_a_join_is_respected_by_every_later_scrape(
    store: PropertyStore, decisions: DecisionStore, database: Database
) -> None:
    one, two = save_record(store, source(A, **ADDRESS)), save_record(store, source(B, YearBuilt=1990, **OTHER))
    made = decisions.join(one, two, who="alice", reason="on a corner")
    assert (made.kind, made.property_id, made.other_id, made.pages) == ("join", one, two, [B])
    assert sorted(pages(store, one)) == [A, B]
    for day, (url, values) in enumerate([(B, OTHER), (A, ADDRESS), (B, {**OTHER, "ListPrice": 1})], start=1):
        assert save_record(store, newer_page(url, day, **values)) == one
    assert count_current(database) == 1
    assert store.get(two)["property"] == one
    assert store.get(one)["replaces"] == [two]
    with database.writing() as connection:
        rebuild(database, connection, one)
    assert sorted(pages(store, one)) == [A, B]


def test_undoing_a_join_restores_both_properties(
    store: PropertyStore, decisions: DecisionStore, database: Database
) -> None:
    one, two = save_record(store, source(A, **ADDRESS)), save_record(store, source(B, YearBuilt=1990, **OTHER))
    before = store.get(one), store.get(two)
    made = decisions.join(one, two, who="alice")
    decisions.undo(made.id, who="alice")
    assert (without_history(store.get(one)), without_history(store.get(two))) == (
        without_history(before[0]),
        without_history(before[1]),
    )
    assert store.get(one)["replaces"] == store.get(two)["replaces"] == []
    assert save_record(store, newer_page(B, 1, **OTHER)) == two
    assert count_current(database) == 2


def test_undoing_a_decision_respects_other_decisions_on_the_pages(
    store: PropertyStore, decisions: DecisionStore, home: str
) -> None:
    """A later join and a later split of the same pages are undone. The first split stays in force."""
    split = decisions.split(home, [B], who="alice")
    join = decisions.join(home, split.other_id, who="bob")
    second_split = decisions.split(home, [B], who="carol")
    decisions.undo(join.id, who="bob")
    decisions.undo(second_split.id, who="carol")
    assert (pages(store, home), pages(store, second_split.other_id)) == ([A], [B]), "the first split must still apply"
    decisions.undo(split.id, who="alice")
    assert pages(store, home) == [A]
    assert save_record(store, newer_page(B, 1, **ADDRESS)) == home, "no split is left"


def test_undoing_a_join_does_not_affect_a_newer_join_of_the_same_pages(
    store: PropertyStore, decisions: DecisionStore, home: str
) -> None:
    other = save_record(store, source(C, **OTHER))
    first = decisions.join(other, save_record(store, source(D, **{**ADDRESS, "StreetNumber": "16"})), who="alice")
    second = decisions.join(home, other, who="bob")
    decisions.undo(first.id, who="alice")
    assert pages(store, home) == [A, B, C, D], "the newer join covers all pages"
    decisions.undo(second.id, who="bob")
    assert pages(store, home) == [A, B]


def test_an_invalid_decision_is_refused_and_changes_nothing(
    store: PropertyStore, decisions: DecisionStore, home: str
) -> None:
    before = store.get(home)
    for decide, problem in (
        (lambda: decisions.split(home, [B, C], who="alice"), "not one of its sources"),
        (lambda: decisions.split(home, [A, B], who="alice"), "at least one to stay"),
        (lambda: decisions.join(home, home, who="alice"), "already"),
    ):
        with pytest.raises(IdentityDecisionError, match=problem):
            decide()
    for unknown in (lambda: decisions.split("nothing", [A], who="a"), lambda: decisions.join(home, "nothing", who="a"),
                    lambda: decisions.undo("nothing", who="a")):  # fmt: skip
        with pytest.raises(NotFoundError):
            unknown()
    assert (store.get(home), decisions.of(home)) == (before, [])


def test_an_explanation_gives_reasons_for_each_source_and_each_value(
    store: PropertyStore, decisions: DecisionStore, database: Database, clock: ManualClock
) -> None:
    roll = {"ParcelNumber": "31-2234-0012", "CountyOrParish": "Sangamon"}
    county = replace(source(A, YearBuilt=1987, **roll, **ADDRESS), source_kind=SourceKind.ASSESSOR)
    portal = replace(source(B, YearBuilt=1990, **roll, **ADDRESS), source_kind=SourceKind.PORTAL)
    home = save_record(store, county)
    save_record(store, portal)
    other = save_record(store, source(C, **OTHER))
    decisions.join(home, other, who="alice")
    clock.advance(3 * 86_400)
    shown = explanation(database, home)
    belongs = {one["url"]: one["belongs"] for one in shown["sources"]}
    assert belongs[A]["key"] == "decision"  # the join applies to all pages of both properties
    assert [one["key"] for one in belongs.values()] == ["decision"] * 3
    decisions.undo(decisions.of(home)[0].id, who="alice")
    shown = explanation(database, home)
    assert {one["belongs"]["key"] for one in shown["sources"]} == {"parcel"}
    compared = {fact["what"]: fact["result"] for fact in shown["sources"][0]["belongs"]["compared"]}
    assert (compared["ParcelNumber"], compared["house number"], compared["YearBuilt"]) == ("same", "same", "differs")
    (built,) = [one for one in shown["values"] if one["field"] == "YearBuilt"]
    assert (built["value"], built["age_days"]) == (1987, (clock.now() - T0).total_seconds() / 86_400)
    assert [(one["url"], one["value"], one["verdict"]) for one in built["source_values"]] == [
        (A, 1987, "won"), (B, 1990, "conflict"),
    ]  # fmt: skip
    assert built["source_values"][0]["votes"] > built["source_values"][1]["votes"]
    assert "portal ranks below assessor" in built["source_values"][1]["reason"]
    (age,) = [one for one in shown["values"] if one["field"] == "X_AgeYears"]
    assert (age["inputs"], age["source_values"]) == (["YearBuilt"], [])


def test_each_merged_property_points_to_one_current_property(
    store: PropertyStore, decisions: DecisionStore, database: Database
) -> None:
    """When the join is undone, properties that were merged into the restored property point to it again."""
    one = save_record(store, source(A, **ADDRESS))
    two = save_record(store, source(B, **OTHER))
    three = save_record(store, source(C, **{**ADDRESS, "StreetNumber": "16"}))
    first = decisions.join(two, three, who="alice")
    second = decisions.join(one, two, who="alice")
    assert {store.get(old)["property"] for old in (two, three)} == {one}
    decisions.undo(second.id, who="alice")
    assert [store.get(old)["property"] for old in (one, two, three)] == [one, two, two]
    decisions.undo(first.id, who="alice")
    assert [store.get(old)["property"] for old in (one, two, three)] == [one, two, three]
    assert count(database, Property, Property.merged_into.is_(None)) == 3


def test_open_reviews_are_paged_oldest_first(
    store: PropertyStore, decisions: DecisionStore, clock: ManualClock
) -> None:
    """Each page of `stranger.example` matches two properties, so a person must review it."""
    pairs = []
    for number in (1, 2):
        address = {**ADDRESS, "StreetNumber": str(20 + number)}
        lot = {"ParcelNumber": f"31-2234-00{number}0", "CountyOrParish": "Sangamon", "StateOrProvince": "IL"}
        one = save_record(store, source(f"https://house.example/{number}", **address))
        two = save_record(store, source(f"https://lot.example/{number}", **lot))
        save_record(store, source(f"https://stranger.example/{number}", **{**address, **lot}))
        pairs.append({one, two})
        clock.advance(60)
    first = decisions.reviews(limit=1)
    second = decisions.reviews(first.next_cursor, limit=1)
    assert [{one.property_id, one.other_id} for one in (*first.items, *second.items)] == pairs
    assert second.next_cursor is None
    (review,) = first.items
    decisions.join(review.property_id, review.other_id, who="alice")
    assert [one.id for one in decisions.reviews().items] == [one.id for one in second.items]
