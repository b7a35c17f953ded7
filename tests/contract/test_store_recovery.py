"""Which jobs are lost, on every database: nobody works on them, and no message will reach a worker."""

from __future__ import annotations

import threading
from datetime import timedelta

from app.clock import ManualClock
from app.property.storage.jobs.models import Job, Recovered
from app.property.storage.jobs.repository import JobStore

QUEUE = "scrape"


def made(jobs: JobStore, count: int, *, sent_to: str | None = QUEUE, priority: int = 5) -> list[Job]:
    """A batch of so many jobs, whose messages are in the broker unless `sent_to` is None."""
    enqueued = jobs.enqueue([f"https://site.example/{priority}/{n}" for n in range(count)], priority=priority)
    if sent_to is not None:
        jobs.mark_sent(enqueued.jobs, sent_to)
    return enqueued.jobs


def ids(found: list[Job] | list[Recovered]) -> list[str]:
    return [each.job.id if isinstance(each, Recovered) else each.id for each in found]


def reasons(found: list[Recovered]) -> dict[str, str]:
    return {each.job.id: each.reason.value for each in found}


def test_the_job_of_a_dead_worker_is_found_once(jobs: JobStore, clock: ManualClock) -> None:
    (job,) = made(jobs, 1)
    jobs.claim(job.id, "dead", 30)
    clock.advance(29)
    assert jobs.recoverable() == []
    clock.advance(1)
    (found,) = jobs.recoverable()
    assert (found.job.id, found.job.state, found.job.sent_times, found.reason) == (job.id, "queued", 1, "lease")
    assert jobs.recoverable() == []
    assert jobs.renew(job.id, "dead", 30) is False


def test_a_job_whose_sender_died_before_it_sent_is_found(jobs: JobStore, clock: ManualClock) -> None:
    (job,) = made(jobs, 1, sent_to=None)
    clock.advance(20)
    assert jobs.recoverable() == []
    clock.advance(0.1)
    assert ids(jobs.recoverable()) == [job.id]


def test_a_large_batch_has_more_time_to_be_sent(jobs: JobStore, clock: ManualClock) -> None:
    """Five hundred a second: ten thousand have twenty seconds more than one."""
    made(jobs, 10_000, sent_to=None)
    clock.advance(39)
    assert jobs.recoverable() == []
    clock.advance(1)
    assert len(jobs.recoverable(limit=10)) == 10


def test_one_that_is_handed_out_and_not_sent_is_handed_out_again(jobs: JobStore, clock: ManualClock) -> None:
    """Whoever should have sent it has died; who did send it says so."""
    lost, kept = made(jobs, 2, sent_to=None)
    clock.advance(21)
    found = jobs.recoverable()
    assert ids(found) == [lost.id, kept.id]
    jobs.mark_sent([found[1].job], QUEUE)
    clock.advance(20)
    assert ids(jobs.recoverable()) == [lost.id]
    assert (jobs.get(kept.id).sent_times, jobs.get(lost.id).sent_times) == (1, 0)


def test_a_countdown_that_nobody_came_back_from_is_found(jobs: JobStore, clock: ManualClock) -> None:
    """The worker that held the message has died."""
    (job,) = made(jobs, 1)
    jobs.claim(job.id, "a", 30)
    jobs.release(job.id, "a", 0.0, QUEUE, again_seconds=15, counted=True)
    clock.advance(19.9)
    assert jobs.recoverable(messages={QUEUE: 0}) == []
    clock.advance(0.1)
    assert ids(jobs.recoverable(messages={QUEUE: 0})) == [job.id]


def test_a_countdown_whose_message_waits_for_its_turn_is_not_sent_again(jobs: JobStore, clock: ManualClock) -> None:
    """Behind a backlog a worker takes it late: the queue holds it, so nothing is lost."""
    (job,) = made(jobs, 1)
    jobs.claim(job.id, "a", 30)
    jobs.release(job.id, "a", 0.0, QUEUE, again_seconds=15, counted=True)
    clock.advance(3600)
    assert jobs.recoverable(messages={QUEUE: 1}) == []


def test_a_countdown_is_kept_whatever_duplicates_come(jobs: JobStore, clock: ManualClock) -> None:
    """A message of it that was lost and found does not run it early, which would make another message, and another."""
    (job,) = made(jobs, 1)
    jobs.claim(job.id, "a", 30)
    jobs.release(job.id, "a", 0.0, QUEUE, again_seconds=15, counted=True)
    clock.advance(13.9)
    assert jobs.claim(job.id, "duplicate", 30) is None
    clock.advance(0.1)
    assert jobs.claim(job.id, "by a clock that is a second ahead", 30) is not None
    assert jobs.get(job.id).due_at is None


def test_jobs_wait_in_a_long_queue_for_as_long_as_it_takes(jobs: JobStore, clock: ManualClock) -> None:
    """As many messages as jobs: nothing is lost, and nothing is sent twice."""
    made(jobs, 5)
    clock.advance(86_400)
    assert jobs.recoverable(messages={QUEUE: 5}) == []
    assert jobs.recoverable(messages={QUEUE: 7}) == []


def test_an_empty_broker_gets_all_jobs_again_urgent_first(jobs: JobStore, clock: ManualClock) -> None:
    late = made(jobs, 2, priority=9)
    clock.advance(1)
    urgent = made(jobs, 2, priority=0)
    clock.advance(5)
    assert ids(jobs.recoverable(messages={QUEUE: 0})) == ids([*urgent, *late])


