"""Idempotency keys and quotas are applied exactly, even with many processes and after crashes."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from app.clock import ManualClock
from app.errors import PropertyIntelligenceError
from app.errors.pages import PageGoneError
from app.errors.requests import IdempotencyKeyReusedError, QuotaExceededError, RequestUnderWayError
from app.errors.targets import InvalidTargetError
from app.property.storage.database import Database
from app.property.storage.expiry import delete_expired
from app.property.storage.jobs.batches import BatchStore
from app.property.storage.jobs.idempotency import RequestKey
from app.property.storage.jobs.models import Batch, Enqueued
from app.property.storage.jobs.repository import JobStore
from app.property.storage.jobs.usage import Requester
from app.property.storage.outbox import Channel
from app.property.storage.statements import digest
from app.settings import Settings
from tests.contract.conftest import at_once
from tests.plugins.stores import Stores

ALICE, BOB = digest("alice"), digest("bob")
KEY = RequestKey(digest("key"), digest("what was asked"))
TARGETS = [f"http://homes.example/{n}" for n in range(3)]


def by(caller: str = ALICE, quota: int | None = None, key: RequestKey | None = None) -> Requester:
    return Requester(caller, quota, key)


def or_error[T](work: Callable[[], T]) -> Callable[[], T | PropertyIntelligenceError]:
    def run() -> T | PropertyIntelligenceError:
        try:
            return work()
        except PropertyIntelligenceError as exc:
            return exc

    return run


def test_a_repeated_key_and_request_return_the_first_batch(db: Stores) -> None:
    under_way = db.jobs.enqueue(TARGETS[:1]).new
    first = db.jobs.enqueue([*TARGETS, TARGETS[1]], requester=by(key=KEY))
    db.jobs.note_answered(KEY)
    again = db.jobs.enqueue([*TARGETS, TARGETS[1]], requester=by(key=KEY))
    assert (again.batch, [job.id for job in again.jobs]) == (first.batch, [*under_way, *first.new])
    assert (again.duplicates, again.new, again.repeated, first.repeated) == (2, [], True, False)
    assert len(db.batches.page().items) == 2
    found = db.jobs.earlier(KEY)
    assert (found.as_json(), found.repeated) == (again.as_json(), True)


def test_the_same_key_with_another_request_is_refused(db: Stores) -> None:
    db.jobs.enqueue(TARGETS, requester=by(key=KEY))
    other = RequestKey(KEY.id, digest("something else"))
    with pytest.raises(IdempotencyKeyReusedError):
        db.jobs.enqueue(TARGETS[:1], requester=by(key=other))
    with pytest.raises(IdempotencyKeyReusedError):
        db.jobs.earlier(other)


def test_a_retry_waits_until_the_first_request_is_answered_or_expired(db: Stores) -> None:
    """The process dies before it answers. Recovery finds the jobs of the request, and a retry returns their batch."""
    first = db.jobs.enqueue(TARGETS, requester=by(key=KEY))
    with pytest.raises(RequestUnderWayError) as refused:
        db.jobs.enqueue(TARGETS, requester=by(key=KEY))
    db.clock.advance(refused.value.facts["retry_after_seconds"])
    again = db.jobs.enqueue(TARGETS, requester=by(key=KEY))
    assert (again.batch, again.repeated) == (first.batch, True)
    assert len(db.batches.page().items) == 1
    assert {found.job.id for found in db.jobs.recoverable()} == set(first.new)


@pytest.mark.parametrize("answered", [True, False])
def test_a_killed_process_leaves_one_batch_or_none(database_url: str, answered: bool) -> None:
    """The process is killed after the transaction if `answered`, else during it."""
    code = f"""
import os
from app.property.storage.database import Database
from app.property.storage.jobs.repository import JobStore
from app.property.storage.jobs.usage import Requester
from app.property.storage.jobs.idempotency import RequestKey
database = Database({database_url!r})
jobs = JobStore(database)
if not {answered}:
    from app.property.storage.jobs import usage
    usage.charge = lambda *_: os._exit(9)
