"""Recovery finds lost jobs, which no worker runs and for which the broker has no message."""

from datetime import timedelta

from app.property.storage.jobs.models import Job, Recovered
from tests.contract.conftest import at_once
from tests.plugins.stores import Stores

QUEUE = "scrape"


def enqueue(db: Stores, count: int, *, sent_to: str | None = QUEUE, priority: int = 5) -> list[Job]:
    """Return the jobs of a new batch, marked as sent unless `sent_to` is None."""
    enqueued = db.jobs.enqueue([f"https://site.example/{priority}/{n}" for n in range(count)], priority=priority)
    if sent_to is not None:
        db.jobs.mark_sent(enqueued.jobs, sent_to)
    return enqueued.jobs


def ids(found: list[Job] | list[Recovered]) -> list[str]:
    return [each.job.id if isinstance(each, Recovered) else each.id for each in found]


def reasons(found: list[Recovered]) -> dict[str, str]:
    return {each.job.id: each.reason.value for each in found}


def test_the_job_of_a_dead_worker_is_found_once(db: Stores) -> None:
    (job,) = enqueue(db, 1)
    db.jobs.claim(job.id, "dead", 30)
    db.clock.advance(29)
    assert db.jobs.recoverable() == []
    db.clock.advance(1)
    (found,) = db.jobs.recoverable()
    assert (found.job.id, found.job.state, found.job.sent_times, found.reason) == (job.id, "queued", 1, "lease")
    assert db.jobs.recoverable() == []
    assert db.jobs.renew(job.id, "dead", 30) is False


def test_a_large_batch_has_more_time_to_be_sent(db: Stores) -> None:
    """The jobs of a batch count as unsent after 20 seconds, plus one second per 500 jobs of the batch."""
    enqueue(db, 1_000, sent_to=None)
    db.clock.advance(21)
    assert db.jobs.recoverable() == []
    db.clock.advance(1)
    assert len(db.jobs.recoverable(limit=10)) == 10


def test_a_recovered_job_that_is_not_sent_is_recovered_again(db: Stores) -> None:
    lost, sent = enqueue(db, 2, sent_to=None)
    db.clock.advance(20)
    assert db.jobs.recoverable() == [], "their sender may still be alive"
    db.clock.advance(1)
    found = db.jobs.recoverable()
    assert ids(found) == [lost.id, sent.id]
    db.jobs.mark_sent([found[1].job], QUEUE)
    db.clock.advance(20)
    assert ids(db.jobs.recoverable()) == [lost.id]
    assert (db.jobs.get(sent.id).sent_times, db.jobs.get(lost.id).sent_times) == (1, 0)


def delayed_retry(db: Stores) -> Job:
    """Return a job whose retry is due in 15 seconds. Until then, a worker holds the retry's message unacknowledged."""
    (job,) = enqueue(db, 1)
    db.jobs.claim(job.id, "a", 30)
    db.jobs.release(job.id, "a", 0.0, QUEUE, again_seconds=15, counted=True)
    return job


def test_only_a_delayed_retry_without_a_message_is_found(db: Stores) -> None:
    """A missing message shows that the worker has crashed. A message that waits in the queue is not lost."""
    job = delayed_retry(db)
    db.clock.advance(19.9)
    assert db.jobs.recoverable(messages={QUEUE: 0}) == []
    db.clock.advance(3600)
    assert db.jobs.recoverable(messages={QUEUE: 1}) == []
    assert ids(db.jobs.recoverable(messages={QUEUE: 0})) == [job.id]


def test_a_duplicate_message_does_not_shorten_the_delay_of_a_retry(db: Stores) -> None:
    job = delayed_retry(db)
    db.clock.advance(13.9)
    assert db.jobs.claim(job.id, "duplicate", 30) is None
    db.clock.advance(0.1)
    assert db.jobs.claim(job.id, "by a clock that is a second ahead", 30) is not None
    assert db.jobs.get(job.id).due_at is None


def test_jobs_that_may_have_messages_are_not_sent_again(db: Stores) -> None:
    """A queue may be long. While the broker is unreachable, no message counts as lost."""
    enqueue(db, 5)
    db.clock.advance(86_400)
    for messages in ({QUEUE: 5}, {QUEUE: 7}, None):
        assert db.jobs.recoverable(messages=messages) == []


def test_all_jobs_are_sent_again_to_an_empty_broker_urgent_first(db: Stores) -> None:
    bulk = enqueue(db, 2, priority=9)
    db.clock.advance(1)
    urgent = enqueue(db, 2, priority=0)
    db.clock.advance(5)
    assert ids(db.jobs.recoverable(messages={QUEUE: 0})) == ids([*urgent, *bulk])


