"""Stored pages: checkpoints, cache validators, the no-store directive, and limits on age and size."""

import os
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.errors.storage import StoreError
from app.property.page import CacheValidators, Page
from app.property.storage.pages.repository import Checkpoint
from app.property.storage.pages.retention import stored_bytes
from app.property.storage.pages.tables import Blob, PageCopy
from tests.contract.conftest import count
from tests.plugins.stores import Stores

URL = "https://site.example/house/1"
FINAL = "https://site.example/h/1"
ETAG = CacheValidators('"v1"', "Tue, 03 Mar 2026 10:00:00 GMT")
DAY = 86_400.0


def page(
    db: Stores, body: bytes = b"plain", *, url: str = URL, validators: CacheValidators = ETAG, final_url: str = FINAL
) -> Page:
    declared, text = "https://site.example/c/1", body.decode("latin-1")
    return Page(url, final_url, "text/html", text, body, db.clock.now(), validators, declared)


def random_page(db: Stores, kilobytes: int, name: str) -> Page:
    """Return a page with an incompressible body. Its text is stored separately, because the body is not UTF-8."""
    return page(db, os.urandom(kilobytes * 1000), url=f"{URL}/{name}", final_url=f"{FINAL}/{name}")


def confirm(db: Stores, name: str = "") -> None:
    """Store the page again after the site has answered that it is unchanged."""
    found = db.pages.still_holds(URL + name, FINAL + name)
    assert found is not None
    db.pages.save_page(found, confirmed_at=db.clock.now())


@pytest.fixture
def job_id(db: Stores) -> str:
    return db.jobs.enqueue([URL]).new[0]


def test_validators_are_those_of_the_last_response_of_a_url(db: Stores) -> None:
    assert db.pages.validators(FINAL) is None
    db.pages.save_page(page(db))
    assert db.pages.validators(FINAL) == ETAG
    assert db.pages.validators(URL) is None, "the validators belong to the final URL"
    db.pages.save_page(page(db, b"new", validators=CacheValidators('"v2"')))
    assert db.pages.validators(FINAL) == CacheValidators('"v2"')
    db.pages.save_page(page(db, b"newer", validators=CacheValidators()))
    assert db.pages.validators(FINAL) is None
    long = f"{FINAL}?{os.urandom(2000).hex()}"
    db.pages.save_page(page(db, final_url=long))
    assert db.pages.validators(long) == ETAG


def test_a_confirmed_page_is_returned_as_it_was_received(db: Stores) -> None:
    before = page(db, b"<p>House</p>" * 1000)
    db.pages.save_page(before)
    assert stored_bytes(db) * 20 < len(before.body), "bodies are compressed"
    db.clock.advance(DAY)
    other = "https://site.example/other"
    assert db.pages.still_holds(other, FINAL) == replace(before, url=other)
    assert db.pages.still_holds(URL, "https://site.example/h/2") is None


def test_the_last_response_counts_even_in_an_older_row(db: Stores, job_id: str) -> None:
    """The job's row is older than the other row, but has the last response."""
    for body, owner in ((b"first", job_id), (b"second", None), (b"third", job_id)):
        db.pages.save_page(page(db, body, validators=CacheValidators(f'"{body.decode()}"')), owner)
        db.clock.advance(60)
    found = db.pages.still_holds(URL, FINAL)
    assert (found.body, db.pages.validators(FINAL)) == (b"third", CacheValidators('"third"'))


def test_a_forgotten_page_is_fetched_completely_next_time(db: Stores, job_id: str) -> None:
    db.pages.save_page(page(db))
    for validators in (ETAG, CacheValidators(no_store=True)):
        db.pages.save_page(page(db, validators=validators), job_id)
        db.pages.forget_checkpoint(job_id)
        assert (db.pages.validators(FINAL), db.pages.checkpoint(job_id)) == (None, None)
    assert count(db, PageCopy) == 2, "the no-store page must be deleted"


def test_a_no_store_page_is_deleted_when_its_job_ends(db: Stores, job_id: str) -> None:
    db.pages.save_page(page(db))
    db.pages.save_page(page(db, b"without a job", validators=CacheValidators(no_store=True)))
    assert count(db, PageCopy) == 1, "a no-store page without a job must not be stored"
    secret = page(db, b"secret", validators=CacheValidators('"v2"', no_store=True))
    db.pages.save_page(secret, job_id)
    assert db.pages.validators(FINAL) is None
    found = db.pages.checkpoint(job_id)
    assert (found.page.body, found.page.validators.no_store) == (b"secret", True)
    db.pages.drop_unkept(job_id)
    assert db.pages.checkpoint(job_id) is None
    assert db.pages.validators(FINAL) is None, "older validators must not be used either"
    assert (count(db, Blob), count(db, PageCopy)) == (1, 1), "the page without no-store must stay"
    db.pages.drop_unkept(job_id)


