"""Stored pages: cache validators, the no-store directive, and limits on age and size."""

import os
from dataclasses import replace

import pytest

from app.clock import ManualClock
from app.property.page import CacheValidators, Page
from app.property.storage.database import Database
from app.property.storage.jobs.repository import JobStore
from app.property.storage.pages.repository import PageStore
from app.property.storage.pages.retention import Retention, stored_bytes
from app.property.storage.pages.tables import Blob, PageCopy
from tests.contract.conftest import count

URL = "https://site.example/house/1"
FINAL = "https://site.example/h/1"
ETAG = CacheValidators('"v1"', "Tue, 03 Mar 2026 10:00:00 GMT")
DAY = 86_400.0


def page(
    clock: ManualClock,
    body: bytes = b"plain",
    *,
    url: str = URL,
    validators: CacheValidators = ETAG,
    final_url: str = FINAL,
) -> Page:
    return Page(
        url, final_url, "text/html", body.decode("latin-1"), body, clock.now(), validators, "https://site.example/c/1"
    )


def random_page(clock: ManualClock, kilobytes: int, name: str) -> Page:
    """Return a page with an incompressible body and a text that is stored separately, in UTF-8."""
    return page(clock, os.urandom(kilobytes * 1000), url=f"{URL}/{name}", final_url=f"{FINAL}/{name}")


def confirm(store: PageStore, clock: ManualClock, name: str = "") -> None:
    """Store the page again, as unchanged according to its site."""
    found = store.still_holds(URL + name, FINAL + name)
    assert found is not None
    store.save_page(found, confirmed_at=clock.now())


@pytest.fixture
def store(database: Database) -> PageStore:
    return PageStore(database)


@pytest.fixture
def retention(database: Database) -> Retention:
    return Retention(database)


@pytest.fixture
def job_id(database: Database) -> str:
    return JobStore(database).enqueue([URL]).new[0]


def test_validators_are_those_of_the_last_response_of_a_url(store: PageStore, clock: ManualClock) -> None:
    assert store.validators(FINAL) is None
    store.save_page(page(clock))
    assert store.validators(FINAL) == ETAG
    assert store.validators(URL) is None, "the validators belong to the final URL"
    store.save_page(page(clock, b"new", validators=CacheValidators('"v2"')))
    assert store.validators(FINAL) == CacheValidators('"v2"')
    store.save_page(page(clock, b"newer", validators=CacheValidators()))
    assert store.validators(FINAL) is None
    long = f"{FINAL}?{os.urandom(2000).hex()}"
    store.save_page(page(clock, final_url=long))
    assert store.validators(long) == ETAG


def test_a_confirmed_page_is_returned_as_it_was_received(
    database: Database, store: PageStore, clock: ManualClock
) -> None:
    before = page(clock, b"<p>House</p>" * 1000)
    store.save_page(before)
    assert stored_bytes(database) * 20 < len(before.body), "bodies are compressed"
    clock.advance(DAY)
    other = "https://site.example/other"
    assert store.still_holds(other, FINAL) == replace(before, url=other)
    assert store.still_holds(URL, "https://site.example/h/2") is None


def test_the_last_response_counts_even_in_an_older_row(store: PageStore, clock: ManualClock, job_id: str) -> None:
    """The job updates its own row after another row got a newer response."""
    for body, owner in ((b"first", job_id), (b"second", None), (b"third", job_id)):
        store.save_page(page(clock, body, validators=CacheValidators(f'"{body.decode()}"')), owner)
        clock.advance(60)
    found = store.still_holds(URL, FINAL)
    assert found is not None
    assert (found.body, store.validators(FINAL)) == (b"third", CacheValidators('"third"'))


def test_a_forgotten_page_is_fetched_completely_next_time(
    database: Database, store: PageStore, clock: ManualClock, job_id: str
) -> None:
    store.save_page(page(clock))
    for validators in (ETAG, CacheValidators(no_store=True)):
        store.save_page(page(clock, validators=validators), job_id)
        store.forget_checkpoint(job_id)
        assert (store.validators(FINAL), store.checkpoint(job_id)) == (None, None)
    assert count(database, PageCopy) == 2, "the no-store page must be deleted"