jobs.enqueue({TARGETS!r}, requester=Requester({ALICE!r}, None, RequestKey({KEY.id!r}, {KEY.fingerprint!r})))
os._exit(9)
"""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path.cwd())}
    began = datetime.now(UTC)
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, timeout=300, check=False, stderr=subprocess.PIPE
    )
    assert ran.returncode == 9, ran.stderr
    database = Database(database_url, ManualClock(datetime.now(UTC) + timedelta(minutes=1)))
    made = JobStore(database).enqueue(TARGETS, requester=by(key=KEY))
    assert made.repeated == answered
    assert len(BatchStore(database).page().items) == 1
    used = JobStore(database).used_today(ALICE)
    if began.date() != database.clock.now().date():
        first_day = Database(database_url, ManualClock(began))
        used += JobStore(first_day).used_today(ALICE)
        first_day.close()
    assert used == 3
    database.close()


def test_only_one_of_several_concurrent_requests_with_one_key_creates_jobs(db: Stores) -> None:

    def send() -> Enqueued:
        made = db.jobs.enqueue(TARGETS, requester=by(key=KEY))
        if not made.repeated:
            db.jobs.note_answered(KEY)
        return made

    found = at_once(*[or_error(send)] * 8)
    (batch,) = db.batches.page().items
    assert [made.repeated for made in found if isinstance(made, Enqueued)].count(False) == 1
    assert {made.batch for made in found if isinstance(made, Enqueued)} == {batch.id}
    assert {type(made) for made in found} <= {Enqueued, RequestUnderWayError}
    assert (sum(db.jobs.counts().values()), db.jobs.used_today(ALICE)) == (3, 3)


def test_a_key_expires_after_a_day(db: Stores) -> None:
    old = RequestKey(digest("older"), digest("x"))
    db.jobs.enqueue(TARGETS[:1], requester=by(key=old))
    first = db.jobs.enqueue(TARGETS, requester=by(key=KEY))
    db.jobs.note_answered(KEY)
    db.clock.advance(24 * 3600 - 1)
    assert db.jobs.enqueue(TARGETS, requester=by(key=KEY)).batch == first.batch
    db.clock.advance(1)
    assert db.jobs.earlier(KEY) is None
    assert not db.jobs.enqueue(TARGETS, requester=by(key=KEY)).repeated
    assert delete_expired(db, Settings.of())["idempotency keys"] == 1
    rows = db.execute(select(Batch.idempotency_key, Batch.job_ids))
    assert [(row.idempotency_key, len(row.job_ids)) for row in rows if any(row)] == [(KEY.id, 3)]


def test_a_failed_request_does_not_use_up_its_key(db: Stores) -> None:
    """An invalid target creates no job. A withdrawn batch is refunded."""
    with pytest.raises(InvalidTargetError):
        db.jobs.enqueue(["nonsense"], requester=by(key=KEY))
    made = db.jobs.enqueue(TARGETS, requester=by(quota=3, key=KEY))
    assert db.jobs.withdraw(made, by(quota=3, key=KEY)) is True
    assert db.jobs.used_today(ALICE) == 0
    again = db.jobs.enqueue(TARGETS, requester=by(quota=3, key=KEY))
    assert (again.repeated, len(again.new)) == (False, 3)


def test_jobs_that_a_worker_has_claimed_are_not_refunded(db: Stores) -> None:
    """Only the job that is still queued is refunded. The running job is not charged again."""
    made = db.jobs.enqueue([*TARGETS, "http://homes.example/3"], requester=by(quota=9, key=KEY))
    done, running = made.new[:2]
    db.jobs.claim(done, "a", 30)
    db.jobs.fail(done, PageGoneError(TARGETS[0], "sold"), "a")
    db.jobs.claim(running, "a", 30)
    db.jobs.cancel(made.new[2])
    db.jobs.withdraw(made, by(quota=9, key=KEY))
    assert db.jobs.used_today(ALICE) == 3
    again = db.jobs.enqueue(TARGETS[1:], requester=by(quota=9, key=KEY))
    assert ([job.id for job in again.jobs if job.id not in again.new], len(again.new)) == ([running], 1)
    assert db.jobs.used_today(ALICE) == 4


@pytest.mark.parametrize("method", ["earlier", "enqueue"])
def test_a_batch_that_a_retry_returned_is_not_withdrawn(db: Stores, method: str) -> None:
    """A retry returns the batch of the first request, before that request fails to send its messages."""
    requester = by(quota=3, key=KEY)
    made = db.jobs.enqueue(TARGETS, requester=requester, callback_url="https://hooks.example/")
    db.clock.advance(21)
    retried = db.jobs.earlier(KEY) if method == "earlier" else db.jobs.enqueue(TARGETS, requester=requester)
    assert (retried.batch, retried.repeated) == (made.batch, True)
    assert db.jobs.withdraw(made, requester) is False
    assert db.jobs.counts(made.batch)["queued"] == 3
    assert db.jobs.used_today(ALICE) == 3
    assert {found.job.id for found in db.jobs.recoverable()} == set(made.new)
    for job_id in made.new:
        db.jobs.cancel(job_id)
    db.batches.complete()
    assert db.outbox.is_due(Channel.BATCH)
    again = db.jobs.earlier(KEY)
    assert again.batch == made.batch


def test_a_late_request_does_not_affect_the_next_one_with_its_key(db: Stores) -> None:
    """The key of the first request has expired, and a second request uses it."""
    first = db.jobs.enqueue(TARGETS, requester=by(key=KEY))
    db.clock.advance(24 * 3600)
    second = db.jobs.enqueue(["http://more.example/1"], requester=by(key=KEY))
    assert db.jobs.withdraw(first, by(key=KEY)) is True
    db.clock.advance(21)
    retried = db.jobs.earlier(KEY)
    assert (retried.batch, db.jobs.used_today(ALICE)) == (second.batch, 1)


def test_a_concurrent_retry_and_withdrawal_agree(db: Stores) -> None:
    for n in range(20):
        key = RequestKey(digest(f"key {n}"), digest("asked"))
        made = db.jobs.enqueue([f"http://h{n}.example/"], requester=by(key=key))
        db.clock.advance(21)
        found, withdrawn = at_once(partial(db.jobs.earlier, key), partial(db.jobs.withdraw, made, by(key=key)))
        assert (found is None) is withdrawn
        assert db.jobs.get(made.new[0]).state == ("cancelled" if withdrawn else "queued")


def test_a_job_claimed_during_a_withdrawal_is_either_run_or_refunded(db: Stores) -> None:
    made = db.jobs.enqueue([f"http://homes.example/{n}" for n in range(60)], requester=by())
    some_are_claimed, claimed = threading.Event(), list[str]()

    def work(ids: list[str]) -> None:
        for job_id in ids:
            if db.jobs.claim(job_id, "worker", 30) is not None:
                claimed.append(job_id)
            if len(claimed) >= 5:
                some_are_claimed.set()

    threads = [threading.Thread(target=work, args=(ids,)) for ids in (made.new[:30], made.new[30:])]
    for thread in threads:
        thread.start()
    assert some_are_claimed.wait(60)
    db.jobs.withdraw(made, by())
    for thread in threads:
        thread.join()
    counts = db.jobs.counts(made.batch)
    assert counts["running"] == len(claimed) == db.jobs.used_today(ALICE)
    assert counts["cancelled"] == 60 - len(claimed)


def test_a_batch_above_the_quota_creates_no_job_and_reports_the_rest(db: Stores) -> None:
    db.jobs.enqueue(TARGETS[:2], requester=by(quota=None))
    with pytest.raises(QuotaExceededError, match="2 of"):
        db.jobs.enqueue([f"http://more.example/{n}" for n in range(5)], requester=by(quota=4))
    with pytest.raises(QuotaExceededError) as refused:
        db.jobs.enqueue([f"http://more.example/{n}" for n in range(3)], requester=by(quota=4, key=KEY))
    facts = refused.value.facts
    assert (facts["wanted"], facts["left"], facts["quota"]) == (3, 2, 4)
    assert facts["resets_at"] == "2026-01-02T00:00:00+00:00"
    assert facts["retry_after_seconds"] == 24 * 3600
    assert (sum(db.jobs.counts().values()), len(db.batches.page().items)) == (2, 1)
    assert db.jobs.earlier(KEY) is None
    assert len(db.jobs.enqueue(["http://more.example/1", "http://more.example/2"], requester=by(quota=4)).new) == 2


def test_each_caller_and_each_day_has_a_separate_count(db: Stores) -> None:
    db.jobs.enqueue(TARGETS[:2], requester=by(ALICE, 2))
    assert db.jobs.enqueue(TARGETS[:2], requester=by(ALICE, 2)).duplicates == 2, "duplicates cost nothing"
    db.jobs.enqueue(["http://bob.example/1"], requester=by(BOB, 2))
    assert (db.jobs.used_today(ALICE), db.jobs.used_today(BOB)) == (2, 1)
    db.clock.advance(24 * 3600)
    assert db.jobs.used_today(ALICE) == 0
    assert len(db.jobs.enqueue(["http://a.example/1", "http://a.example/2"], requester=by(ALICE, 2)).new) == 2


def test_concurrent_requests_never_exceed_the_quota(db: Stores) -> None:
    numbers = iter(range(100))

    def send() -> Enqueued:
        n = next(numbers)
        return db.jobs.enqueue([f"http://h{n}.example/{i}" for i in range(3)], requester=by(quota=10))

    found = at_once(*[or_error(send)] * 10)
    assert sum(isinstance(made, Enqueued) for made in found) == 3
    assert sum(isinstance(made, QuotaExceededError) for made in found) == 7
    assert (db.jobs.used_today(ALICE), sum(db.jobs.counts().values())) == (9, 9)
