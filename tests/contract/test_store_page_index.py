"""All URLs of a page share one stored source, and only one job at a time reads the page."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.clock import ManualClock
from app.errors.jobs import LeaseLostError
from app.property.record import PageKind
from app.property.source_record import SourceRecord
from app.property.storage.database import Database
from app.property.storage.jobs.leases import Lease
from app.property.storage.jobs.repository import JobStore
from app.property.storage.pages.index import PageIndex, Seen
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.properties.tables import Property, SourceRow
from benchmarks.saving import save_record
from tests.contract.conftest import count
from tests.plugins.job_ends import confirm, finish, note_same
from tests.plugins.page_records import page_record

PAGE = "https://site.example/h/48213"
MOBILE, CAMPAIGN = "https://m.site.example/h/48213", "https://site.example/to/48213"
HOUR = timedelta(hours=1)


def record(
    clock: ManualClock, url: str, *, page_url: str | None = PAGE, sha: str = "a", **values: object
) -> SourceRecord:
    now = clock.now()
    return page_record(url, values, now, sha * 64, page_url=page_url)


@pytest.fixture
def store(database: Database) -> PropertyStore:
    return PropertyStore(database)


@pytest.fixture
def index(database: Database) -> PageIndex:
    return PageIndex(database)


def test_two_urls_of_a_page_are_one_source(store: PropertyStore, index: PageIndex, clock: ManualClock) -> None:
    home = save_record(store, record(clock, PAGE, ListPrice=100))
    clock.advance(60)
    assert save_record(store, record(clock, MOBILE, sha="b", ListPrice=90)) == home
    (source,) = store.get(home)["sources"]
    assert (source["url"], source["page_url"], source["content_sha256"]) == (PAGE, PAGE, "b" * 64)
    assert store.get(home)["record"]["ListPrice"] == 90
    assert store.get(home)["conflicts"] == []
    assert save_record(store, replace(record(clock, MOBILE, ListPrice=80), fetched_at=clock.now() - HOUR)) == home
    assert store.get(home)["record"]["ListPrice"] == 90, "an older record does not replace a newer one"
    for url in (PAGE, MOBILE):
        assert index.fresh(url, clock.now() - HOUR) == (home, PageKind.LISTING)


def test_a_page_that_still_needs_a_model_is_not_fresh(
    database: Database, store: PropertyStore, index: PageIndex, clock: ManualClock
) -> None:
    """All URLs of the page are stale until a model has read it. Another page of the property stays fresh."""
    jobs = JobStore(database)
    other = "https://other.example/1"
    home = save_record(store, record(clock, PAGE, ListPrice=100), wanted_model=["Roof"], asks_again=True)
    assert save_record(store, record(clock, other, page_url=other, sha="c", ListPrice=100), related=home) == home
    save_record(store, record(clock, MOBILE, ListPrice=100), wanted_model=["Roof"], asks_again=True)
    since = clock.now() - HOUR
    assert [index.fresh(url, since) for url in (PAGE, MOBILE)] == [None, None]
    assert index.fresh(other, since) == (home, PageKind.LISTING)
    made = jobs.enqueue([PAGE, MOBILE, other])
    assert len(made.new) == 2
    clock.advance(60)
    save_record(store, record(clock, PAGE, ListPrice=100))
    assert index.fresh(PAGE, since) == index.fresh(MOBILE, since) == (home, PageKind.LISTING)


def test_two_sources_that_prove_to_be_one_page_are_merged_with_their_properties(
    database: Database, store: PropertyStore, index: PageIndex, clock: ManualClock
) -> None:
    """When the first two URLs were read, the page had no canonical link."""
    first = save_record(store, record(clock, MOBILE, page_url=MOBILE, ListPrice=100))
    second = save_record(store, record(clock, CAMPAIGN, page_url=CAMPAIGN, ListPrice=100))
    assert first != second
    clock.advance(60)
    save_record(store, record(clock, MOBILE, ListPrice=100))
    home = save_record(store, record(clock, CAMPAIGN, ListPrice=95))
    assert home == first
    assert count(database, SourceRow) == 1
    assert store.get(second)["property"] == first
    assert count(database, Property, Property.merged_into.is_(None)) == 1
    for url in (MOBILE, CAMPAIGN):
        assert index.fresh(url, clock.now() - HOUR) == (home, PageKind.LISTING)


def test_a_source_that_moves_to_another_property_leaves_other_sources_in_place(
    store: PropertyStore, clock: ManualClock
) -> None:
    """One source turns out to belong to another property. The first property keeps its other source."""
    address = {"StreetNumber": "12", "StreetName": "Oak St", "PostalCode": "62701"}
    first = save_record(store, record(clock, MOBILE, page_url=MOBILE, **address))
    assert save_record(store, record(clock, CAMPAIGN, page_url=CAMPAIGN, **address)) == first
    clock.advance(60)
    other = {"StreetNumber": "14", "StreetName": "Elm St", "PostalCode": "62701"}
    moved = save_record(store, record(clock, PAGE, sha="b", **other))
    assert moved != first
    save_record(store, record(clock, CAMPAIGN, sha="b", **other))
    assert [source["url"] for source in store.get(first)["sources"]] == [MOBILE]
    assert store.get(moved)["record"]["StreetName"] == "Elm St"
    assert len(store.get(moved)["sources"]) == 1


def test_an_unchanged_page_is_confirmed_and_fresh_again(
    database: Database, store: PropertyStore, index: PageIndex, clock: ManualClock
) -> None:
    home = save_record(store, record(clock, PAGE, ListPrice=100), edition="e1")
    changed_at = store.get(home)["updated_at"]
    clock.advance(7200)
    assert index.fresh(PAGE, clock.now() - HOUR) is None
    assert confirm(database, Seen(MOBILE, PAGE, "a" * 64, "e1"), clock.now()) == (home, PageKind.LISTING)
    for url in (PAGE, MOBILE):
        assert index.fresh(url, clock.now() - HOUR) == (home, PageKind.LISTING)
    shown = store.get(home)
    assert shown["sources"][0]["checked_at"] == clock.now().isoformat()
    assert shown["updated_at"] == changed_at, "a confirmation must not count as a change"
    confirm(database, Seen(PAGE, PAGE, "a" * 64, "e1"), clock.now() - HOUR)
    assert store.get(home)["sources"][0]["checked_at"] == clock.now().isoformat(), "the newer time must stay"


def test_an_equivalent_body_of_another_url_confirms_the_page(
    database: Database, store: PropertyStore, index: PageIndex, clock: ManualClock
) -> None:
    """The page's text differs between its URLs. Texts that were compared once need no second comparison."""
    known = record(clock, PAGE, ListPrice=100)
    home = save_record(store, known, edition="e1")
    note_same(database, record(clock, MOBILE, sha="b", ListPrice=100), known)
    clock.advance(7200)
    for url, sha in ((MOBILE, "c"), (CAMPAIGN, "b")):
        assert confirm(database, Seen(url, "https://site.example/nobody", sha * 64, "e1"), clock.now()) is None
    assert confirm(database, Seen(MOBILE, PAGE, "b" * 64, "e1"), clock.now()) == (home, PageKind.LISTING)
    assert index.fresh(PAGE, clock.now() - HOUR) == (home, PageKind.LISTING)
    clock.advance(60)
    save_record(store, record(clock, PAGE, sha="d", ListPrice=90), edition="e1")
    assert confirm(database, Seen(MOBILE, PAGE, "b" * 64, "e1"), clock.now()) is None, "the record is newer"


