"""Copies of pages: cache validators, the no-store directive, and limits on age and size."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from app.clock import ManualClock
from app.property.page import CacheValidators, Page
from app.property.storage.database import Database
from app.property.storage.jobs.repository import JobStore
from app.property.storage.pages.blobs import count_bytes, stored_bytes
from app.property.storage.pages.repository import PageStore
from app.property.storage.pages.retention import Retention
from app.property.storage.pages.tables import Blob, PageCopy
from tests.contract.conftest import ON_POSTGRESQL, count

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
    """Return a page with an incompressible body. Its text is stored separately, in UTF-8."""
    return page(clock, os.urandom(kilobytes * 1000), url=f"{URL}/{name}", final_url=f"{FINAL}/{name}")


def stored(database: Database) -> int:
    with database.reading() as connection:
        return stored_bytes(connection)


def confirm(store: PageStore, clock: ManualClock, name: str = "") -> None:
    """Store the page as confirmed by its site."""
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


def test_a_body_is_stored_compressed(database: Database, store: PageStore, clock: ManualClock) -> None:
    before = page(clock, b"<p>House</p>" * 1000)
    store.save_page(before)
    assert stored(database) * 20 < len(before.body)
    found = store.still_holds(URL, FINAL)
    assert found is not None
    assert found.body == before.body


def test_validators_are_those_of_the_last_response_of_a_url(store: PageStore, clock: ManualClock) -> None:
    assert store.validators(FINAL) is None
    store.save_page(page(clock))
    assert store.validators(FINAL) == ETAG
    assert store.validators(URL) is None, "the validators belong to the final URL"
    store.save_page(page(clock, b"new", validators=CacheValidators('"v2"')))
    assert store.validators(FINAL) == CacheValidators('"v2"')
    store.save_page(page(clock, b"newer", validators=CacheValidators()))
    assert store.validators(FINAL) is None


def test_a_confirmed_page_is_returned_as_it_was_received(store: PageStore, clock: ManualClock) -> None:
    before = page(clock)
    store.save_page(before)
    clock.advance(DAY)
    assert store.still_holds("https://site.example/other", FINAL) == Page(
        "https://site.example/other",
        FINAL,
        "text/html",
        "plain",
        b"plain",
        before.fetched_at,
        ETAG,
        before.declared_url,
    )
    assert store.still_holds(URL, "https://site.example/h/2") is None


def test_a_very_long_url_has_validators_too(store: PageStore, clock: ManualClock) -> None:
    final_url = f"{FINAL}?{os.urandom(2000).hex()}"
    store.save_page(page(clock, final_url=final_url))
    assert store.validators(final_url) == ETAG


def test_the_last_response_counts_even_in_an_older_row(store: PageStore, clock: ManualClock, job_id: str) -> None:
    """The job updates its own row after a newer page was stored in another row."""
    for body, owner in ((b"first", job_id), (b"second", None), (b"third", job_id)):
        store.save_page(page(clock, body, validators=CacheValidators(f'"{body.decode()}"')), owner)
        clock.advance(60)
    found = store.still_holds(URL, FINAL)
    assert found is not None
    assert (found.body, store.validators(FINAL)) == (b"third", CacheValidators('"third"'))


def test_a_forgotten_page_is_fetched_completely_next_time(store: PageStore, clock: ManualClock, job_id: str) -> None:
    store.save_page(page(clock))
    store.save_page(page(clock), job_id)
    store.forget_checkpoint(job_id)
    assert store.validators(FINAL) is None


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


def test_a_forgotten_no_store_page_is_deleted(
    database: Database, store: PageStore, clock: ManualClock, job_id: str
) -> None:
    store.save_page(page(clock, validators=CacheValidators(no_store=True)), job_id)
    store.forget_checkpoint(job_id)
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
    before = stored(database)
    assert before > 3 * 20_000
    assert retention.prune_surplus(before) == retention.prune_surplus(10**9)
    removed = retention.prune_surplus(before - 1)
    assert removed.bodies == 2, "one page's body and text must be removed"
    assert stored(database) == before - removed.packed_bytes
    assert [store.validators(f"{FINAL}/{name}") is not None for name in "abc"] == [True, False, True]
    assert retention.prune_surplus(0).bodies == 4
    assert stored(database) == 0


@ON_POSTGRESQL
def test_counting_stored_bytes_does_not_block_other_writers(
    database: Database, database_url: str, clock: ManualClock
) -> None:
    mine, other = (page(clock, body, url=f"{URL}/{body!r}") for body in (b"a", b"b"))
    assert mine.sha256[-1] != other.sha256[-1], "the bodies must use different counters"
    impatient = Database(database_url, clock, busy_timeout_seconds=1)
    with database.writing() as connection:
        count_bytes(connection, mine.sha256, 1)
        PageStore(impatient).save_page(other)
    impatient.close()


def test_stored_bytes_are_counted_correctly_with_concurrent_writers(
    database: Database, store: PageStore, retention: Retention, clock: ManualClock
) -> None:
    """Four threads store ten bodies four times while old bodies are pruned. The counted bytes must be exact."""
    for number in range(10):
        store.save_page(random_page(clock, 1, f"old/{number}"))
    old = stored(database)
    clock.advance(60)
    new = [random_page(clock, 1, str(number % 10)) for number in range(10)] * 4
    with ThreadPoolExecutor(4) as pool:
        saved = [pool.submit(store.save_page, one) for one in new]
        pruned = retention.prune_surplus(stored(database) - old // 2)
    assert pruned.bodies
    assert not any(one.exception() for one in saved)
    with database.reading() as connection:
        assert stored(database) == connection.execute(select(func.sum(Blob.packed_bytes))).scalar_one()
