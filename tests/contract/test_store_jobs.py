"""Tests of the job store."""

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import update

from app.clock import ManualClock
from app.errors import NotFoundError
from app.errors.pages import PageGoneError
from app.errors.targets import InvalidTargetError
from app.property.record import PageKind
from app.property.source_record import SourceRecord
from app.property.storage.database import Database
from app.property.storage.jobs.batches import BatchStore
from app.property.storage.jobs.models import Job
from app.property.storage.jobs.repository import JobStore, queue_again
from app.property.storage.outbox import Channel, Outbox
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.properties.tables import SourceRow
from benchmarks.saving import save_record
from tests.contract.conftest import at_once
from tests.plugins.job_ends import finish
from tests.plugins.statements import recorded

URL = "https://site.example/house/1"


def enqueue_one(jobs: JobStore, url: str = URL) -> str:
    (job_id,) = jobs.enqueue([url]).new
    return job_id


def store_property(database: Database, clock: ManualClock, url: str = URL) -> str:
    record = SourceRecord(url, url, PageKind.LISTING, "ab" * 32, clock.now(), {}, {})
    return save_record(PropertyStore(database), record)


def test_enqueue_makes_one_queued_job_per_target_in_order(jobs: JobStore, clock: ManualClock) -> None:
    targets = ["https://b.example/1", "https://a.example/2"]
    enqueued = jobs.enqueue([*targets, "HTTPS://A.Example:443/2#map"], priority=3)
    assert [job.target for job in enqueued.jobs] == targets
    assert (enqueued.new, enqueued.duplicates) == ([job.id for job in enqueued.jobs], 1)
    job = jobs.get(enqueued.new[0])
    assert (job.state, job.priority, job.attempts, job.waited_seconds) == ("queued", 3, 0, 0)
    assert (job.batch_id, job.created_at) == (enqueued.batch, clock.now())
    assert [job.target for job in jobs.list(batch=enqueued.batch)] == targets


@pytest.mark.parametrize("step", ["queued", "running", "deferred"])
def test_an_active_target_is_a_duplicate_and_not_queued_again(jobs: JobStore, clock: ManualClock, step: str) -> None:
    job_id = enqueue_one(jobs)
    if step != "queued":
        jobs.claim(job_id, "me", 30)
    if step == "deferred":
        jobs.defer(job_id, "me", clock.now() + timedelta(minutes=5), 300)
    again = jobs.enqueue([URL], refresh=True)
    assert (again.new, again.duplicates, [job.id for job in again.jobs]) == ([], 1, [job_id])
    assert jobs.get(job_id).state == step


def test_a_target_that_ended_can_be_queued_again(jobs: JobStore) -> None:
    first = enqueue_one(jobs)
    jobs.fail(first, PageGoneError(URL, "sold"))
    assert enqueue_one(jobs) != first


def test_a_property_is_a_duplicate_until_it_is_thirty_days_old(
    jobs: JobStore, database: Database, clock: ManualClock
) -> None:
    job_id = enqueue_one(jobs)
    jobs.claim(job_id, "me", 30)
    finish(jobs, job_id, "me", store_property(database, clock))
    again = jobs.enqueue([URL])
    assert (again.new, again.duplicates, [job.id for job in again.jobs]) == ([], 1, [job_id])
    (refreshed,) = jobs.enqueue([URL], refresh=True).new
    assert jobs.get(refreshed).refresh is True
    jobs.cancel(refreshed)
    clock.advance(30 * 86400 - 1)
    assert jobs.enqueue([URL]).new == []
    clock.advance(1)
    assert len(jobs.enqueue([URL]).new) == 1


def test_all_spellings_of_an_address_are_one_target_that_stays_fresh(
    jobs: JobStore, database: Database, clock: ManualClock
) -> None:
    (found,) = jobs.enqueue(["123 main street, Anytown ST 00000"]).jobs
    assert found.target == "123 MAIN ST, ANYTOWN, ST 00000"
    again = jobs.enqueue(["123 Main St., Anytown, ST 00000-1234", "123 Main St Unit 2, Anytown, ST 00000"])
    assert [job.target for job in again.jobs] == [found.target, "123 MAIN ST UNIT 2, ANYTOWN, ST 00000"]
    jobs.claim(found.id, "me", 30)
    finish(jobs, found.id, "me", store_property(database, clock))
    clock.advance(29 * 86_400)
    fresh = jobs.enqueue([found.target])
    assert (fresh.new, [job.id for job in fresh.jobs]) == ([], [found.id])
    clock.advance(2 * 86_400)
    assert len(jobs.enqueue([found.target]).new) == 1


