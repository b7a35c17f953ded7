"""Tests of the job store."""

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import update

from app.errors import NotFoundError
from app.errors.pages import PageGoneError
from app.errors.targets import InvalidTargetError
from app.property.record import PageKind
from app.property.source_record import SourceRecord
from app.property.storage.jobs.models import Job
from app.property.storage.jobs.repository import queue_again
from app.property.storage.outbox import Channel
from app.property.storage.properties.tables import SourceRow
from tests.contract.conftest import at_once
from tests.plugins.job_ends import finish
from tests.plugins.statements import recorded
from tests.plugins.stores import Stores

URL = "https://site.example/house/1"


def enqueue_one(db: Stores) -> str:
    return db.jobs.enqueue([URL]).new[0]


def store_property(db: Stores, url: str = URL) -> str:
    record = SourceRecord(url, url, PageKind.LISTING, "ab" * 32, db.clock.now(), {}, {})
    return db.save(record)


def test_enqueue_makes_one_queued_job_per_target_in_order(db: Stores) -> None:
    targets = ["https://b.example/1", "https://a.example/2"]
    enqueued = db.jobs.enqueue([*targets, "HTTPS://A.Example:443/2#map"], priority=3)
    assert [job.target for job in enqueued.jobs] == targets
    assert (enqueued.new, enqueued.duplicates) == ([job.id for job in enqueued.jobs], 1)
    job = db.jobs.get(enqueued.new[0])
    assert (job.state, job.priority, job.attempts, job.waited_seconds) == ("queued", 3, 0, 0)
    assert (job.batch_id, job.created_at) == (enqueued.batch, db.clock.now())
    assert [job.target for job in db.jobs.list(batch=enqueued.batch)] == targets


@pytest.mark.parametrize("step", ["queued", "running", "deferred"])
def test_an_active_target_is_a_duplicate_and_not_queued_again(db: Stores, step: str) -> None:
    job_id = enqueue_one(db)
    if step != "queued":
        db.jobs.claim(job_id, "me", 30)
    if step == "deferred":
        db.jobs.defer(job_id, "me", db.clock.now() + timedelta(minutes=5), 300)
    again = db.jobs.enqueue([URL], refresh=True)
    assert (again.new, again.duplicates, [job.id for job in again.jobs]) == ([], 1, [job_id])
    assert db.jobs.get(job_id).state == step


def test_a_property_is_a_duplicate_until_it_is_thirty_days_old(db: Stores) -> None:
    job_id, property_id, began = db.start(URL).id, store_property(db), db.clock.now()
    db.clock.advance(2)
    finish(db.jobs, job_id, "me", property_id)
    job = db.jobs.get(job_id)
    assert (job.state, job.property_id, job.started_at, job.finished_at) == ("done", property_id, began, db.clock.now())
    assert db.jobs.claim(job_id, "late duplicate", 30) is None
    again = db.jobs.enqueue([URL])
    assert (again.new, again.duplicates, [job.id for job in again.jobs]) == ([], 1, [job_id])
    (refreshed,) = db.jobs.enqueue([URL], refresh=True).new
    assert db.jobs.get(refreshed).refresh is True
    db.jobs.cancel(refreshed)
    db.clock.advance(30 * 86400 - 3)
    assert db.jobs.enqueue([URL]).new == []
    db.clock.advance(1)
    assert len(db.jobs.enqueue([URL]).new) == 1


def test_all_spellings_of_an_address_are_one_target_that_stays_fresh(db: Stores) -> None:
    (found,) = db.jobs.enqueue(["123 main street, Anytown ST 00000"]).jobs
    assert found.target == "123 MAIN ST, ANYTOWN, ST 00000"
    again = db.jobs.enqueue(["123 Main St., Anytown, ST 00000-1234", "123 Main St Unit 2, Anytown, ST 00000"])
    assert [job.target for job in again.jobs] == [found.target, "123 MAIN ST UNIT 2, ANYTOWN, ST 00000"]
    db.jobs.claim(found.id, "me", 30)
    finish(db.jobs, found.id, "me", store_property(db))
    db.clock.advance(29 * 86_400)
    fresh = db.jobs.enqueue([found.target])
    assert (fresh.new, [job.id for job in fresh.jobs]) == ([], [found.id])
    db.clock.advance(2 * 86_400)
    assert len(db.jobs.enqueue([found.target]).new) == 1


def test_only_a_confirmed_page_renews_the_freshness_of_an_address(db: Stores) -> None:
    """Otherwise, an address that is requested every month would never be read again."""
    property_id, target = store_property(db), "123 MAIN ST, ANYTOWN, ST 00000"
    db.clock.advance(29 * 86_400)
    job_id = db.start(target).id
    finish(db.jobs, job_id, "me", property_id)
    assert db.jobs.enqueue([target]).new == []
    db.clock.advance(86_400)
    db.execute(update(SourceRow).values(checked_at=db.clock.now() - timedelta(days=2)))
    assert db.jobs.enqueue([target]).new == []
    db.execute(update(SourceRow).values(checked_at=None))
    assert len(db.jobs.enqueue([target]).new) == 1


