"""Jobs survive a restart of the worker, and a crash of the worker or the broker. Uses pytest-celery."""

import time
from collections.abc import Callable

import pytest
from pytest_celery import CeleryTestSetup
from pytest_docker_tools.wrappers.container import wait_for_callable

from app.services.runtime.stores import Stores
from tasks._celery.publish import send_jobs
from tests.acceptance.docker_containers import DockerSimulator
from tests.plugins.simulator_fixtures import SimulatorHandle

# A long timeout, because the first test may have to build the image.
pytestmark = [pytest.mark.worker, pytest.mark.docker, pytest.mark.timeout(900)]
Wait = Callable[..., list[str]]
Send = Callable[..., list[str]]


@pytest.fixture
def send(celery_setup: CeleryTestSetup, stores: Stores, docker_site: DockerSimulator) -> Send:
    def send(*paths: str) -> list[str]:
        jobs = stores.jobs.enqueue([docker_site.address_inside + path for path in paths]).jobs
        send_jobs(celery_setup.app, stores.jobs, jobs)
        return [job.id for job in jobs]

    return send


def test_jobs_sent_while_the_worker_is_dead_are_finished_by_the_next(
    celery_setup: CeleryTestSetup, send: Send, wait_for_jobs: Wait
) -> None:
    celery_setup.worker.kill()
    ids = send("/homes/21", "/homes/22")
    celery_setup.worker.restart()
    assert wait_for_jobs(ids) == ["done", "done"]
    celery_setup.worker.restart(force=True)
    assert wait_for_jobs(send("/homes/23")) == ["done"]


def test_workers_consume_again_within_seconds_of_a_broker_crash(
    celery_setup: CeleryTestSetup, send: Send, wait_for_jobs: Wait
) -> None:
    """The broker restores the messages from its append-only file, and the worker reconnects."""
    celery_setup.broker.kill()
    time.sleep(2)
    celery_setup.broker.restart()
    assert wait_for_jobs(send("/homes/31"), seconds=8) == ["done"]


@pytest.mark.usefixtures("docker_beat")
def test_term_to_a_worker_during_a_job_loses_nothing(
    celery_setup: CeleryTestSetup, stores: Stores, send: Send, wait_for_jobs: Wait, model: SimulatorHandle
) -> None:
    """A model call hangs longer than the soft shutdown lasts, so the next worker must run the job again."""
    model.set_key(model.keys[0], behavior="hang")
    (job_id,) = send("/listings/oak-hollow-lane")
    wait_for_callable("The model is asked", lambda: model.stats()["totals"]["requests"] == 1)
    model.set_key(model.keys[0], behavior="ok")
    celery_setup.worker.kill("SIGTERM")
    assert stores.jobs.get(job_id).state != "done"
    celery_setup.worker.restart()
    assert wait_for_jobs([job_id]) == ["done"]
    assert model.stats()["totals"]["requests"] == 2