def test_only_a_confirmed_page_renews_the_freshness_of_an_address(
    jobs: JobStore, database: Database, clock: ManualClock
) -> None:
    """Otherwise an address requested every month would always be fresh and never be read again."""
    property_id, target = store_property(database, clock), "123 MAIN ST, ANYTOWN, ST 00000"
    clock.advance(29 * 86_400)
    (job_id,) = jobs.enqueue([target]).new
    jobs.claim(job_id, "me", 30)
    finish(jobs, job_id, "me", property_id)
    assert jobs.enqueue([target]).new == []
    clock.advance(86_400)
    with database.writing() as connection:
        connection.execute(update(SourceRow).values(checked_at=clock.now() - timedelta(days=2)))
    assert jobs.enqueue([target]).new == []
    with database.writing() as connection:
        connection.execute(update(SourceRow).values(checked_at=None))
    assert len(jobs.enqueue([target]).new) == 1


def test_an_address_without_a_property_is_looked_up_again(jobs: JobStore) -> None:
    (job,) = jobs.enqueue(["123 Main St, Anytown, ST 00000"]).jobs
    jobs.fail(job.id, PageGoneError("http://a.example/", "it says so"))
    assert len(jobs.enqueue(["123 Main St, Anytown, ST 00000"]).new) == 1


def test_an_invalid_target_refuses_the_whole_batch(jobs: JobStore) -> None:
    with pytest.raises(InvalidTargetError, match=r"12 Main Street.*lacks a state"):
        jobs.enqueue([URL, "12 Main Street, Springfield"])
    assert sum(jobs.counts().values()) == 0


def test_ten_thousand_targets_are_queued_with_few_statements(jobs: JobStore, database: Database) -> None:
    targets = [f"https://site.example/house/{n}" for n in range(10_000)]
    with recorded(database) as sent:
        enqueued = jobs.enqueue(targets)
    assert len(sent) < len(targets) / 100
    assert len(set(enqueued.new)) == 10_000
    assert jobs.counts(enqueued.batch)["queued"] == 10_000
    assert [job.target for job in jobs.page(limit=3, newest_first=True).items] == targets[:-4:-1]
    assert jobs.enqueue(targets).duplicates == 10_000


def test_concurrent_callers_queue_each_target_once(jobs: JobStore) -> None:
    targets = [f"https://site.example/{n}" for n in range(50)]
    made = [job_id for new in at_once(*[lambda: jobs.enqueue(targets).new] * 6) for job_id in new]
    assert len(made) == len(set(made)) == 50


def test_only_one_of_several_concurrent_claims_succeeds(jobs: JobStore) -> None:
    job_id = enqueue_one(jobs)
    claimed = at_once(*(partial(jobs.claim, job_id, f"w{n}", 30) for n in range(8)))
    assert len([job for job in claimed if job is not None]) == 1
    assert jobs.get(job_id).attempts == 1


def test_a_lease_is_exclusive_until_it_ends(jobs: JobStore, clock: ManualClock) -> None:
    job_id = enqueue_one(jobs)
    assert jobs.claim(job_id, "a", 30)
    clock.advance(20)
    assert jobs.renew(job_id, "a", 30)
    clock.advance(29.9)
    assert jobs.claim(job_id, "b", 30) is None
    clock.advance(0.1)
    taken = jobs.claim(job_id, "b", 30)
    assert taken is not None
    assert taken.attempts == 2
    assert jobs.renew(job_id, "a", 30) is False
    assert finish(jobs, job_id, "a", "x") is False
    assert jobs.fail(job_id, PageGoneError(URL, "sold"), "a") is False
    assert jobs.defer(job_id, "a", clock.now(), 1) is False
    assert jobs.release(job_id, "a", 1, "scrape") is False
    assert jobs.get(job_id).state == "running"


