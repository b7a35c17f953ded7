"""A complete batch calls its receiver once, through a real worker and beat. Private receivers are never called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from tasks._celery.publish import send_jobs
from tests.plugins.webhook_receiver import Receiver

pytestmark = pytest.mark.worker
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_a_batch_calls_its_receiver_once_after_its_last_job(
    make_fleet: Callable[..., Any],
    make_receiver: Callable[..., Receiver],
    property_site: str,
    until: Callable[..., None],
) -> None:
    """The first delivery fails with 500; the second sends the same event, and no third follows."""
    receiver, private = make_receiver(statuses=[500, 200]), make_receiver(host="127.0.0.2")
    fleet = make_fleet(
        WEBHOOK_SECRET=SECRET, FETCH_ALLOWED_PRIVATE_NETWORKS="127.0.0.1/32", FETCH_MIN_DELAY_SECONDS="0"
    )
    fleet.start_beat()
    targets = [f"{property_site}/homes/{n}" for n in range(1, 4)]
    accepted = fleet.stores.jobs.enqueue([*targets, f"{property_site}/odd/gone"], callback_url=receiver.url)
    refused = fleet.stores.jobs.enqueue([f"{property_site}/homes/9"], callback_url=private.url)
    send_jobs(fleet.app, fleet.stores.jobs, [*accepted.jobs, *refused.jobs])
    fleet.start_worker()

    def callback(batch: str) -> Any:
        return fleet.stores.batches.get(batch).as_json()["callback"]

    until(lambda: callback(accepted.batch)["state"] == "delivered", 60, lambda: fleet.log("worker"))
    until(lambda: callback(refused.batch)["state"] == "given_up", 20, lambda: fleet.log("worker"))
    assert callback(accepted.batch)["attempts"] == 2
    assert [request.status for request in receiver.requests] == [500, 200]
    assert len(set(receiver.ids())) == 1
    for request in receiver.requests:
        event = Webhook(SECRET).verify(request.body, request.headers)
        assert (event["type"], event["data"]["id"]) == ("batch.completed", accepted.batch)
        assert (event["data"]["counts"]["done"], event["data"]["counts"]["failed"]) == (3, 1)

    assert "127.0.0.2" in callback(refused.batch)["error"]
    assert private.connections == 0
    log = fleet.log("worker")
    assert log.count(f"Batch {accepted.batch} is complete: 3 done, 1 failed") == 1
    assert "hunter2" not in log
    assert SECRET not in log


def test_a_retry_of_failed_jobs_calls_the_receiver_again(
    make_fleet: Callable[..., Any],
    make_receiver: Callable[..., Receiver],
    property_site: str,
    until: Callable[..., None],
) -> None:
    """The batch is open again during the retry. One worker serves jobs, another serves maintenance."""
    receiver = make_receiver()
    fleet = make_fleet(FETCH_MIN_DELAY_SECONDS="0")
    enqueued = fleet.stores.jobs.enqueue([f"{property_site}/odd/gone"], callback_url=receiver.url)
    send_jobs(fleet.app, fleet.stores.jobs, enqueued.jobs)
    for queue in ("scrape", "maintenance"):
        fleet.services.start(
            fleet.supervisor, queue, ["celery", "-A", "worker", "worker", "-Q", queue, "--pool=solo", "-n", queue]
        )
    fleet.start_beat()
    until(lambda: len(receiver.requests) == 1, 60, lambda: fleet.log("scrape"))
    fleet.wait_for_state(enqueued.new, "failed")

    again = fleet.stores.jobs.retry(enqueued.new)
    assert [job.id for job in again] == enqueued.new
    assert fleet.stores.batches.get(enqueued.batch).completed_at is None
    send_jobs(fleet.app, fleet.stores.jobs, again)
    until(lambda: len(receiver.requests) == 2, 60, lambda: fleet.log("scrape"))
    first, second = receiver.ids()
    assert first != second
    assert "webhook-signature" not in receiver.requests[0].headers, "a callback was signed without WEBHOOK_SECRET"