def test_an_invalid_target_refuses_the_whole_batch(db: Stores) -> None:
    with pytest.raises(InvalidTargetError, match=r"12 Main Street.*lacks a state"):
        db.jobs.enqueue([URL, "12 Main Street, Springfield"])
    assert sum(db.jobs.counts().values()) == 0


def test_ten_thousand_targets_are_queued_with_few_statements(db: Stores) -> None:
    targets = [f"https://site.example/house/{n}" for n in range(10_000)]
    with recorded(db) as sent:
        enqueued = db.jobs.enqueue(targets)
    assert len(sent) < len(targets) / 100
    assert len(set(enqueued.new)) == 10_000
    assert db.jobs.counts(enqueued.batch)["queued"] == 10_000
    assert [job.target for job in db.jobs.page(limit=3, newest_first=True).items] == targets[:-4:-1]
    assert db.jobs.enqueue(targets).duplicates == 10_000


def test_concurrent_callers_queue_each_target_once(db: Stores) -> None:
    targets = [f"https://site.example/{n}" for n in range(50)]
    made = [job_id for new in at_once(*[lambda: db.jobs.enqueue(targets).new] * 6) for job_id in new]
    assert len(made) == len(set(made)) == 50


def test_only_one_of_several_concurrent_claims_succeeds(db: Stores) -> None:
    job_id = enqueue_one(db)
    claimed = at_once(*(partial(db.jobs.claim, job_id, f"w{n}", 30) for n in range(8)))
    assert len([job for job in claimed if job is not None]) == 1
    assert db.jobs.get(job_id).attempts == 1


def test_a_lease_is_exclusive_until_it_ends(db: Stores) -> None:
    job_id = db.start(URL, "a").id
    db.clock.advance(20)
    assert db.jobs.renew(job_id, "a", 30)
    db.clock.advance(29.9)
    assert db.jobs.claim(job_id, "b", 30) is None
    db.clock.advance(0.1)
    taken = db.claim(job_id, "b")
    assert taken.attempts == 2
    assert db.jobs.renew(job_id, "a", 30) is False
    assert finish(db.jobs, job_id, "a", "x") is False
    assert db.jobs.fail(job_id, PageGoneError(URL, "sold"), "a") is False
    assert db.jobs.defer(job_id, "a", db.clock.now(), 1) is False
    assert db.jobs.release(job_id, "a", 1, "scrape") is False
    assert db.jobs.get(job_id).state == "running"


def test_an_error_message_may_contain_characters_that_postgresql_refuses(db: Stores) -> None:
    job_id = db.start(URL, "a").id
    assert db.jobs.fail(job_id, PageGoneError(URL, "sold \x00 \ud800"), "a")
    error = db.jobs.get(job_id).as_json()["error"]
    assert error["code"] == "page_gone"
    assert URL in error["message"]


def test_waits_for_capacity_are_added_up_and_cost_no_attempt_unlike_a_failure(db: Stores) -> None:
    job_id = db.start(URL, "a").id
    assert db.jobs.release(job_id, "a", 12.5, "scrape")
    job = db.claim(job_id, "b")
    assert (job.attempts, job.waited_seconds) == (1, 12.5)
    assert db.jobs.defer(job_id, "b", db.clock.now() + timedelta(seconds=60), 72.5)
    db.clock.advance(60)
    job = db.claim(job_id, "c")
    assert (job.attempts, job.waited_seconds, job.due_at) == (1, 72.5, None)
    assert db.jobs.release(job_id, "c", 72.5, "scrape", counted=True)
    job = db.claim(job_id, "d")
    assert job.attempts == 2


def test_a_deferred_job_is_not_claimed_before_it_is_due(db: Stores) -> None:
    job_id = db.start(URL, "a").id
    db.jobs.defer(job_id, "a", db.clock.now() + timedelta(seconds=60), 60)
    db.clock.advance(59)
    assert db.jobs.claim(job_id, "late", 30) is None
    assert db.jobs.recoverable() == []
    db.clock.advance(1)
    assert [found.job.id for found in db.jobs.recoverable()] == [job_id]
    assert db.jobs.get(job_id).state == "queued"


@pytest.mark.parametrize("running", [False, True])
def test_the_worker_of_a_canceled_job_loses_the_lease(db: Stores, running: bool) -> None:
    job_id = enqueue_one(db)
    if running:
        db.jobs.claim(job_id, "a", 30)
    assert db.jobs.cancel(job_id)
    assert db.jobs.cancel(job_id) is False
    assert db.jobs.renew(job_id, "a", 30) is False
    assert finish(db.jobs, job_id, "a", "x") is False
    assert db.jobs.claim(job_id, "b", 30) is None
    assert db.jobs.get(job_id).state == "cancelled"