def test_finish_stores_the_property_and_the_missing_fields(
    jobs: JobStore, database: Database, clock: ManualClock
) -> None:
    job_id, property_id = enqueue_one(jobs), store_property(database, clock)
    jobs.claim(job_id, "a", 30)
    clock.advance(2)
    assert finish(jobs, job_id, "a", property_id, ["YearBuilt"], "no key")
    job = jobs.get(job_id)
    assert (job.state, job.property_id) == ("done", property_id)
    assert (job.wanted_model, job.model_note) == (["YearBuilt"], "no key")
    assert (job.started_at, job.finished_at) == (clock.now() - timedelta(seconds=2), clock.now())
    assert jobs.claim(job_id, "late duplicate", 30) is None


def test_an_error_message_may_contain_characters_that_postgresql_refuses(jobs: JobStore) -> None:
    job_id = enqueue_one(jobs)
    jobs.claim(job_id, "a", 30)
    assert jobs.fail(job_id, PageGoneError(URL, "sold \x00 \ud800"), "a")
    error = jobs.get(job_id).as_json()["error"]
    assert error["code"] == "page_gone"
    assert URL in error["message"]


def test_waits_for_capacity_are_added_up_and_cost_no_attempt_unlike_a_failure(
    jobs: JobStore, clock: ManualClock
) -> None:
    job_id = enqueue_one(jobs)
    jobs.claim(job_id, "a", 30)
    assert jobs.release(job_id, "a", 12.5, "scrape")
    job = jobs.claim(job_id, "b", 30)
    assert job is not None
    assert (job.attempts, job.waited_seconds) == (1, 12.5)
    assert jobs.defer(job_id, "b", clock.now() + timedelta(seconds=60), 72.5)
    clock.advance(60)
    job = jobs.claim(job_id, "c", 30)
    assert job is not None
    assert (job.attempts, job.waited_seconds, job.due_at) == (1, 72.5, None)
    assert jobs.release(job_id, "c", 72.5, "scrape", counted=True)
    job = jobs.claim(job_id, "d", 30)
    assert job is not None
    assert job.attempts == 2


def test_a_deferred_job_is_not_claimed_before_it_is_due(jobs: JobStore, clock: ManualClock) -> None:
    job_id = enqueue_one(jobs)
    jobs.claim(job_id, "a", 30)
    jobs.defer(job_id, "a", clock.now() + timedelta(seconds=60), 60)
    clock.advance(59)
    assert jobs.claim(job_id, "late", 30) is None
    assert jobs.recoverable() == []
    clock.advance(1)
    assert [found.job.id for found in jobs.recoverable()] == [job_id]
    assert jobs.get(job_id).state == "queued"


@pytest.mark.parametrize("running", [False, True])
def test_the_worker_of_a_canceled_job_loses_the_lease(jobs: JobStore, running: bool) -> None:
    job_id = enqueue_one(jobs)
    if running:
        jobs.claim(job_id, "a", 30)
    assert jobs.cancel(job_id)
    assert jobs.cancel(job_id) is False
    assert jobs.renew(job_id, "a", 30) is False
    assert finish(jobs, job_id, "a", "x") is False
    assert jobs.claim(job_id, "b", 30) is None
    assert jobs.get(job_id).state == "cancelled"


def test_retry_resets_failed_and_canceled_jobs(jobs: JobStore) -> None:
    failed, canceled, queued = jobs.enqueue([f"https://a.example/{n}" for n in range(3)]).new
    jobs.claim(failed, "a", 30)
    jobs.fail(failed, PageGoneError(URL, "sold"), "a")
    jobs.cancel(canceled)
    assert [job.id for job in jobs.retry([canceled, failed, queued, "unknown"])] == [canceled, failed]
    job = jobs.get(failed)
    assert (job.state, job.error, job.attempts, job.finished_at) == ("queued", None, 0, None)


def test_retry_skips_a_job_whose_target_is_active_elsewhere(jobs: JobStore) -> None:
    first = enqueue_one(jobs)
    jobs.cancel(first)
    second = enqueue_one(jobs)
    jobs.cancel(second)
    assert [job.id for job in jobs.retry([first, second])] == [first]
    assert jobs.retry([second]) == []


def test_a_stopping_worker_releases_its_jobs_without_a_counted_attempt(jobs: JobStore) -> None:
    """Only this worker's leases are released. The underscore in its name must not act as a wildcard."""
    first, second, other, ended = jobs.enqueue([f"https://a.example/{n}" for n in range(4)]).new
    for job_id, owner in ((first, "host_a:1:x:7:a"), (second, "host_a:1:x:8:b"), (other, "hostxa:1:x:7:a")):
        jobs.claim(job_id, owner, 30)
    jobs.claim(ended, "host_a:1:x:7:c", 30)
    jobs.fail(ended, PageGoneError(URL, "sold"), "host_a:1:x:7:c")
    assert sorted(jobs.release_all("host_a:1:x:")) == sorted([first, second])
    ends = [(jobs.get(i).state, jobs.get(i).attempts) for i in (first, other, ended)]
    assert ends == [("queued", 0), ("running", 1), ("failed", 1)]
    assert sorted(found.job.id for found in jobs.recoverable()) == sorted([first, second])