def test_of_a_queue_that_lacks_messages_the_oldest_jobs_are_sent_again(jobs: JobStore, clock: ManualClock) -> None:
    """It is served in order, so what is missing was at its head."""
    first = made(jobs, 5)
    clock.advance(6)
    assert ids(jobs.recoverable(messages={QUEUE: 3})) == ids(first[:2])
    assert jobs.recoverable(messages={QUEUE: 3}) == []


def test_each_queue_is_compared_with_its_own_jobs(jobs: JobStore, clock: ManualClock) -> None:
    one, two = made(jobs, 3, priority=1), made(jobs, 3, sent_to="scrape.bulk", priority=2)
    clock.advance(6)
    found = jobs.recoverable(messages={QUEUE: 99, "scrape.bulk": 1})
    assert ids(found) == ids(two[:2])
    assert one[0].id not in ids(found)


def test_a_queue_that_is_no_longer_served_gives_its_jobs_back(jobs: JobStore, clock: ManualClock) -> None:
    (job,) = made(jobs, 1, sent_to="a queue of an older version")
    clock.advance(6)
    assert ids(jobs.recoverable(messages={QUEUE: 0})) == [job.id]


def test_a_message_that_was_taken_a_moment_ago_is_not_missed(jobs: JobStore, clock: ManualClock) -> None:
    (job,) = made(jobs, 1)
    clock.advance(4.9)
    assert jobs.recoverable(messages={QUEUE: 0}) == []
    clock.advance(0.1)
    assert ids(jobs.recoverable(messages={QUEUE: 0})) == [job.id]


def test_nothing_counts_as_missing_while_nobody_can_ask_the_broker(jobs: JobStore, clock: ManualClock) -> None:
    made(jobs, 3)
    clock.advance(3600)
    assert jobs.recoverable(messages=None) == []


def test_a_job_claimed_before_its_sending_was_noted_stays_as_it_is(jobs: JobStore, clock: ManualClock) -> None:
    """The worker was faster than the sender; then it came back from a failure and waits for its countdown."""
    (job,) = made(jobs, 1, sent_to=None)
    clock.advance(1)
    jobs.claim(job.id, "a", 30)
    jobs.mark_sent([job], QUEUE)
    assert jobs.get(job.id).state == "running"
    jobs.release(job.id, "a", 0.0, "another queue", again_seconds=10, counted=True)
    jobs.mark_sent([job], QUEUE)
    clock.advance(15)
    assert jobs.recoverable(messages={QUEUE: 0, "another queue": 1}) == []
    assert ids(jobs.recoverable(messages={QUEUE: 0, "another queue": 0})) == [job.id]


def test_each_job_is_found_for_its_own_reason(jobs: JobStore, clock: ManualClock) -> None:
    """So that a fleet in which workers end and deferrals pass does not look like one that loses jobs."""
    dead, deferred, returned, retried, waiting = made(jobs, 5)
    for job, owner in ((dead, "dead"), (deferred, "a"), (returned, "ended:1"), (retried, "a")):
        jobs.claim(job.id, owner, 30)
    jobs.defer(deferred.id, "a", clock.now() + timedelta(seconds=30), 30.0)
    jobs.release(retried.id, "a", 0.0, QUEUE, again_seconds=10, counted=True)
    clock.advance(30)
    jobs.release_all("ended:")
    (unsent,) = made(jobs, 1, sent_to=None, priority=9)
    with_messages = {QUEUE: 2, "elsewhere": 0}
    assert reasons(jobs.recoverable(messages=with_messages)) == {
        dead.id: "lease",
        deferred.id: "due",
        returned.id: "returned",
    }
    clock.advance(19.9)
    assert reasons(jobs.recoverable(messages=with_messages)) == {}
    clock.advance(0.2)
    assert reasons(jobs.recoverable(messages={QUEUE: 0})) == {
        **dict.fromkeys((dead.id, deferred.id, returned.id, unsent.id), "unsent"),
        **dict.fromkeys((retried.id, waiting.id), "lost"),
    }


def test_a_job_that_is_given_back_and_taken_by_a_worker_was_not_lost(jobs: JobStore, clock: ManualClock) -> None:
    """Nothing of the giving back stays with it."""
    (job,) = made(jobs, 1)
    jobs.claim(job.id, "ended:1", 30)
    jobs.release_all("ended:")
    taken = jobs.claim(job.id, "other", 30)
    assert taken is not None
    assert taken.due_at is None
    clock.advance(30)
    assert reasons(jobs.recoverable()) == {job.id: "lease"}


def test_recovery_hands_out_no_more_than_asked(jobs: JobStore, clock: ManualClock) -> None:
    made(jobs, 5)
    clock.advance(6)
    assert len(jobs.recoverable(3, {QUEUE: 0})) == 3
    assert len(jobs.recoverable(3, {QUEUE: 0})) == 2


def test_two_recoveries_at_once_share_the_lost_jobs(jobs: JobStore, clock: ManualClock) -> None:
    enqueued = made(jobs, 40)
    clock.advance(6)
    found: list[str] = []

    def recover() -> None:
        found.extend(ids(jobs.recoverable(messages={QUEUE: 0})))

    threads = [threading.Thread(target=recover) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(ids(enqueued))