def test_retry_resets_failed_and_canceled_jobs_without_another_active_job_for_the_target(db: Stores) -> None:
    failed, canceled, queued = db.jobs.enqueue([f"https://a.example/{n}" for n in range(3)]).new
    db.jobs.claim(failed, "a", 30)
    db.jobs.fail(failed, PageGoneError(URL, "sold"), "a")
    db.jobs.cancel(canceled)
    assert [job.id for job in db.jobs.retry([canceled, failed, queued, "unknown"])] == [canceled, failed]
    job = db.jobs.get(failed)
    assert (job.state, job.error, job.attempts, job.finished_at) == ("queued", None, 0, None)
    db.jobs.cancel(failed)
    (second,) = db.jobs.enqueue(["https://a.example/0"]).new
    db.jobs.cancel(second)
    assert [job.id for job in db.jobs.retry([failed, second])] == [failed], "both jobs have the same target"
    assert db.jobs.retry([second]) == []


def test_a_stopping_worker_releases_its_jobs_without_a_counted_attempt(db: Stores) -> None:
    """Only the leases of this worker are released. The underscore in the worker's name must not act as a wildcard."""
    first, second, other, ended = db.jobs.enqueue([f"https://a.example/{n}" for n in range(4)]).new
    for job_id, owner in ((first, "host_a:1:x:7:a"), (second, "host_a:1:x:8:b"), (other, "hostxa:1:x:7:a")):
        db.jobs.claim(job_id, owner, 30)
    db.jobs.claim(ended, "host_a:1:x:7:c", 30)
    db.jobs.fail(ended, PageGoneError(URL, "sold"), "host_a:1:x:7:c")
    assert sorted(db.jobs.release_all("host_a:1:x:")) == sorted([first, second])
    ends = [(db.jobs.get(i).state, db.jobs.get(i).attempts) for i in (first, other, ended)]
    assert ends == [("queued", 0), ("running", 1), ("failed", 1)]
    assert sorted(found.job.id for found in db.jobs.recoverable()) == sorted([first, second])


def test_a_withdrawn_batch_starts_no_job_and_sends_no_callback(db: Stores) -> None:
    """Jobs that a worker has started continue."""
    made = db.jobs.enqueue([f"https://a.example/{n}" for n in range(5)], callback_url="https://hooks.example/")
    running, queued, ended, waiting, deferred = made.new
    for job_id in (running, ended, waiting, deferred):
        db.jobs.claim(job_id, "a", 30)
    db.jobs.fail(ended, PageGoneError(URL, "sold"), "a")
    db.jobs.release(waiting, "a", 5.0, "scrape", again_seconds=5)
    db.jobs.defer(deferred, "a", db.clock.now() + timedelta(seconds=60), 60)
    assert db.jobs.withdraw(made) is True
    assert [db.jobs.get(i).state for i in made.new] == ["running", "cancelled", "failed", "queued", "deferred"]
    assert db.jobs.claim(queued, "b", 30) is None
    assert db.jobs.renew(running, "a", 30) is True
    for job_id in (running, waiting, deferred):
        db.jobs.fail(job_id, PageGoneError(URL, "sold"))
    assert [batch.id for batch in db.batches.complete()] == [made.batch]
    assert not db.outbox.is_due(Channel.BATCH)


def test_the_waiting_callback_of_a_withdrawn_batch_is_deleted(db: Stores) -> None:
    """The only job of the batch ended before the batch was withdrawn. Nothing else would delete the callback."""
    made = db.jobs.enqueue(["https://a.example/"], callback_url="https://hooks.example/")
    db.jobs.fail(made.new[0], PageGoneError(URL, "sold"))
    assert len(db.batches.complete()) == 1
    assert db.jobs.withdraw(made) is True
    assert db.outbox.backlog(Channel.BATCH).pending == 0


def test_concurrent_retries_queue_a_job_once(db: Stores) -> None:
    """The slower retry must not queue the job again after a worker has claimed it."""
    job_id = enqueue_one(db)
    db.jobs.cancel(job_id)
    claimed = at_once(*[lambda: [db.jobs.claim(job.id, "worker", 30) for job in db.jobs.retry([job_id])]] * 6)
    assert len([job for some in claimed for job in some]) == 1
    assert (db.jobs.get(job_id).state, db.jobs.get(job_id).attempts) == ("running", 1)


def test_a_retry_of_a_job_that_another_retry_has_ended_sends_no_second_callback(db: Stores) -> None:
    made = db.jobs.enqueue([URL], callback_url="https://hooks.example/")
    db.jobs.cancel(made.new[0])
    assert len(db.batches.complete()) == 1
    with db.writing() as connection:  # as by a retry that read the job's state before another retry queued it
        assert queue_again(connection, made.new, Job.state == "failed", db.clock.now()) == []
    assert db.batches.complete() == []


def test_the_error_names_an_unknown_id(db: Stores) -> None:
    methods = {"job": (db.jobs.get, db.jobs.cancel), "batch": (db.batches.get, db.batches.cancel)}
    for kind, its in {**methods, "property": (db.properties.get,)}.items():
        for method in its:
            with pytest.raises(NotFoundError, match=f"{kind} nothing"):
                method("nothing")
