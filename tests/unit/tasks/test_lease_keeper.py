"""A lease is renewed only while the work runs."""

import threading

from structlog.contextvars import bound_contextvars, get_contextvars

from app.errors.storage import DatabaseLockedError
from tasks._celery.lease import LeaseKeeper, new_owner, worker_name


def test_a_lost_lease_is_not_renewed_again() -> None:
    calls: list[int] = []

    def renew() -> bool:
        calls.append(1)
        return False

    keeper = LeaseKeeper(renew, every_seconds=0.001)
    with keeper:
        keeper._thread.join(60)
        assert not keeper._thread.is_alive()
    assert calls == [1]


def test_a_hanging_run_finally_loses_its_lease() -> None:
    """A hanging run in a thread cannot be ended, so its lease must end to let another worker take over the job."""
    renewed: list[int] = []

    def renew() -> bool:
        renewed.append(1)
        return True

    keeper = LeaseKeeper(renew, every_seconds=0.001, longest_seconds=0.0035)
    with keeper:
        keeper._thread.join(60)
        assert not keeper._thread.is_alive()
    assert len(renewed) == 3


def test_owners_of_one_worker_differ_only_after_its_name() -> None:
    owners = {new_owner() for _ in range(1000)}
    assert len(owners) == 1000
    assert all(owner.startswith(worker_name()) for owner in owners)


def test_the_lease_is_renewed_until_the_block_ends_although_the_database_is_locked() -> None:
    jobs: list[object] = []
    renewed = threading.Semaphore(0)

    def renew() -> bool:
        jobs.append(get_contextvars().get("job"))
        if len(jobs) == 1:
            raise DatabaseLockedError("sqlite:///x", "busy")
        renewed.release()
        return True

    with bound_contextvars(job="j1"), LeaseKeeper(renew, every_seconds=0.001) as keeper:
        assert all(renewed.acquire(timeout=300) for _ in range(3))
    assert not keeper._thread.is_alive()
    assert set(jobs) == {"j1"}
