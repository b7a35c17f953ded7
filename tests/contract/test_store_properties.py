"""Records become properties without duplicates, in any order and with concurrent writers."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from app.clock import ManualClock
from app.errors import NotFoundError
from app.property.record import PageKind, SourceKind
from app.property.source_record import SourceRecord
from app.property.storage.database import Database
from app.property.storage.jobs.repository import JobStore
from app.property.storage.pages.index import PageIndex
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.properties.tables import Observation, Property, SourceRow
from app.property.storage.properties.views import PropertyFilter
from benchmarks.saving import save_record
from tests.contract.conftest import at_once, count
from tests.plugins.job_ends import finish
from tests.plugins.page_records import page_record

T0 = datetime(2026, 1, 1, tzinfo=UTC)
ADDRESS = {"StreetNumber": "12", "StreetName": "Main Street", "City": "Springfield", "StateOrProvince": "IL"}


def source(url: str, confidence: float = 0.9, at: datetime = T0, sha: str | None = None, **values: Any) -> SourceRecord:
    sha = sha or url.rjust(64, "x")[-64:]
    return page_record(url, values, at, sha, confidence=confidence)


@pytest.fixture
def store(database: Database) -> PropertyStore:
    return PropertyStore(database)


def count_current(database: Database) -> int:
    return count(database, Property, Property.merged_into.is_(None))


def test_a_property_shows_record_evidence_sources_and_conflicts(store: PropertyStore) -> None:
    property_id = save_record(
        store, source("https://a.example/1", ListPrice=100000, **ADDRESS), wanted_model=["Roof"], model_note="no key"
    )
    shown = store.get(property_id)
    assert shown["property"] == property_id
    assert shown["record"]["ListPrice"] == 100000
    assert shown["evidence"]["ListPrice"]["quote"] == "100000"
    assert shown["evidence"]["ListPrice"]["fetched_at"].startswith("2026-01-01T00:00:00")
    (page,) = shown["sources"]
    assert (page["url"], page["wanted_model"], page["model_note"]) == ("https://a.example/1", ["Roof"], "no key")
    assert shown["conflicts"] == []


def test_a_repeated_record_changes_nothing(store: PropertyStore, database: Database, clock: ManualClock) -> None:
    record = source("https://a.example/1", ListPrice=100000, YearBuilt=1990)
    property_id = save_record(store, record)
    before = store.get(property_id)
    clock.advance(100)
    assert save_record(store, record) == property_id
    assert store.get(property_id) == before
    assert count(database, Observation) == 2


def test_a_new_version_of_a_page_replaces_its_record_and_adds_observations(
    store: PropertyStore, database: Database, clock: ManualClock
) -> None:
    url = "https://a.example/1"
    property_id = save_record(store, source(url, ListPrice=100000, YearBuilt=1990))
    clock.advance(60)
    newer = source(url, at=T0 + timedelta(days=40), sha="f" * 64, ListPrice=95000)
    assert save_record(store, newer) == property_id
    shown = store.get(property_id)
    assert shown["record"] == {"ListPrice": 95000}
    assert shown["updated_at"] == clock.now().isoformat()
    assert count(database, Observation) == 3
    assert count(database, SourceRow) == 1


def test_a_late_older_version_adds_observations_only(store: PropertyStore, database: Database) -> None:
    url = "https://a.example/1"
    property_id = save_record(store, source(url, at=T0 + timedelta(days=1), ListPrice=95000))
    save_record(store, source(url, sha="e" * 64, ListPrice=100000))
    assert store.get(property_id)["record"]["ListPrice"] == 95000
    assert count(database, Observation) == 2


def test_two_sites_with_one_address_make_one_property_with_a_conflict(store: PropertyStore, database: Database) -> None:
    one = save_record(store, source("https://a.example/1", ListPrice=100000, **ADDRESS))
    respelled = {"UnparsedAddress": "12 Main St.", "City": "SPRINGFIELD", "StateOrProvince": "IL"}
    two = save_record(store, source("https://b.example/9", 0.95, ListPrice=99000, **respelled))
    assert one == two
    shown = store.get(one)
    assert shown["record"]["ListPrice"] == 99000
    (conflict,) = [c for c in shown["conflicts"] if c["field"] == "ListPrice"]
    assert conflict["chosen"] == 99000
    assert [proof["value"] for proof in conflict["evidence"]] == [99000, 100000]
    assert [page["url"] for page in shown["sources"]] == ["https://a.example/1", "https://b.example/9"]
    assert count_current(database) == 1


def test_a_source_keeps_its_kind_when_a_later_record_has_none(store: PropertyStore) -> None:
    page = source("https://a.example/1", ListPrice=100000, **ADDRESS)
    property_id = save_record(store, replace(page, source_kind=SourceKind.ASSESSOR))
    save_record(store, source("https://b.example/1", **ADDRESS))
    kinds = [shown["source_kind"] for shown in store.get(property_id)["sources"]]
    assert kinds == ["assessor", None]
    save_record(store, source("https://a.example/1", at=T0 + timedelta(days=1), sha="f" * 64, **ADDRESS))
    assert {shown["url"]: shown["source_kind"] for shown in store.get(property_id)["sources"]} == {
        "https://a.example/1": "assessor",
        "https://b.example/1": None,
    }


def linked_pages() -> list[SourceRecord]:
    """Return three pages of one property: an assessor's (parcel), a portal's (address), and a tax roll's (both)."""
    county = {"ParcelNumber": "31-2234-0012", "CountyOrParish": "Sangamon County", "StateOrProvince": "IL"}
    pages = [
        source("https://county.example/p", TaxAssessedValue=80000, **county),
        source("https://portal.example/h", ListPrice=100000, **ADDRESS),
        source("https://both.example/x", YearBuilt=1990, **{**ADDRESS, **county, "ParcelNumber": "3122340012"}),
    ]
    kinds = (SourceKind.ASSESSOR, SourceKind.PORTAL, SourceKind.TAX_ROLL)
    return [replace(page, source_kind=kind) for page, kind in zip(pages, kinds, strict=True)]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_an_official_record_that_links_two_properties_merges_them_in_any_order(
    store: PropertyStore, database: Database, order: tuple[int, ...]
) -> None:
    pages = linked_pages()
    ids = [save_record(store, pages[n]) for n in order]
    assert count_current(database) == 1
    shown = store.get(ids[-1])
    assert {"TaxAssessedValue": 80000, "ListPrice": 100000, "YearBuilt": 1990}.items() <= shown["record"].items()
    assert all(store.get(property_id)["property"] == shown["property"] for property_id in ids)
    assert [entry["property"] for entry in store.page().items] == [shown["property"]]


