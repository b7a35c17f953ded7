"""Records become properties without duplicates, in any order and with concurrent writers."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from app.property.record import SourceKind
from app.property.source_record import SourceRecord
from app.property.storage.database import Database
from app.property.storage.properties.repository import PropertyFilter
from app.property.storage.properties.tables import Observation, Property, SourceRow
from benchmarks.saving import save_record
from tests.contract.conftest import at_once, count
from tests.plugins.job_ends import finish
from tests.plugins.page_records import page_record
from tests.plugins.stores import Stores

T0 = datetime(2026, 1, 1, tzinfo=UTC)
ADDRESS = {"StreetNumber": "12", "StreetName": "Main Street", "City": "Springfield", "StateOrProvince": "IL"}


def source(url: str, confidence: float = 0.9, at: datetime = T0, sha: str | None = None, **values: Any) -> SourceRecord:
    sha = sha or url.rjust(64, "x")[-64:]
    return page_record(url, values, at, sha, confidence=confidence)


def count_current(database: Database) -> int:
    return count(database, Property, Property.merged_into.is_(None))


def test_a_property_shows_record_evidence_sources_and_conflicts(db: Stores) -> None:
    page, wanted = source("https://a.example/1", ListPrice=100000, **ADDRESS), ["Roof"]
    property_id = db.save(page, wanted_model=wanted, model_note="no key")
    shown = db.properties.get(property_id)
    assert shown["property"] == property_id
    assert shown["record"]["ListPrice"] == 100000
    assert shown["evidence"]["ListPrice"]["quote"] == "100000"
    assert shown["evidence"]["ListPrice"]["fetched_at"].startswith("2026-01-01T00:00:00")
    (its,) = shown["sources"]
    assert (its["url"], its["wanted_model"], its["model_note"]) == (page.url, wanted, "no key")
    assert shown["conflicts"] == []


def test_a_repeated_record_changes_nothing(db: Stores) -> None:
    record = source("https://a.example/1", ListPrice=100000, YearBuilt=1990)
    property_id = db.save(record)
    before = db.properties.get(property_id)
    db.clock.advance(100)
    assert db.save(record) == property_id
    assert db.properties.get(property_id) == before
    assert count(db, Observation) == 2


def test_a_new_version_of_a_page_replaces_its_record_and_adds_observations(db: Stores) -> None:
    url = "https://a.example/1"
    property_id = db.save(source(url, ListPrice=100000, YearBuilt=1990))
    db.clock.advance(60)
    newer = source(url, at=T0 + timedelta(days=40), sha="f" * 64, ListPrice=95000)
    assert db.save(newer) == property_id
    shown = db.properties.get(property_id)
    assert shown["record"] == {"ListPrice": 95000}
    assert shown["updated_at"] == db.clock.now().isoformat()
    assert count(db, Observation) == 3
    assert count(db, SourceRow) == 1


def test_a_late_older_version_adds_observations_only(db: Stores) -> None:
    url = "https://a.example/1"
    property_id = db.save(source(url, at=T0 + timedelta(days=1), ListPrice=95000))
    db.save(source(url, sha="e" * 64, ListPrice=100000))
    assert db.properties.get(property_id)["record"]["ListPrice"] == 95000
    assert count(db, Observation) == 2


def test_two_sites_with_one_address_make_one_property_with_a_conflict(db: Stores) -> None:
    one = db.save(source("https://a.example/1", ListPrice=100000, **ADDRESS))
    respelled = {"UnparsedAddress": "12 Main St.", "City": "SPRINGFIELD", "StateOrProvince": "IL"}
    two = db.save(source("https://b.example/9", 0.95, ListPrice=99000, **respelled))
    assert one == two
    shown = db.properties.get(one)
    assert shown["record"]["ListPrice"] == 99000
    (conflict,) = [c for c in shown["conflicts"] if c["field"] == "ListPrice"]
    assert conflict["chosen"] == 99000
    assert [proof["value"] for proof in conflict["evidence"]] == [99000, 100000]
    assert [page["url"] for page in shown["sources"]] == ["https://a.example/1", "https://b.example/9"]
    assert count_current(db) == 1


def test_a_source_keeps_its_kind_when_a_later_record_has_none(db: Stores) -> None:
    page = source("https://a.example/1", ListPrice=100000, **ADDRESS)
    property_id = db.save(replace(page, source_kind=SourceKind.ASSESSOR))
    db.save(source("https://b.example/1", **ADDRESS))
    db.save(source("https://a.example/1", at=T0 + timedelta(days=1), sha="f" * 64, **ADDRESS))
    kinds = {shown["url"]: shown["source_kind"] for shown in db.properties.get(property_id)["sources"]}
    assert kinds == {"https://a.example/1": "assessor", "https://b.example/1": None}


def linked_pages() -> list[SourceRecord]:
    """Return three pages of one property. The first has a parcel number, the second an address, and the third both."""
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
    db: Stores, order: tuple[int, ...]
) -> None:
    pages = linked_pages()
    ids = [db.save(pages[n]) for n in order]
    assert count_current(db) == 1
    shown = db.properties.get(ids[-1])
    assert {"TaxAssessedValue": 80000, "ListPrice": 100000, "YearBuilt": 1990}.items() <= shown["record"].items()
    assert all(db.properties.get(property_id)["property"] == shown["property"] for property_id in ids)
    assert [entry["property"] for entry in db.properties.page().items] == [shown["property"]]


def test_jobs_and_observations_follow_a_merged_property(db: Stores) -> None:
    pages = linked_pages()
    done = []
    for page in pages[:2]:
        job_id = db.start(page.url, "a").id
        finish(db.jobs, job_id, "a", db.save(page))
        done.append(job_id)
    home = db.save(pages[2])
    assert [db.jobs.get(job_id).property_id for job_id in done] == [home, home]
    assert count(db, Observation, Observation.property_id == home) == sum(len(page.values) for page in pages)


@pytest.mark.parametrize(
    "other", [{"UnitNumber": "4"}, {"StreetNumber": "14"}, {"StateOrProvince": "MO"}, {"City": "Shelbyville"}]
)
def test_a_neighbor_is_another_property(db: Stores, other: dict[str, str]) -> None:
    db.save(source("https://a.example/1", **ADDRESS))
    db.save(source("https://b.example/1", **{**ADDRESS, **other}))
    assert count_current(db) == 2


def test_concurrent_pages_of_one_property_make_one_property(db: Stores) -> None:
    pages = [source(f"https://s{n}.example/", ListPrice=100000 + n, **ADDRESS) for n in range(8)]
    ids = at_once(*(partial(save_record, db.properties, page) for page in pages))
    assert count_current(db) == 1
    assert len(db.properties.get(ids[0])["sources"]) == 8


def test_properties_are_found_by_words_status_and_conflicts(db: Stores) -> None:
    other = {"StreetNumber": "7", "StreetName": "Main 100% Road", "City": "Shelbyville", "StateOrProvince": "IL"}
    saved = {
        "a": source("https://a.example/1", StandardStatus="Active", **ADDRESS),
        "b": source("https://b.example/1", StandardStatus="Active", ListPrice=1, **other),
        "c": source("https://c.example/page", StandardStatus="Closed", StreetName="STRAẞE", ListingId="7"),
    }
    names = {db.save(record): name for name, record in saved.items()}
    db.save(source("https://b.example/2", StandardStatus="Active", ListPrice=2, **other))
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
        assert {names[item["property"]] for item in db.properties.page(only=only).items} == found, only
    db.save(source("https://c.example/page", at=T0 + timedelta(hours=1), sha="b" * 64, City="New", ListingId="7"))
    assert db.properties.page(only=PropertyFilter("straße")).items == [], "only current values are searched"
