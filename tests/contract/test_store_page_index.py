"""All URLs of a page share one stored source, and only one job at a time reads the page."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.errors.jobs import LeaseLostError
from app.property.record import PageKind
from app.property.source_record import SourceRecord
from app.property.storage.jobs.enqueue import new_targets
from app.property.storage.jobs.leases import Lease
from app.property.storage.jobs.repository import JobStore
from app.property.storage.pages.index import Seen
from app.property.storage.properties.tables import Property, SourceRow
from tests.contract.conftest import count
from tests.plugins.job_ends import confirm, finish, note_same
from tests.plugins.page_records import page_record
from tests.plugins.stores import Stores

PAGE = "https://site.example/h/48213"
MOBILE, CAMPAIGN = "https://m.site.example/h/48213", "https://site.example/to/48213"
HOUR = timedelta(hours=1)


def record(db: Stores, url: str, *, page_url: str | None = PAGE, sha: str = "a", **values: object) -> SourceRecord:
    now = db.clock.now()
    return page_record(url, values, now, sha * 64, page_url=page_url)


def test_two_urls_of_a_page_are_one_source(db: Stores) -> None:
    home = db.save(record(db, PAGE, ListPrice=100))
    db.clock.advance(60)
    assert db.save(record(db, MOBILE, sha="b", ListPrice=90)) == home
    (source,) = db.properties.get(home)["sources"]
    assert (source["url"], source["page_url"], source["content_sha256"]) == (PAGE, PAGE, "b" * 64)
    assert db.properties.get(home)["record"]["ListPrice"] == 90
    assert db.properties.get(home)["conflicts"] == []
    assert db.save(replace(record(db, MOBILE, ListPrice=80), fetched_at=db.clock.now() - HOUR)) == home
    assert db.properties.get(home)["record"]["ListPrice"] == 90, "an older record does not replace a newer one"
    for url in (PAGE, MOBILE):
        assert db.index.fresh(url, db.clock.now() - HOUR) == (home, PageKind.LISTING)
    assert (db.index.known_as(MOBILE), db.index.record_of("https://site.example/h/2")) == (PAGE, None)


def test_a_page_that_still_needs_a_model_is_not_fresh(db: Stores) -> None:
    other = "https://other.example/1"
    home = db.save(record(db, PAGE, ListPrice=100), wanted_model=["Roof"], asks_again=True)
    assert db.save(record(db, other, page_url=other, sha="c", ListPrice=100), related=home) == home
    db.save(record(db, MOBILE, ListPrice=100), wanted_model=["Roof"], asks_again=True)
    since = db.clock.now() - HOUR
    assert [db.index.fresh(url, since) for url in (PAGE, MOBILE)] == [None, None]
    assert db.index.fresh(other, since) == (home, PageKind.LISTING)
    assert db.index.fresh(PAGE, since, can_ask=False) == db.index.fresh(MOBILE, since, can_ask=False)
    keyless = JobStore(db, can_ask=lambda: False)
    assert keyless.enqueue([PAGE, MOBILE, other]).new == [], "no model can be asked, so a job would change nothing"
    made = db.jobs.enqueue([PAGE, MOBILE, other])
    assert len(made.new) == 2
    db.clock.advance(60)
    db.save(record(db, PAGE, ListPrice=100))
    assert db.index.fresh(PAGE, since) == db.index.fresh(MOBILE, since) == (home, PageKind.LISTING)


def test_a_page_that_still_needs_a_model_is_unchanged_only_while_none_can_be_asked(db: Stores) -> None:
    """Of a page that was read with MODEL_USE=never, no field is known to be missing."""
    db.save(record(db, PAGE, ListPrice=100), asks_again=True, edition="1")
    seen = Seen(PAGE, PAGE, "a" * 64, "1")
    assert not db.index.is_confirmed_by(seen)
    assert db.index.is_confirmed_by(seen._replace(can_ask=False))
    known = db.index.record_of(PAGE)
    assert (known.is_whole, known.waits) == (True, True)


ADDRESS = "12 Fictional Avenue, Anytown, ST 00000"
AT_HOME = {"UnparsedAddress": "12 Fictional Ave", "StreetNumber": "12", "StreetName": "Fictional Ave",
           "City": "Anytown", "StateOrProvince": "ST", "PostalCode": "00000"}  # fmt: skip
SAME_ADDRESS = (
    "12 fictional ave, Anytown, ST 00000",
    "12 Fictional Avenue, Anytown ST",
    "12 FICTIONAL AV, ANYTOWN, ST 00000-1234",
)


def test_a_fresh_address_needs_no_job_whoever_read_it(db: Stores) -> None:
    """Its page was scraped without a job, and by its URL."""
    home = db.save(record(db, PAGE, **AT_HOME))
    for spelling in (ADDRESS, *SAME_ADDRESS):
        assert db.jobs.enqueue([spelling]).duplicates == 1, spelling
        assert new_targets(db, [spelling], fresh_days=30, refresh=False, can_ask=True) == []
        assert len(new_targets(db, [spelling], fresh_days=30, refresh=True, can_ask=True)) == 1
    others = ["14 Fictional Ave, Anytown, ST 00000", "12 Fictional Ave Unit 3, Anytown, ST 00000",
              "12 Fictional Ave, Anytown, OH 44444", "12 Other Ave, Anytown, ST 00000"]  # fmt: skip
    assert len(db.jobs.enqueue(others).new) == 4
    db.clock.advance(31 * 86_400)
    assert len(db.jobs.enqueue([ADDRESS]).new) == 1, f"the pages of {home} are old"


def test_a_fresh_address_that_waits_for_a_model_needs_a_job_only_if_one_can_be_asked(db: Stores) -> None:
    db.save(record(db, PAGE, **AT_HOME), wanted_model=["Roof"], asks_again=True)
    counts = [len(new_targets(db, [ADDRESS], fresh_days=30, refresh=False, can_ask=one)) for one in (True, False)]
    assert counts == [1, 0]


def test_two_sources_that_prove_to_be_one_page_are_merged_with_their_properties(db: Stores) -> None:
    first = db.save(record(db, MOBILE, page_url=MOBILE, ListPrice=100))
    second = db.save(record(db, CAMPAIGN, page_url=CAMPAIGN, ListPrice=100))
    assert first != second
    db.clock.advance(60)
    db.save(record(db, MOBILE, ListPrice=100))
    home = db.save(record(db, CAMPAIGN, ListPrice=95))
    assert home == first
    assert count(db, SourceRow) == 1
    assert db.properties.get(second)["property"] == first
    assert count(db, Property, Property.merged_into.is_(None)) == 1
    known = db.index.record_of(PAGE)
    assert (known.property_id, known.record.url, known.record.values) == (home, CAMPAIGN, {"ListPrice": 95})
    for url in (MOBILE, CAMPAIGN):
        assert db.index.fresh(url, db.clock.now() - HOUR) == (home, PageKind.LISTING)


def test_a_source_that_moves_to_another_property_leaves_other_sources_in_place(db: Stores) -> None:
    address = {"StreetNumber": "12", "StreetName": "Oak St", "PostalCode": "62701"}
    first = db.save(record(db, MOBILE, page_url=MOBILE, **address))
    assert db.save(record(db, CAMPAIGN, page_url=CAMPAIGN, **address)) == first
    db.clock.advance(60)
    other = {"StreetNumber": "14", "StreetName": "Elm St", "PostalCode": "62701"}
    moved = db.save(record(db, PAGE, sha="b", **other))
    assert moved != first
    db.save(record(db, CAMPAIGN, sha="b", **other))
    assert [source["url"] for source in db.properties.get(first)["sources"]] == [MOBILE]
    assert db.properties.get(moved)["record"]["StreetName"] == "Elm St"
    assert len(db.properties.get(moved)["sources"]) == 1


def test_an_unchanged_page_is_confirmed_and_fresh_again(db: Stores) -> None:
    home = db.save(record(db, PAGE, ListPrice=100), edition="e1")
    changed_at = db.properties.get(home)["updated_at"]
    db.clock.advance(7200)
    assert db.index.fresh(PAGE, db.clock.now() - HOUR) is None
    assert confirm(db, Seen(MOBILE, PAGE, "a" * 64, "e1"), db.clock.now()) == (home, PageKind.LISTING)
    for url in (PAGE, MOBILE):
        assert db.index.fresh(url, db.clock.now() - HOUR) == (home, PageKind.LISTING)
    shown = db.properties.get(home)
    assert shown["sources"][0]["checked_at"] == db.clock.now().isoformat()
    assert shown["updated_at"] == changed_at, "a confirmation must not count as a change"
    confirm(db, Seen(PAGE, PAGE, "a" * 64, "e1"), db.clock.now() - HOUR)
    assert db.properties.get(home)["sources"][0]["checked_at"] == db.clock.now().isoformat(), "the newer time must stay"


def test_an_equivalent_body_of_another_url_confirms_the_page(db: Stores) -> None:
    """Each URL of the page returns another text. Two texts are compared only once."""
    known = record(db, PAGE, ListPrice=100)
    home = db.save(known, edition="e1")
    note_same(db, record(db, MOBILE, sha="b", ListPrice=100), known)
    db.clock.advance(7200)
    for url, sha in ((MOBILE, "c"), (CAMPAIGN, "b")):
        assert confirm(db, Seen(url, "https://site.example/nobody", sha * 64, "e1"), db.clock.now()) is None
    assert confirm(db, Seen(MOBILE, PAGE, "b" * 64, "e1"), db.clock.now()) == (home, PageKind.LISTING)
    assert db.index.fresh(PAGE, db.clock.now() - HOUR) == (home, PageKind.LISTING)
    db.clock.advance(60)
    db.save(record(db, PAGE, sha="d", ListPrice=90), edition="e1")
    assert confirm(db, Seen(MOBILE, PAGE, "b" * 64, "e1"), db.clock.now()) is None, "the record is newer"


def test_only_the_same_body_page_and_extractors_confirm_a_complete_record(db: Stores) -> None:
    db.save(record(db, PAGE, ListPrice=100), edition="e1")
    for sha, edition, url in (("b", "e1", PAGE), ("a", "e2", PAGE), ("a", "e1", "https://site.example/h/2")):
        assert confirm(db, Seen(url, url, sha * 64, edition), db.clock.now()) is None
    wanted = {"wanted_model": ["Roof"], "model_note": "The budget is used up.", "edition": "e1"}
    db.save(record(db, PAGE, ListPrice=100), **wanted)
    assert confirm(db, Seen(PAGE, PAGE, "a" * 64, "e1"), db.clock.now()) is None, "a model's answer is missing"
    known = db.index.record_of(PAGE)
    assert not known.is_whole


def test_a_target_that_is_a_known_fresh_page_creates_no_job(db: Stores) -> None:
    known = record(db, PAGE, ListPrice=100)
    db.save(known)
    note_same(db, record(db, MOBILE, sha="b", ListPrice=100), known)
    enqueued = db.jobs.enqueue([MOBILE, PAGE, CAMPAIGN])
    assert [job.target for job in enqueued.jobs] == [CAMPAIGN]
    assert enqueued.duplicates == 2
    db.clock.advance(31 * 86400)
    assert len(db.jobs.enqueue([MOBILE, PAGE]).new) == 2


def test_only_one_job_at_a_time_reads_a_page(db: Stores) -> None:
    """The lock on the page expires with the lease of the job."""
    one, two = db.jobs.enqueue([MOBILE, CAMPAIGN]).new
    for job in (one, two):
        db.jobs.claim(job, f"owner of {job}", 30)
    first, second = (Lease(job, f"owner of {job}") for job in (one, two))
    assert db.index.take_reading(PAGE, first)
    assert db.index.take_reading(PAGE, first)
    assert not db.index.take_reading(PAGE, second)
    assert db.index.take_reading("https://site.example/h/2", second)
    assert not db.index.take_reading("https://site.example/h/2", first)
    db.clock.advance(31)
    assert db.index.take_reading(PAGE, second), "the first job's lease has expired"
    db.jobs.claim(one, "another owner", 30)
    with pytest.raises(LeaseLostError):
        db.index.take_reading("https://site.example/h/3", first)
    first = Lease(one, "another owner")
    db.jobs.renew(two, f"owner of {two}", 30)
    assert not db.index.take_reading(PAGE, first)
    finish(db.jobs, two, f"owner of {two}", db.save(record(db, MOBILE, ListPrice=1)))
    assert db.index.take_reading(PAGE, first)


def test_a_page_that_changed_and_is_confirmed_later_than_an_earlier_page_wins(db: Stores) -> None:
    """The earlier page stays, also when the other one is read later, until it was not read for a day."""
    address = {"StreetNumber": "12", "StreetName": "Oak St", "PostalCode": "62701"}
    home = db.save(record(db, PAGE, ListPrice=100, **address), edition="e1")
    other = "https://other.example/12-oak"
    for sha, price in (("b", 100), ("c", 90)):
        db.clock.advance(60)
        db.save(replace(record(db, other, page_url=other, sha=sha, ListPrice=price, **address)), edition="e1")
        assert db.properties.get(home)["record"]["ListPrice"] == 100
    db.clock.advance(86_400)
    confirm(db, Seen(other, other, "c" * 64, "e1"), db.clock.now())
    assert db.properties.get(home)["record"]["ListPrice"] == 90
    assert db.properties.get(home)["updated_at"] == db.clock.now().isoformat(), "the new value must count as a change"
    confirm(db, Seen(PAGE, PAGE, "a" * 64, "e1"), db.clock.now())
    assert db.properties.get(home)["record"]["ListPrice"] == 100
