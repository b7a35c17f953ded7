"""Tests of the batch store."""

import threading
from datetime import timedelta
from functools import partial

from sqlalchemy import delete

from app.errors.pages import PageGoneError
from app.property.storage.jobs.models import CallbackState, Enqueued, Job, JobState
from app.property.storage.jobs.repository import queue_again
from app.property.storage.outbox import Channel
from app.property.storage.paging import every
from tests.contract.conftest import ON_POSTGRESQL, at_once
from tests.plugins.job_ends import finish
from tests.plugins.stores import Stores

EMPTY = {"queued": 0, "running": 0, "deferred": 0, "done": 0, "failed": 0, "cancelled": 0}
HOOK = "https://hooks.example:8443/in/secret?token=secret"


def enqueue(db: Stores, count: int = 3, *, site: str = "a", callback_url: str | None = None) -> Enqueued:
    targets = [f"https://{site}.example/{n}" for n in range(count)]
    return db.jobs.enqueue(targets, priority=3, callback_url=callback_url)


def fail_all(db: Stores, enqueued: Enqueued) -> None:
    for job_id in enqueued.new:
        db.jobs.fail(job_id, PageGoneError("https://a.example", "sold"))


def callback_of(db: Stores, enqueued: Enqueued) -> tuple[CallbackState, int, str | None]:
    callback = db.batches.get(enqueued.batch).callback
    return callback["state"], callback["attempts"], callback["error"]


def test_a_batch_counts_its_jobs_by_state(db: Stores) -> None:
    enqueued = enqueue(db, 4)
    enqueue(db, 2, site="other")
    db.jobs.claim(enqueued.new[0], "me", 30)
    db.jobs.fail(enqueued.new[1], PageGoneError("https://a.example/1", "sold"))
    batch = db.batches.get(enqueued.batch)
    assert batch.counts == {**EMPTY, "queued": 2, "running": 1, "failed": 1}
    assert (batch.targets, batch.duplicates, batch.priority, batch.active) == (4, 0, 3, 3)
    assert (batch.created_at, batch.completed_at, batch.callback) == (db.clock.now(), None, None)


def test_batches_are_listed_newest_first_with_their_own_counts(db: Stores) -> None:
    made = {enqueue(db, 1, site=f"s{n}").batch: 1 for n in range(3)}  # with the same creation time
    db.clock.advance(1)
    newest = enqueue(db, 2, site="new").batch
    found = [(batch.id, batch.counts["queued"]) for batch in every(partial(db.batches.page, limit=1))]
    assert (found[0], dict(found[1:]), len(found)) == ((newest, 2), made, 4)


def test_cancel_ends_every_active_job_of_the_batch_only(db: Stores) -> None:
    enqueued = enqueue(db, 4)
    other = enqueue(db, 1, site="other")
    queued, running, deferred, failed = enqueued.new
    db.jobs.claim(running, "a", 30)
    db.jobs.claim(deferred, "a", 30)
    db.jobs.defer(deferred, "a", db.clock.now() + timedelta(minutes=5), 300)
    db.jobs.fail(failed, PageGoneError("https://a.example/3", "sold"))
    db.clock.advance(1)
    assert db.batches.cancel(enqueued.batch) == 3
    assert db.batches.get(enqueued.batch).counts == {**EMPTY, "cancelled": 3, "failed": 1}
    assert db.batches.get(other.batch).counts == {**EMPTY, "queued": 1}
    assert db.jobs.renew(running, "a", 30) is False
    assert finish(db.jobs, running, "a", "x") is False
    assert (db.jobs.get(deferred).due_at, db.jobs.get(queued).finished_at) == (None, db.clock.now())
    db.clock.advance(3600)
    assert [found.job.id for found in db.jobs.recoverable()] == other.new
    assert db.batches.cancel(enqueued.batch) == 0


def test_a_batch_is_complete_once_when_its_last_job_ends(db: Stores) -> None:
    enqueued = enqueue(db, 2)
    failed, last = enqueued.new
    enqueue(db, 1, site="other")
    db.jobs.fail(failed, PageGoneError("https://a.example/0", "sold"))
    assert db.batches.complete() == []
    db.jobs.claim(last, "me", 30)
    assert db.batches.complete() == [], "a job is running"
    db.jobs.defer(last, "me", db.clock.now() + timedelta(minutes=5), 300)
    assert db.batches.complete() == [], "a job is deferred"
    db.jobs.cancel(last)
    db.clock.advance(3)
    (batch,) = db.batches.complete()
    assert (batch.id, batch.completed_at) == (enqueued.batch, db.clock.now())
    assert batch.counts == {**EMPTY, "failed": 1, "cancelled": 1}
    db.clock.advance(3)
    assert db.batches.complete() == []
    assert db.batches.get(enqueued.batch).completed_at == batch.completed_at


def test_a_complete_batch_keeps_its_counts_until_a_job_is_repeated(db: Stores) -> None:
    made = db.jobs.enqueue([f"http://homes.example/{n}" for n in range(3)])
    for job_id in made.new:
        db.jobs.cancel(job_id)
    db.jobs.enqueue(["http://other.example/1"])
    db.batches.complete()
    db.execute(delete(Job).where(Job.id.in_(made.new[1:])))
    canceled = {**EMPTY, "cancelled": 3}
    assert db.batches.get(made.batch).counts == db.jobs.counts(made.batch) == canceled
    assert db.jobs.counts() == {**canceled, "queued": 1}
    db.jobs.retry(made.new[:1])
    assert db.batches.get(made.batch).counts == db.jobs.counts(made.batch) == {**EMPTY, "queued": 1}
    assert db.jobs.counts() == {**EMPTY, "queued": 2}