def test_only_the_same_body_page_and_extractors_confirm_a_complete_record(
    database: Database, store: PropertyStore, index: PageIndex, clock: ManualClock
) -> None:
    save_record(store, record(clock, PAGE, ListPrice=100), edition="e1")
    for sha, edition, url in (("b", "e1", PAGE), ("a", "e2", PAGE), ("a", "e1", "https://site.example/h/2")):
        assert confirm(database, Seen(url, url, sha * 64, edition), clock.now()) is None
    wanted = {"wanted_model": ["Roof"], "model_note": "The budget is used up.", "edition": "e1"}
    save_record(store, record(clock, PAGE, ListPrice=100), **wanted)
    assert confirm(database, Seen(PAGE, PAGE, "a" * 64, "e1"), clock.now()) is None, "a model's answer is missing"
    known = index.record_of(PAGE)
    assert known is not None
    assert not known.is_whole


def test_a_record_is_found_by_its_page_url(store: PropertyStore, index: PageIndex, clock: ManualClock) -> None:
    home = save_record(store, record(clock, MOBILE, ListPrice=100))
    known = index.record_of(PAGE)
    assert known is not None
    assert (known.property_id, known.record.url, known.record.values) == (home, MOBILE, {"ListPrice": 100})
    assert index.known_as(MOBILE) == PAGE
    assert index.record_of("https://site.example/h/2") is None


