"""Tests of the batch store."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import delete

from app.clock import ManualClock
from app.errors import NotFoundError
from app.errors.pages import PageGoneError
from app.property.storage.database import Database
from app.property.storage.jobs.batches import BatchStore
from app.property.storage.jobs.models import CallbackState, Enqueued, JobState
from app.property.storage.jobs.models import Job as JobRow
from app.property.storage.jobs.repository import JobStore, queue_again
from app.property.storage.outbox import Channel, Outbox
from tests.contract.conftest import ON_POSTGRESQL, at_once
from tests.plugins.job_ends import finish

EMPTY = {"queued": 0, "running": 0, "deferred": 0, "done": 0, "failed": 0, "cancelled": 0}
HOOK = "https://hooks.example:8443/in/secret?token=secret"


@pytest.fixture
def batches(database: Database) -> BatchStore:
    return BatchStore(database)


@pytest.fixture
def outbox(database: Database) -> Outbox:
    return Outbox(database)


def enqueue(jobs: JobStore, count: int = 3, *, site: str = "a", callback_url: str | None = None) -> Enqueued:
    targets = [f"https://{site}.example/{n}" for n in range(count)]
    return jobs.enqueue(targets, priority=3, callback_url=callback_url)


def fail_all(jobs: JobStore, enqueued: Enqueued) -> None:
    for job_id in enqueued.new:
        jobs.fail(job_id, PageGoneError("https://a.example", "sold"))


def callback_of(batches: BatchStore, enqueued: Enqueued) -> tuple[CallbackState, int, str | None]:
    callback = batches.get(enqueued.batch).callback
    assert callback is not None
    return callback["state"], callback["attempts"], callback["error"]


def test_a_batch_counts_its_jobs_by_state(jobs: JobStore, batches: BatchStore, clock: ManualClock) -> None:
    enqueued = enqueue(jobs, 4)
    enqueue(jobs, 2, site="other")
    jobs.claim(enqueued.new[0], "me", 30)
    jobs.fail(enqueued.new[1], PageGoneError("https://a.example/1", "sold"))
    batch = batches.get(enqueued.batch)
    assert batch.counts == {**EMPTY, "queued": 2, "running": 1, "failed": 1}
    assert (batch.targets, batch.duplicates, batch.priority, batch.active) == (4, 0, 3, 3)
    assert (batch.created_at, batch.completed_at, batch.callback) == (clock.now(), None, None)


def test_the_error_names_an_unknown_batch(batches: BatchStore) -> None:
    for method in (batches.get, batches.cancel):
        with pytest.raises(NotFoundError, match="batch nothing"):
            method("nothing")


def test_batches_are_listed_newest_first_with_their_own_counts(
    jobs: JobStore, batches: BatchStore, clock: ManualClock
) -> None:
    made = []
    for n in range(3):
        made.append(enqueue(jobs, n + 1, site=f"s{n}").batch)
        clock.advance(1)
    assert [batch.id for batch in batches.page().items] == made[::-1]
    assert [batch.counts["queued"] for batch in batches.page().items] == [3, 2, 1]
    first = batches.page(limit=1)
    assert [batch.id for batch in batches.page(first.next_cursor, limit=1).items] == [made[1]]


def test_only_the_origin_of_a_callback_url_is_shown(jobs: JobStore, batches: BatchStore) -> None:
    batch = batches.get(enqueue(jobs, callback_url=HOOK).batch)
    shown = batch.as_json()
    assert shown["callback"] == {
        "url": "https://hooks.example:8443", "state": "waiting", "attempts": 0, "error": None,
    }  # fmt: skip
    assert "secret" not in repr(batch) + str(shown)


def test_cancel_ends_every_active_job_of_the_batch_only(
    jobs: JobStore, batches: BatchStore, clock: ManualClock
) -> None:
    enqueued = enqueue(jobs, 4)
    other = enqueue(jobs, 1, site="other")
    queued, running, deferred, failed = enqueued.new
    jobs.claim(running, "a", 30)
    jobs.claim(deferred, "a", 30)
    jobs.defer(deferred, "a", clock.now() + timedelta(minutes=5), 300)
    jobs.fail(failed, PageGoneError("https://a.example/3", "sold"))
    clock.advance(1)
    assert batches.cancel(enqueued.batch) == 3
    assert batches.get(enqueued.batch).counts == {**EMPTY, "cancelled": 3, "failed": 1}
    assert batches.get(other.batch).counts == {**EMPTY, "queued": 1}
    assert jobs.renew(running, "a", 30) is False
    assert finish(jobs, running, "a", "x") is False
    assert (jobs.get(deferred).due_at, jobs.get(queued).finished_at) == (None, clock.now())
    clock.advance(3600)
    assert [found.job.id for found in jobs.recoverable()] == other.new
    assert batches.cancel(enqueued.batch) == 0


def test_a_batch_is_complete_once_when_its_last_job_ends(
    jobs: JobStore, batches: BatchStore, clock: ManualClock
) -> None:
    enqueued = enqueue(jobs, 2)
    failed, last = enqueued.new
    enqueue(jobs, 1, site="other")
    jobs.fail(failed, PageGoneError("https://a.example/0", "sold"))
    assert batches.complete() == []
    jobs.claim(last, "me", 30)
    assert batches.complete() == [], "a job is running"
    jobs.defer(last, "me", clock.now() + timedelta(minutes=5), 300)
    assert batches.complete() == [], "a job is deferred"
    jobs.cancel(last)
    clock.advance(3)
    (batch,) = batches.complete()
    assert (batch.id, batch.completed_at) == (enqueued.batch, clock.now())
    assert batch.counts == {**EMPTY, "failed": 1, "cancelled": 1}
    clock.advance(3)
    assert batches.complete() == []
    assert batches.get(enqueued.batch).completed_at == batch.completed_at


def test_a_complete_batch_keeps_its_counts_until_a_job_is_repeated(
    database: Database, jobs: JobStore, batches: BatchStore
) -> None:
    """A complete batch stores its counts, so that its jobs need not be read."""
    made = jobs.enqueue([f"http://homes.example/{n}" for n in range(3)])
    for job_id in made.new:
        jobs.cancel(job_id)
    jobs.enqueue(["http://other.example/1"])
    batches.complete()
    with database.writing() as connection:
        connection.execute(delete(JobRow).where(JobRow.id.in_(made.new[1:])))
    canceled = {**EMPTY, "cancelled": 3}
    assert batches.get(made.batch).counts == jobs.counts(made.batch) == canceled
    assert jobs.counts() == {**canceled, "queued": 1}
    jobs.retry(made.new[:1])
    assert batches.get(made.batch).counts == jobs.counts(made.batch) == {**EMPTY, "queued": 1}
    assert jobs.counts() == {**EMPTY, "queued": 2}


def test_a_batch_without_new_jobs_is_complete_at_once(jobs: JobStore, batches: BatchStore) -> None:
    enqueue(jobs, 2)
    again = enqueue(jobs, 2, callback_url=HOOK)
    batch = batches.get(again.batch)
    assert (batch.targets, batch.duplicates, batch.counts) == (2, 2, EMPTY)
    assert [batch.id for batch in batches.complete()] == [again.batch]
    assert callback_of(batches, again)[0] == "pending"


def test_concurrent_processes_complete_each_batch_once(jobs: JobStore, batches: BatchStore) -> None:
    made = [enqueue(jobs, 1, site=f"s{n}") for n in range(20)]
    for enqueued in made:
        fail_all(jobs, enqueued)
    found = [batch.id for completed in at_once(*[batches.complete] * 6) for batch in completed]
    found += [batch.id for batch in batches.complete()]  # completes batches whose rows were locked before
    assert sorted(found) == sorted(enqueued.batch for enqueued in made)


def test_a_retry_reopens_a_batch_until_its_jobs_end_again(
    jobs: JobStore, batches: BatchStore, outbox: Outbox, clock: ManualClock
) -> None:
    enqueued, other = enqueue(jobs, 2, callback_url=HOOK), enqueue(jobs, 1, site="other")
    for one in (enqueued, other):
        fail_all(jobs, one)
    batches.complete()
    (claim,) = outbox.claim(Channel.BATCH, 10, 60)
    outbox.failed(claim, "down", None)
    assert callback_of(batches, enqueued) == (CallbackState.GIVEN_UP, 1, "down")
    jobs.retry(enqueued.new[:1])
    assert outbox.delivered(claim) is False, "the webhook of the earlier completion is still in transit"
    assert batches.get(enqueued.batch).completed_at is None
    assert batches.get(other.batch).completed_at is not None
    assert callback_of(batches, enqueued) == (CallbackState.WAITING, 0, None)
    assert batches.complete() == []
    clock.advance(5)
    jobs.fail(enqueued.new[0], PageGoneError("https://a.example/0", "sold"))
    (batch,) = batches.complete()
    assert (batch.id, batch.completed_at) == (enqueued.batch, clock.now())
    (again,) = outbox.claim(Channel.BATCH, 10, 60)
    assert outbox.delivered(claim) is False
    assert (again.attempts, again.created_at) == (1, clock.now())


@ON_POSTGRESQL
def test_a_batch_that_is_reopened_during_completion_stays_open(
    jobs: JobStore, batches: BatchStore, database: Database
) -> None:
    """`complete` must skip the batch while the retry has locked its row."""
    enqueued = enqueue(jobs, 1)
    fail_all(jobs, enqueued)
    with database.writing() as retry:
        assert queue_again(retry, enqueued.new, JobRow.state == JobState.FAILED, database.clock.now())
        assert batches.complete() == []
    assert batches.complete() == []
    assert batches.get(enqueued.batch).completed_at is None


@ON_POSTGRESQL
def test_a_retry_waits_for_a_concurrent_completion_and_reopens_the_batch(
    jobs: JobStore, batches: BatchStore, outbox: Outbox, database: Database
) -> None:
    enqueued = enqueue(jobs, 1, callback_url=HOOK)
    fail_all(jobs, enqueued)
    retried: list[str] = []
    retry = threading.Thread(target=lambda: retried.extend(job.id for job in jobs.retry(enqueued.new)))
    with database.writing() as completing:
        assert [batch.id for batch in batches._complete(completing, [enqueued.batch])] == [enqueued.batch]
        retry.start()
        retry.join(0.3)
        assert retry.is_alive(), "the retry must wait for the locked row"
    retry.join(10)
    assert retried == enqueued.new
    assert batches.get(enqueued.batch).completed_at is None
    assert outbox.claim(Channel.BATCH, 10, 60) == []


def test_a_batch_shows_the_state_of_its_callback(
    jobs: JobStore, batches: BatchStore, outbox: Outbox, clock: ManualClock
) -> None:
    silent, enqueued = enqueue(jobs, 1, site="silent"), enqueue(jobs, 1, callback_url=HOOK)
    fail_all(jobs, silent)
    batches.complete()
    assert outbox.claim(Channel.BATCH, 10, 60) == [], "one batch is open, the other has no URL"
    fail_all(jobs, enqueued)
    (batch,) = batches.complete()
    assert callback_of(batches, enqueued) == (CallbackState.PENDING, 0, None)
    (claim,) = outbox.claim(Channel.BATCH, 10, 60)
    assert (claim.batch_id, claim.type, claim.payload) == (batch.id, "batch.completed", batch.outcome())
    outbox.failed(claim, "HTTP 500", clock.now() + timedelta(seconds=10))
    assert callback_of(batches, enqueued) == (CallbackState.PENDING, 1, "HTTP 500")
    clock.advance(10)
    (again,) = outbox.claim(Channel.BATCH, 10, 60)
    outbox.delivered(again)
    assert callback_of(batches, enqueued) == (CallbackState.DELIVERED, 2, None)