def test_a_no_store_page_is_deleted_when_its_job_ends(
    database: Database, store: PageStore, clock: ManualClock, job_id: str
) -> None:
    store.save_page(page(clock))
    secret = page(clock, b"secret", validators=CacheValidators('"v2"', no_store=True))
    store.save_page(secret, job_id)
    assert store.validators(FINAL) is None
    found = store.checkpoint(job_id)
    assert found is not None
    assert (found.page.body, found.page.validators.no_store) == (b"secret", True)
    store.drop_unkept(job_id)
    assert store.checkpoint(job_id) is None
    assert store.validators(FINAL) is None, "older validators must not be used either"
    assert (count(database, Blob), count(database, PageCopy)) == (1, 1), "the page without no-store must stay"
    store.drop_unkept(job_id)


def test_a_no_store_page_without_a_job_is_not_stored(database: Database, store: PageStore, clock: ManualClock) -> None:
    store.save_page(page(clock, validators=CacheValidators(no_store=True)))
    assert (count(database, Blob), count(database, PageCopy)) == (0, 0)


def test_no_store_pages_of_ended_jobs_are_pruned(
    database: Database, store: PageStore, retention: Retention, clock: ManualClock, job_id: str
) -> None:
    store.save_page(page(clock, validators=CacheValidators(no_store=True)), job_id)
    assert retention.prune_unkept().bodies == 0, "the job has not ended"
    JobStore(database).cancel(job_id)
    assert retention.prune_unkept().bodies == 1
    assert count(database, Blob) == 0


def test_a_body_is_pruned_at_its_age_limit_after_the_last_use(
    database: Database, store: PageStore, retention: Retention, clock: ManualClock
) -> None:
    store.save_page(page(clock, b"old", url=f"{URL}/2", final_url=f"{FINAL}/2"))
    store.save_page(page(clock))
    clock.advance(6 * DAY)
    confirm(store, clock)
    clock.advance(5 * DAY)
    removed = retention.prune_old(days=10)
    assert (removed.bodies, removed.more) == (1, False)
    assert store.validators(f"{FINAL}/2") is None
    assert store.validators(FINAL) == ETAG, "the site confirmed the page five days ago"
    found = store.still_holds(URL, FINAL)
    assert found is not None
    assert found.body == b"plain", "the evidence must still have its body"
    clock.advance(6 * DAY)
    assert retention.prune_old(days=10).bodies == 1
    assert (count(database, Blob), count(database, PageCopy)) == (0, 0)
    assert retention.prune_old(days=10).bodies == 0


def test_the_page_of_an_active_job_is_not_pruned(
    database: Database, store: PageStore, retention: Retention, clock: ManualClock, job_id: str
) -> None:
    store.save_page(page(clock), job_id)
    clock.advance(100 * DAY)
    assert retention.prune_old(days=10).bodies == retention.prune_surplus(0).bodies == 0
    assert store.checkpoint(job_id) is not None
    JobStore(database).cancel(job_id)
    assert retention.prune_old(days=10).bodies == 1


def test_the_least_recently_used_pages_are_pruned_first(
    database: Database, store: PageStore, retention: Retention, clock: ManualClock
) -> None:
    for name in ("a", "b", "c"):
        store.save_page(random_page(clock, 10, name))
        clock.advance(60)
    confirm(store, clock, "/a")
    before = stored_bytes(database)
    assert before > 3 * 20_000
    assert retention.prune_surplus(before) == retention.prune_surplus(10**9)
    removed = retention.prune_surplus(before - 1)
    assert removed.bodies == 2, "one page's body and text must be removed"
    assert stored_bytes(database) == before - removed.packed_bytes
    assert [store.validators(f"{FINAL}/{name}") is not None for name in "abc"] == [True, False, True]
    assert retention.prune_surplus(0).bodies == 4
    assert stored_bytes(database) == 0