def test_a_target_that_is_a_known_fresh_page_creates_no_job(
    database: Database, store: PropertyStore, clock: ManualClock
) -> None:
    known = record(clock, PAGE, ListPrice=100)
    save_record(store, known)
    note_same(database, record(clock, MOBILE, sha="b", ListPrice=100), known)
    jobs = JobStore(database)
    enqueued = jobs.enqueue([MOBILE, PAGE, CAMPAIGN])
    assert [job.target for job in enqueued.jobs] == [CAMPAIGN]
    assert enqueued.duplicates == 2
    clock.advance(31 * 86400)
    assert len(jobs.enqueue([MOBILE, PAGE]).new) == 2


def test_only_one_job_at_a_time_reads_a_page(database: Database, index: PageIndex, clock: ManualClock) -> None:
    """The lock expires with the job's lease, so it need not be released."""
    jobs = JobStore(database)
    one, two = jobs.enqueue([MOBILE, CAMPAIGN]).new
    for job in (one, two):
        jobs.claim(job, f"owner of {job}", 30)
    first, second = (Lease(job, f"owner of {job}") for job in (one, two))
    assert index.take_reading(PAGE, first)
    assert index.take_reading(PAGE, first)
    assert not index.take_reading(PAGE, second)
    assert index.take_reading("https://site.example/h/2", second)
    assert not index.take_reading("https://site.example/h/2", first)
    clock.advance(31)
    assert index.take_reading(PAGE, second), "the first job's lease has expired"
    jobs.claim(one, "another owner", 30)
    with pytest.raises(LeaseLostError):
        index.take_reading("https://site.example/h/3", first)
    first = Lease(one, "another owner")
    jobs.renew(two, f"owner of {two}", 30)
    assert not index.take_reading(PAGE, first)
    finish(jobs, two, f"owner of {two}", save_record(PropertyStore(database), record(clock, MOBILE, ListPrice=1)))
    assert index.take_reading(PAGE, first)


def test_of_two_equally_confident_pages_the_one_confirmed_last_wins(
    database: Database, store: PropertyStore, clock: ManualClock
) -> None:
    address = {"StreetNumber": "12", "StreetName": "Oak St", "PostalCode": "62701"}
    home = save_record(store, record(clock, PAGE, ListPrice=100, **address), edition="e1")
    clock.advance(60)
    other = "https://other.example/12-oak"
    save_record(store, replace(record(clock, other, page_url=other, sha="b", ListPrice=90, **address)))
    assert store.get(home)["record"]["ListPrice"] == 90
    clock.advance(60)
    confirm(database, Seen(PAGE, PAGE, "a" * 64, "e1"), clock.now())
    assert store.get(home)["record"]["ListPrice"] == 100
    assert store.get(home)["updated_at"] == clock.now().isoformat(), "the new value must count as a change"