def test_a_batch_without_new_jobs_is_complete_at_once(db: Stores) -> None:
    enqueue(db, 2)
    again = enqueue(db, 2, callback_url=HOOK)
    batch = db.batches.get(again.batch)
    assert (batch.targets, batch.duplicates, batch.counts) == (2, 2, EMPTY)
    assert [batch.id for batch in db.batches.complete()] == [again.batch]
    assert callback_of(db, again)[0] == "pending"


def test_concurrent_processes_complete_each_batch_once(db: Stores) -> None:
    made = [enqueue(db, 1, site=f"s{n}") for n in range(20)]
    for enqueued in made:
        fail_all(db, enqueued)
    found = [batch.id for completed in at_once(*[db.batches.complete] * 6) for batch in completed]
    found += [batch.id for batch in db.batches.complete()]  # the batches whose rows were locked above
    assert sorted(found) == sorted(enqueued.batch for enqueued in made)


def test_a_retry_reopens_a_batch_until_its_jobs_end_again(db: Stores) -> None:
    enqueued, other = enqueue(db, 2, callback_url=HOOK), enqueue(db, 1, site="other")
    for one in (enqueued, other):
        fail_all(db, one)
    db.batches.complete()
    (claim,) = db.outbox.claim(Channel.BATCH, 10, 60)
    db.outbox.failed(claim, "down", None)
    assert callback_of(db, enqueued) == (CallbackState.GIVEN_UP, 1, "down")
    db.jobs.retry(enqueued.new[:1])
    assert db.outbox.delivered(claim) is False, "the webhook of the earlier completion is still in transit"
    assert db.batches.get(enqueued.batch).completed_at is None
    assert db.batches.get(other.batch).completed_at is not None
    assert callback_of(db, enqueued) == (CallbackState.WAITING, 0, None)
    assert db.batches.complete() == []
    db.clock.advance(5)
    db.jobs.fail(enqueued.new[0], PageGoneError("https://a.example/0", "sold"))
    (batch,) = db.batches.complete()
    assert (batch.id, batch.completed_at) == (enqueued.batch, db.clock.now())
    (again,) = db.outbox.claim(Channel.BATCH, 10, 60)
    assert db.outbox.delivered(claim) is False
    assert (again.attempts, again.created_at) == (1, db.clock.now())


@ON_POSTGRESQL
def test_a_batch_that_is_reopened_during_completion_stays_open(db: Stores) -> None:
    """`complete` must skip the batch while the retry has locked its row."""
    enqueued = enqueue(db, 1)
    fail_all(db, enqueued)
    with db.writing() as retry:
        assert queue_again(retry, enqueued.new, Job.state == JobState.FAILED, db.clock.now())
        assert db.batches.complete() == []
    assert db.batches.complete() == []
    assert db.batches.get(enqueued.batch).completed_at is None


@ON_POSTGRESQL
def test_a_retry_waits_for_a_concurrent_completion_and_reopens_the_batch(db: Stores) -> None:
    enqueued = enqueue(db, 1, callback_url=HOOK)
    fail_all(db, enqueued)
    retried: list[str] = []
    retry = threading.Thread(target=lambda: retried.extend(job.id for job in db.jobs.retry(enqueued.new)))
    with db.writing() as completing:
        assert [batch.id for batch in db.batches._complete(completing, [enqueued.batch])] == [enqueued.batch]
        retry.start()
        retry.join(0.3)
        assert retry.is_alive(), "the retry must wait for the locked row"
    retry.join()
    assert retried == enqueued.new
    assert db.batches.get(enqueued.batch).completed_at is None
    assert db.outbox.claim(Channel.BATCH, 10, 60) == []


def test_a_batch_shows_the_state_of_its_callback(db: Stores) -> None:
    silent, enqueued = enqueue(db, 1, site="silent"), enqueue(db, 1, callback_url=HOOK)
    fail_all(db, silent)
    db.batches.complete()
    assert db.outbox.claim(Channel.BATCH, 10, 60) == [], "one batch is open, the other has no URL"
    shown = db.batches.get(enqueued.batch)
    assert shown.callback == {"url": "https://hooks.example:8443", "state": "waiting", "attempts": 0, "error": None}
    assert "secret" not in repr(shown) + str(shown.as_json())
    fail_all(db, enqueued)
    (batch,) = db.batches.complete()
    assert callback_of(db, enqueued) == (CallbackState.PENDING, 0, None)
    (claim,) = db.outbox.claim(Channel.BATCH, 10, 60)
    assert (claim.batch_id, claim.type, claim.payload) == (batch.id, "batch.completed", batch.outcome())
    db.outbox.failed(claim, "HTTP 500", db.clock.now() + timedelta(seconds=10))
    assert callback_of(db, enqueued) == (CallbackState.PENDING, 1, "HTTP 500")
    db.clock.advance(10)
    (again,) = db.outbox.claim(Channel.BATCH, 10, 60)
    db.outbox.delivered(again)
    assert callback_of(db, enqueued) == (CallbackState.DELIVERED, 2, None)