def test_jobs_and_observations_follow_a_merged_property(store: PropertyStore, database: Database) -> None:
    jobs, pages = JobStore(database), linked_pages()
    done = []
    for page in pages[:2]:
        (job_id,) = jobs.enqueue([page.url]).new
        jobs.claim(job_id, "a", 30)
        finish(jobs, job_id, "a", save_record(store, page))
        done.append(job_id)
    home = save_record(store, pages[2])
    assert [jobs.get(job_id).property_id for job_id in done] == [home, home]
    assert count(database, Observation, Observation.property_id == home) == sum(len(page.values) for page in pages)


@pytest.mark.parametrize(
    "other", [{"UnitNumber": "4"}, {"StreetNumber": "14"}, {"StateOrProvince": "MO"}, {"City": "Shelbyville"}]
)
def test_a_neighbor_is_another_property(store: PropertyStore, database: Database, other: dict[str, str]) -> None:
    save_record(store, source("https://a.example/1", **ADDRESS))
    save_record(store, source("https://b.example/1", **{**ADDRESS, **other}))
    assert count_current(database) == 2


def test_concurrent_pages_of_one_property_make_one_property(store: PropertyStore, database: Database) -> None:
    pages = [source(f"https://s{n}.example/", ListPrice=100000 + n, **ADDRESS) for n in range(8)]
    ids = at_once(*(partial(save_record, store, page) for page in pages))
    assert count_current(database) == 1
    assert len(store.get(ids[0])["sources"]) == 8


def test_fresh_returns_the_property_and_kind_of_a_recent_page(store: PropertyStore, database: Database) -> None:
    property_id = save_record(store, source("https://a.example/1", ListPrice=1))
    index = PageIndex(database)
    assert index.fresh("https://a.example/1", T0 - timedelta(seconds=1)) == (property_id, PageKind.LISTING)
    assert index.fresh("https://a.example/1", T0) is None
    assert index.fresh("https://a.example/2", T0 - timedelta(days=1)) is None


def test_the_error_names_an_unknown_property(store: PropertyStore) -> None:
    with pytest.raises(NotFoundError, match="property nothing"):
        store.get("nothing")


def test_properties_are_found_by_words_status_and_conflicts(store: PropertyStore) -> None:
    other = {"StreetNumber": "7", "StreetName": "Main 100% Road", "City": "Shelbyville", "StateOrProvince": "IL"}
    saved = {
        "a": source("https://a.example/1", StandardStatus="Active", **ADDRESS),
        "b": source("https://b.example/1", StandardStatus="Active", ListPrice=1, **other),
        "c": source("https://c.example/page", StandardStatus="Closed", StreetName="STRAẞE", ListingId="7"),
    }
    names = {save_record(store, record): name for name, record in saved.items()}
    save_record(store, source("https://b.example/2", StandardStatus="Active", ListPrice=2, **other))
    for only, found in (
        (PropertyFilter("main springfield"), {"a"}),
        (PropertyFilter("MAIN"), {"a", "b"}),
        (PropertyFilter("straße"), {"c"}),
        (PropertyFilter("100%"), {"b"}),
        (PropertyFilter("1_0"), set()),
        (PropertyFilter("c.example/page"), {"c"}),
        (PropertyFilter(status="Active"), {"a", "b"}),
        (PropertyFilter("main", status="Closed"), set()),
        (PropertyFilter(conflicts_only=True), {"b"}),
    ):
        assert {names[item["property"]] for item in store.page(only=only).items} == found, only
    save_record(
        store, source("https://c.example/page", at=T0 + timedelta(hours=1), sha="b" * 64, City="New", ListingId="7")
    )
    assert store.page(only=PropertyFilter("straße")).items == [], "only current values are searched"
