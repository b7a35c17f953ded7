"""Enqueueing stores all targets or none, no matter which step fails."""

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from app.clock import ManualClock
from app.errors.broker import BrokerUnavailableError
from app.property.storage.database import Database, database_url
from app.property.storage.jobs.idempotency import RequestKey
from app.property.storage.jobs.models import Enqueued, JobState
from app.property.storage.jobs.repository import JobStore
from app.property.storage.jobs.usage import Requester
from app.property.storage.statements import digest
from app.redis.embedded_valkey import EmbeddedValkey
from app.services.runtime.stores import Stores
from app.settings import Settings
from tasks._celery.submission import make_sender, submit_targets
from tests.plugins.hanging_server import HangingServer

TARGETS = ["http://homes.example/1", "http://homes.example/2"]


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings.of(propintel_home=home / "state")


def test_jobs_whose_messages_cannot_be_sent_are_canceled(
    stores: Stores, settings: Settings, broker: EmbeddedValkey
) -> None:
    """The broker is reachable at first, but sending fails. The caller gets an error, so the new job must not run."""
    without_answer = Settings.of(redis_url="redis://127.0.0.1:1/0")
    earlier = stores.jobs.enqueue(TARGETS[:1]).new[0]
    with closing(make_sender(without_answer)) as celery_app, pytest.raises(BrokerUnavailableError):
        submit_targets(stores.jobs, celery_app, settings, TARGETS, priority=5, refresh=False)
    states = {job.target: job.state for job in stores.jobs.list()}
    assert states == {TARGETS[0]: JobState.QUEUED, TARGETS[1]: JobState.CANCELLED}
    assert stores.jobs.get(earlier).state is JobState.QUEUED


@pytest.mark.timeout(120)
def test_sending_to_a_hanging_broker_ends_in_time(
    stores: Stores, settings: Settings, hanging_server: HangingServer, broker: EmbeddedValkey
) -> None:
    """The broker is reachable at first, but sending hangs. The error must come soon."""
    hanging = Settings.of(redis_url=hanging_server.url)
    with closing(make_sender(hanging)) as celery_app, pytest.raises(BrokerUnavailableError):
        submit_targets(stores.jobs, celery_app, settings, TARGETS, priority=5, refresh=False)
    assert {job.state for job in stores.jobs.list()} == {JobState.CANCELLED}


@pytest.mark.usefixtures("patient")
def test_a_batch_reported_to_a_repeated_request_is_not_canceled(settings: Settings, broker: EmbeddedValkey) -> None:
    """While the broker hangs, the request is repeated. Both requests get the same response."""
    clock = ManualClock()
    requester = Requester(digest("alice"), None, RequestKey(digest("key"), digest("asked")))
    with closing(Database(database_url(settings), clock)) as database, socket.create_server(("127.0.0.1", 0)) as hangs:
        jobs = JobStore(database)
        gone = Settings.of(redis_url=f"redis://127.0.0.1:{hangs.getsockname()[1]}/0")

        def submit(sender: Settings) -> Enqueued:
            with closing(make_sender(sender)) as celery_app:
                return submit_targets(
                    jobs, celery_app, settings, TARGETS, priority=5, refresh=False, requester=requester
                )

        with ThreadPoolExecutor(1) as executor:
            first = executor.submit(submit, gone)
            connection, _ = hangs.accept()
            clock.advance(60)
            again = submit(settings)
            connection.close()
            hangs.close()
            answered = first.result(60)
        assert again.repeated
        assert not answered.repeated
        assert (answered.batch, [job.id for job in answered.jobs]) == (again.batch, [job.id for job in again.jobs])
        assert {job.state for job in jobs.list()} == {JobState.QUEUED}
        assert {found.job.id for found in jobs.recoverable()} == set(answered.new)
