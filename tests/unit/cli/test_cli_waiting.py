"""While `enqueue --wait` pauses, the tests' clock runs the steps of a worker."""

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.clock import ManualClock
from app.errors.pages import PageGoneError
from app.property.storage.database import Database
from app.property.storage.jobs.models import Enqueued
from app.property.storage.jobs.repository import JobStore
from app.services.runtime.heartbeats import heartbeat_file
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


def test_wait_includes_jobs_of_earlier_batches(jobs: JobStore, clock: WorkingClock, tmp_path: Path) -> None:
    earlier = _enqueue(jobs, 1)
    enqueued = _enqueue(jobs, 2)
    assert enqueued.duplicates == 1
    clock.steps = [lambda: _do(jobs, enqueued.new[0]), lambda: None, lambda: _do(jobs, earlier.new[0])]
    ended = wait_for_jobs(jobs, enqueued, clock, tmp_path)
    assert {job.id for job in ended} == {enqueued.new[0], earlier.new[0]}
    assert len(clock.slept) == 3


def test_a_missing_worker_is_reported_once(
    jobs: JobStore, clock: WorkingClock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    enqueued = _enqueue(jobs, 1)
    clock.steps = [lambda: None] * 100 + [lambda: _do(jobs, enqueued.new[0])]
    wait_for_jobs(jobs, enqueued, clock, tmp_path)
    shown = capsys.readouterr()
    assert shown.err.count("no worker is running here. Run `propintel up`") == 1
    assert shown.out == ""


def test_a_busy_worker_is_not_reported_as_missing(
    jobs: JobStore, clock: WorkingClock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    enqueued = _enqueue(jobs, 2)
    last = enqueued.new[1]
    clock.steps = [lambda: _do(jobs, enqueued.new[0]), *[lambda: None] * 100, lambda: _do(jobs, last)]
    wait_for_jobs(jobs, enqueued, clock, tmp_path)
    assert capsys.readouterr().err == ""


def test_a_job_that_waits_for_its_next_attempt_is_told_from_a_missing_worker(
    jobs: JobStore, clock: WorkingClock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    enqueued = _enqueue(jobs, 2)
    first, second = enqueued.new

    def fail_twice() -> None:
        for seconds in (0.0, 90.0):
            assert jobs.claim(first, "worker", 30) is not None
            jobs.release(first, "worker", 0.0, "scrape", again_seconds=seconds, counted=True)

    clock.steps = [fail_twice, *[lambda: None] * 60, lambda: _do(jobs, second), *[lambda: None] * 60]
    clock.steps += [lambda: clock.advance(90), lambda: _do(jobs, first)]
    wait_for_jobs(jobs, enqueued, clock, tmp_path)
    shown = capsys.readouterr().err
    assert f"A worker took job {first[:8]}; it failed 2 times. Next attempt in 75 s.\n" in shown
    assert shown.count("Next attempt") == 1
    assert "No worker" not in shown


def test_a_deferred_job_of_an_earlier_batch_says_when_it_goes_on(
    jobs: JobStore, clock: WorkingClock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (job_id,) = _enqueue(jobs, 1).new
    assert jobs.claim(job_id, "worker", 30) is not None
    jobs.defer(job_id, "worker", clock.now() + timedelta(seconds=600), 0.0)
    enqueued = _enqueue(jobs, 1)
    clock.steps = [*[lambda: None] * 40, lambda: clock.advance(600), lambda: _do(jobs, job_id)]
    wait_for_jobs(jobs, enqueued, clock, tmp_path)
    shown = capsys.readouterr().err
    assert f"A worker took job {job_id[:8]}; it has to wait. Next attempt in 58" in shown


def test_busy_workers_and_a_worker_that_takes_nothing_are_told_from_a_missing_one(
    jobs: JobStore, clock: WorkingClock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (busy,) = _enqueue(jobs, 1, start=10).new
    enqueued = _enqueue(jobs, 1)
    assert jobs.claim(busy, "worker", 30_000) is not None
    clock.steps = [*[lambda: None] * 40, lambda: _do(jobs, enqueued.new[0])]
    wait_for_jobs(jobs, enqueued, clock, tmp_path)
    assert capsys.readouterr().err == "Workers are running but busy: 1 other job is first.\n"
    jobs.fail(busy, PageGoneError("http://homes.example/", "sold"), "worker")
    for node, words in (("celery@here", "although one is running"), ("maintenance-7@here", "no worker is running")):
        enqueued = _enqueue(jobs, 1, start=20 + len(node))
        beat = json.dumps({"node": node, "pid": 7, "at": (clock.now() + timedelta(seconds=15)).isoformat()})
        shutil.rmtree(tmp_path / "heartbeats", ignore_errors=True)
        (tmp_path / "heartbeats").mkdir()
        heartbeat_file(tmp_path, node).write_text(beat)
        clock.steps = [*[lambda: None] * 40, lambda made=enqueued: _do(jobs, made.new[0])]  # type: ignore[misc]
        wait_for_jobs(jobs, enqueued, clock, tmp_path)
        assert words in capsys.readouterr().err
