"""Jobs on pytest-celery's API finish, and survive a restart and the death of worker and broker."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from pytest_celery import CeleryTestSetup
from pytest_docker_tools.wrappers.container import wait_for_callable

from app.services.runtime.stores import Stores
from tasks._celery.publish import send_jobs
from tests.acceptance.surroundings import Surroundings

pytestmark = pytest.mark.worker


#: the tests of docker-compose.yml cover the image already
only_local = pytest.mark.parametrize("place", ["local"])


def _send(setup: CeleryTestSetup, stores: Stores, *targets: str) -> list[str]:
    jobs = stores.jobs.enqueue(targets).jobs
    send_jobs(setup.app, stores.jobs, jobs)
    return [job.id for job in jobs]


@only_local
def test_the_setup_is_ready_and_answers(celery_setup: CeleryTestSetup) -> None:
    assert celery_setup.ready(control=True)
    answers = celery_setup.app.control.ping(timeout=5, limit=1)
    assert [list(answer.values()) for answer in answers] == [[{"ok": "pong"}]]
    celery_setup.worker.assert_log_exists("ready.")


@only_local
def test_jobs_finish(
    celery_setup: CeleryTestSetup, stores: Stores, wait_for_jobs: Callable[..., list[str]], surroundings: Surroundings
) -> None:
    ids = _send(celery_setup, stores, *(f"{surroundings.site}/homes/{n}" for n in range(1, 7)))
    assert wait_for_jobs(ids) == ["done"] * 6
    celery_setup.worker.assert_log_does_not_exist("Traceback")


def test_a_restarted_worker_continues(
    celery_setup: CeleryTestSetup, stores: Stores, wait_for_jobs: Callable[..., list[str]], surroundings: Surroundings
) -> None:
    celery_setup.worker.restart(force=True)
    assert wait_for_jobs(_send(celery_setup, stores, f"{surroundings.site}/homes/11")) == ["done"]


def test_jobs_sent_while_the_worker_is_dead_are_finished_by_the_next(
    celery_setup: CeleryTestSetup, stores: Stores, wait_for_jobs: Callable[..., list[str]], surroundings: Surroundings
) -> None:
    celery_setup.worker.kill()
    ids = _send(celery_setup, stores, f"{surroundings.site}/homes/21", f"{surroundings.site}/homes/22")
    celery_setup.worker.restart()
    assert wait_for_jobs(ids) == ["done", "done"]


def test_workers_consume_again_within_seconds_of_a_broker_crash(
    celery_setup: CeleryTestSetup, stores: Stores, wait_for_jobs: Callable[..., list[str]], surroundings: Surroundings
) -> None:
    """The messages are in the broker's append-only file, and the worker reconnects."""
    celery_setup.broker.kill()
    time.sleep(2)
    celery_setup.broker.restart()
    ids = _send(celery_setup, stores, f"{surroundings.site}/homes/31")
    assert wait_for_jobs(ids, seconds=8) == ["done"]


def test_term_to_a_worker_during_a_job_loses_nothing(
    celery_setup: CeleryTestSetup,
    stores: Stores,
    wait_for_jobs: Callable[..., list[str]],
    surroundings: Surroundings,
    beat: None,
) -> None:
    """The job hangs in a model call for longer than the soft shutdown lasts: the next worker finishes it."""
    model = surroundings.model
    model.set_key(model.keys[0], behaviour="hang")
    (job_id,) = _send(celery_setup, stores, f"{surroundings.site}/listings/oak-hollow-lane")
    wait_for_callable("The model is asked", lambda: model.stats()["totals"]["requests"] == 1)
    model.set_key(model.keys[0], behaviour="ok")
    celery_setup.worker.kill("SIGTERM")
    assert stores.jobs.get(job_id).state != "done"
    celery_setup.worker.restart()
    assert wait_for_jobs([job_id]) == ["done"]
    assert model.stats()["totals"]["requests"] == 2


@only_local
def test_key_reports_follow_beats_schedule(celery_setup: CeleryTestSetup, beat: None) -> None:
    celery_setup.worker.assert_log_exists("OpenAI keys: 1 of 1 healthy", timeout=300)