def test_the_oldest_jobs_of_a_queue_with_missing_messages_are_sent_again(db: Stores) -> None:
    first = enqueue(db, 5)
    db.clock.advance(6)
    assert ids(db.jobs.recoverable(messages={QUEUE: 3})) == ids(first[:2])
    assert db.jobs.recoverable(messages={QUEUE: 3}) == []


def test_each_queue_is_compared_with_its_own_jobs(db: Stores) -> None:
    enqueue(db, 3, priority=1)
    two, old = enqueue(db, 3, sent_to="scrape.bulk", priority=2), enqueue(db, 1, sent_to="of an older version")
    db.clock.advance(6)
    found = db.jobs.recoverable(messages={QUEUE: 99, "scrape.bulk": 1})
    assert sorted(ids(found)) == sorted(ids([*two[:2], *old]))


def test_a_message_that_was_just_taken_is_not_missing(db: Stores) -> None:
    (job,) = enqueue(db, 1)
    db.clock.advance(4.9)
    assert db.jobs.recoverable(messages={QUEUE: 0}) == []
    db.clock.advance(0.1)
    assert ids(db.jobs.recoverable(messages={QUEUE: 0})) == [job.id]


def test_marking_a_claimed_job_as_sent_does_not_change_it(db: Stores) -> None:
    """A worker claims the job before the sender marks it, and later schedules a retry."""
    (job,) = enqueue(db, 1, sent_to=None)
    db.clock.advance(1)
    db.jobs.claim(job.id, "a", 30)
    db.jobs.mark_sent([job], QUEUE)
    assert db.jobs.get(job.id).state == "running"
    db.jobs.release(job.id, "a", 0.0, "another queue", again_seconds=10, counted=True)
    db.jobs.mark_sent([job], QUEUE)
    db.clock.advance(15)
    assert db.jobs.recoverable(messages={QUEUE: 0, "another queue": 1}) == []
    assert ids(db.jobs.recoverable(messages={QUEUE: 0, "another queue": 0})) == [job.id]


def test_each_recovered_job_has_its_own_reason(db: Stores) -> None:
    """Jobs that a stopping worker returned, or that were delayed, must not be reported as lost."""
    dead, deferred, returned, retried, waiting = enqueue(db, 5)
    for job, owner in ((dead, "dead"), (deferred, "a"), (returned, "ended:1"), (retried, "a")):
        db.jobs.claim(job.id, owner, 30)
    db.jobs.defer(deferred.id, "a", db.clock.now() + timedelta(seconds=30), 30.0)
    db.jobs.release(retried.id, "a", 0.0, QUEUE, again_seconds=10, counted=True)
    db.clock.advance(30)
    db.jobs.release_all("ended:")
    (unsent,) = enqueue(db, 1, sent_to=None, priority=9)
    with_messages = {QUEUE: 2, "elsewhere": 0}
    expected = {dead.id: "lease", deferred.id: "due", returned.id: "returned"}
    assert reasons(db.jobs.recoverable(messages=with_messages)) == expected
    db.clock.advance(19.9)
    assert reasons(db.jobs.recoverable(messages=with_messages)) == {}
    db.clock.advance(0.2)
    expected = dict.fromkeys((dead.id, deferred.id, returned.id, unsent.id), "unsent")
    expected |= dict.fromkeys((retried.id, waiting.id), "lost")
    assert reasons(db.jobs.recoverable(messages={QUEUE: 0})) == expected


def test_a_returned_job_that_a_worker_takes_is_not_lost(db: Stores) -> None:
    (job,) = enqueue(db, 1)
    db.jobs.claim(job.id, "ended:1", 30)
    db.jobs.release_all("ended:")
    taken = db.claim(job.id, "other")
    assert taken.due_at is None
    db.clock.advance(30)
    assert reasons(db.jobs.recoverable()) == {job.id: "lease"}


def test_recovery_returns_no_more_jobs_than_the_limit(db: Stores) -> None:
    enqueue(db, 5)
    db.clock.advance(6)
    assert len(db.jobs.recoverable(3, {QUEUE: 0})) == 3
    assert len(db.jobs.recoverable(3, {QUEUE: 0})) == 2


def test_concurrent_recoveries_share_the_lost_jobs(db: Stores) -> None:
    enqueued = enqueue(db, 40)
    db.clock.advance(6)
    found = at_once(*[lambda: ids(db.jobs.recoverable(messages={QUEUE: 0}))] * 4)
    assert sorted(job_id for some in found for job_id in some) == sorted(ids(enqueued))
