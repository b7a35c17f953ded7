"""While `enqueue --wait` pauses, the tests' clock runs the steps of a worker."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.clock import ManualClock
from app.errors.pages import PageGoneError
from app.property.storage.database import Database
from app.property.storage.jobs.models import Enqueued
from app.property.storage.jobs.repository import JobStore
from cli.waiting import wait_for_jobs


class WorkingClock(ManualClock):
    def __init__(self) -> None:
        super().__init__()
        self.steps: list[Callable[[], object]] = []

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.steps:
            self.steps.pop(0)()


@pytest.fixture
def clock() -> WorkingClock:
    return WorkingClock()


@pytest.fixture
def jobs(tmp_path: Path, clock: WorkingClock) -> Iterator[JobStore]:
    database = Database(f"sqlite:///{tmp_path / 'x.sqlite3'}", clock)
    yield JobStore(database)
    database.close()


def _do(jobs: JobStore, job_id: str) -> None:
    assert jobs.claim(job_id, "worker", 30) is not None
    jobs.fail(job_id, PageGoneError("http://homes.example/", "sold"), "worker")


def _enqueue(jobs: JobStore, count: int, start: int = 0) -> Enqueued:
    return jobs.enqueue([f"http://homes.example/{n}" for n in range(start, start + count)])


def test_wait_includes_jobs_of_earlier_batches(jobs: JobStore, clock: WorkingClock) -> None:
    earlier = _enqueue(jobs, 1)
    enqueued = _enqueue(jobs, 2)
    assert enqueued.duplicates == 1
    clock.steps = [lambda: _do(jobs, enqueued.new[0]), lambda: None, lambda: _do(jobs, earlier.new[0])]
    ended = wait_for_jobs(jobs, enqueued, clock)
    assert {job.id for job in ended} == {enqueued.new[0], earlier.new[0]}
    assert len(clock.slept) == 3


def test_a_missing_worker_is_reported_once(
    jobs: JobStore, clock: WorkingClock, capsys: pytest.CaptureFixture[str]
) -> None:
    enqueued = _enqueue(jobs, 1)
    clock.steps = [lambda: None] * 100 + [lambda: _do(jobs, enqueued.new[0])]
    wait_for_jobs(jobs, enqueued, clock)
    shown = capsys.readouterr()
    assert shown.err.count("Is `propintel up` running?") == 1
    assert shown.out == ""


def test_a_busy_worker_is_not_reported_as_missing(
    jobs: JobStore, clock: WorkingClock, capsys: pytest.CaptureFixture[str]
) -> None:
    enqueued = _enqueue(jobs, 2)
    last = enqueued.new[1]
    clock.steps = [lambda: _do(jobs, enqueued.new[0]), *[lambda: None] * 100, lambda: _do(jobs, last)]
    wait_for_jobs(jobs, enqueued, clock)
    assert capsys.readouterr().err == ""