def test_no_store_pages_of_ended_jobs_are_pruned(db: Stores, job_id: str) -> None:
    db.pages.save_page(page(db, validators=CacheValidators(no_store=True)), job_id)
    assert db.retention.prune_unkept().bodies == 0, "the job has not ended"
    db.jobs.cancel(job_id)
    assert db.retention.prune_unkept().bodies == 1
    assert count(db, Blob) == 0


def test_a_body_is_pruned_at_its_age_limit_after_the_last_use(db: Stores) -> None:
    db.pages.save_page(page(db, b"old", url=f"{URL}/2", final_url=f"{FINAL}/2"))
    db.pages.save_page(page(db))
    db.clock.advance(6 * DAY)
    confirm(db)
    db.clock.advance(5 * DAY)
    removed = db.retention.prune_old(days=10)
    assert (removed.bodies, removed.more) == (1, False)
    assert db.pages.validators(f"{FINAL}/2") is None
    assert db.pages.validators(FINAL) == ETAG, "the site confirmed the page five days ago"
    found = db.pages.still_holds(URL, FINAL)
    assert found.body == b"plain", "the evidence must still have its body"
    db.clock.advance(6 * DAY)
    assert db.retention.prune_old(days=10).bodies == 1
    assert (count(db, Blob), count(db, PageCopy)) == (0, 0)
    assert db.retention.prune_old(days=10).bodies == 0


def test_the_page_of_an_active_job_is_not_pruned(db: Stores, job_id: str) -> None:
    db.pages.save_page(page(db), job_id)
    db.clock.advance(100 * DAY)
    assert db.retention.prune_old(days=10).bodies == db.retention.prune_surplus(0).bodies == 0
    assert db.pages.checkpoint(job_id) is not None
    db.jobs.cancel(job_id)
    assert db.retention.prune_old(days=10).bodies == 1


def test_the_least_recently_used_pages_are_pruned_first(db: Stores) -> None:
    for name in ("a", "b", "c"):
        db.pages.save_page(random_page(db, 10, name))
        db.clock.advance(60)
    confirm(db, "/a")
    before = stored_bytes(db)
    assert before > 3 * 20_000
    assert db.retention.prune_surplus(before) == db.retention.prune_surplus(10**9)
    removed = db.retention.prune_surplus(before - 1)
    assert removed.bodies == 2, "one page's body and text must be removed"
    assert stored_bytes(db) == before - removed.packed_bytes
    assert [db.pages.validators(f"{FINAL}/{name}") is not None for name in "abc"] == [True, False, True]
    assert db.retention.prune_surplus(0).bodies == 4
    assert stored_bytes(db) == 0


def received(body: bytes = b"<html>m\xb2</html>", text: str = "<html>m²</html>") -> Page:
    return Page(URL, f"{URL}?final", "text/html", text, body, datetime(2026, 1, 1, 12, tzinfo=UTC))


def test_a_checkpoint_returns_the_page_as_received(db: Stores, job_id: str) -> None:
    assert db.pages.checkpoint(job_id) is None
    odd = received(b"\x00odd", "\x00 \ud800 odd")
    for page in (odd, received()):
        db.pages.save_page(page, job_id)
        assert db.pages.checkpoint(job_id) == Checkpoint(page)
    assert db.pages.checkpoint(job_id, URL) == Checkpoint(received())
    assert db.pages.checkpoint(job_id, "https://site.example/other") is None


def test_the_same_body_is_stored_once(db: Stores, job_id: str) -> None:
    plain = received(b"plain", "plain")
    for _ in range(3):
        db.pages.save_page(plain)
    db.pages.save_page(plain, job_id)
    assert count(db, PageCopy) == 4
    assert count(db, Blob) == 1


def test_a_checkpoint_stores_a_confirmation_until_the_page_is_fetched_again(db: Stores, job_id: str) -> None:
    at = datetime(2026, 2, 1, tzinfo=UTC)
    db.pages.save_page(received(), job_id, at)
    assert db.pages.checkpoint(job_id, URL) == Checkpoint(received(), at)
    db.pages.save_page(received(b"new", "new"), job_id)
    assert db.pages.checkpoint(job_id, URL) == Checkpoint(received(b"new", "new"), None)
    assert count(db, PageCopy) == 1


def test_a_page_of_an_unknown_job_is_refused_as_a_whole(db: Stores) -> None:
    with pytest.raises(StoreError, match=r"(?i)foreign key"):
        db.pages.save_page(received(), "no such job")
    assert count(db, Blob) == 0