def test_a_withdrawn_batch_starts_no_job_and_sends_no_callback(
    jobs: JobStore, database: Database, clock: ManualClock
) -> None:
    """A batch is withdrawn if not all its messages could be sent. Jobs that a worker has started continue."""
    made = jobs.enqueue([f"https://a.example/{n}" for n in range(5)], callback_url="https://hooks.example/")
    running, queued, ended, waiting, deferred = made.new
    for job_id in (running, ended, waiting, deferred):
        jobs.claim(job_id, "a", 30)
    jobs.fail(ended, PageGoneError(URL, "sold"), "a")
    jobs.release(waiting, "a", 5.0, "scrape", again_seconds=5)
    jobs.defer(deferred, "a", clock.now() + timedelta(seconds=60), 60)
    assert jobs.withdraw(made) is True
    assert [jobs.get(i).state for i in made.new] == ["running", "cancelled", "failed", "queued", "deferred"]
    assert jobs.claim(queued, "b", 30) is None
    assert jobs.renew(running, "a", 30) is True
    for job_id in (running, waiting, deferred):
        jobs.fail(job_id, PageGoneError(URL, "sold"))
    batches = BatchStore(database)
    assert [batch.id for batch in batches.complete()] == [made.batch]
    assert not Outbox(database).is_due(Channel.BATCH)


def test_the_waiting_callback_of_a_withdrawn_batch_is_deleted(jobs: JobStore, database: Database) -> None:
    """A worker ended the batch's only job before the request failed. Nothing would ever deliver its callback."""
    made = jobs.enqueue(["https://a.example/"], callback_url="https://hooks.example/")
    jobs.fail(made.new[0], PageGoneError(URL, "sold"))
    assert len(BatchStore(database).complete()) == 1
    assert jobs.withdraw(made) is True
    assert Outbox(database).backlog(Channel.BATCH).pending == 0


def test_concurrent_retries_queue_a_job_once(jobs: JobStore) -> None:
    """The slower retry must not requeue a job that a worker has already claimed."""
    job_id = enqueue_one(jobs)
    jobs.cancel(job_id)
    claimed = at_once(*[lambda: [jobs.claim(job.id, "worker", 30) for job in jobs.retry([job_id])]] * 6)
    assert len([job for some in claimed for job in some]) == 1
    assert (jobs.get(job_id).state, jobs.get(job_id).attempts) == ("running", 1)


def test_a_retry_of_a_job_that_another_retry_has_ended_sends_no_second_callback(
    jobs: JobStore, database: Database, clock: ManualClock
) -> None:
    made = jobs.enqueue([URL], callback_url="https://hooks.example/")
    jobs.cancel(made.new[0])
    batches = BatchStore(database)
    assert len(batches.complete()) == 1
    with database.writing() as connection:  # the slower retry has read the job's state before it ended
        assert queue_again(connection, made.new, Job.state == "failed", clock.now()) == []
    assert batches.complete() == []


def test_counts_contain_all_six_states(jobs: JobStore) -> None:
    empty = {"queued": 0, "running": 0, "deferred": 0, "done": 0, "failed": 0, "cancelled": 0}
    assert jobs.counts() == empty
    batch = jobs.enqueue(["https://a.example/1", "https://a.example/2"])
    jobs.enqueue(["https://a.example/3"])
    jobs.claim(batch.new[0], "a", 30)
    assert jobs.counts(batch.batch) == {**empty, "queued": 1, "running": 1}
    assert jobs.counts() == {**empty, "queued": 2, "running": 1}
    assert [job.id for job in jobs.list(state="running")] == [batch.new[0]]


@pytest.mark.parametrize("method", ["get", "cancel"])
def test_the_error_names_an_unknown_job(jobs: JobStore, method: str) -> None:
    with pytest.raises(NotFoundError, match="job nothing"):
        getattr(jobs, method)("nothing")
