"""Through a real worker and beat, a receiver gets a finished batch and a price change once.

Receivers with private addresses get nothing.
"""

import json
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from app.services.reports.metrics.shared_counts import encode
from tasks._celery.publish import send_jobs
from tests.integration.test_page_cache_service import listing
from tests.plugins.changing_site import ChangingSite
from tests.plugins.waiting import wait_until

pytestmark = pytest.mark.worker
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_a_batch_and_a_price_change_are_each_sent_once_to_their_receivers(
    make_fleet: Any, make_receiver: Any, property_site: str, changing_site: ChangingSite
) -> None:
    """The batch's first delivery fails with 500; the second sends the same event, and no third follows."""
    receiver, private = make_receiver(statuses=[500, 200]), make_receiver(host="127.0.0.2")
    changes = make_receiver()
    fleet = make_fleet(
        WEBHOOK_SECRET=SECRET,
        FETCH_ALLOWED_PRIVATE_NETWORKS="127.0.0.1/32",
        FETCH_MIN_DELAY_SECONDS="0",
        CHANGES_WEBHOOK_URL=changes.url,
        CHANGES_CONFIRMING_LOOKS="0",
    )
    fleet.start_beat()
    targets = [f"{property_site}/homes/{n}" for n in range(1, 4)]
    accepted = fleet.stores.jobs.enqueue([*targets, f"{property_site}/odd/gone"], callback_url=receiver.url)
    refused = fleet.stores.jobs.enqueue([f"{property_site}/homes/9"], callback_url=private.url)
    send_jobs(fleet.app, fleet.stores.jobs, [*accepted.jobs, *refused.jobs])
    fleet.start_worker()

    def callback(batch: str) -> Any:
        return fleet.stores.batches.get(batch).as_json()["callback"]

    wait_until(lambda: callback(accepted.batch)["state"] == "delivered", 60)
    wait_until(lambda: callback(refused.batch)["state"] == "given_up", 20)
    assert callback(accepted.batch)["attempts"] == 2
    assert [request.status for request in receiver.requests] == [500, 200]
    assert len(set(receiver.ids())) == 1
    for request in receiver.requests:
        event = Webhook(SECRET).verify(request.body, request.headers)
        assert (event["type"], event["data"]["id"]) == ("batch.completed", accepted.batch)
        assert (event["data"]["counts"]["done"], event["data"]["counts"]["failed"]) == (3, 1)
    assert "127.0.0.2" in callback(refused.batch)["error"]
    assert private.connections == 0
    assert fleet.log("worker").count(f"Batch {accepted.batch} is complete: 3 done, 1 failed") == 1

    url = f"{changing_site.address}/h/48213"
    for price in (310_000, 299_000):
        changing_site.pages["/h/48213"] = listing(price=price)
        enqueued = fleet.stores.jobs.enqueue([url], refresh=True)
        send_jobs(fleet.app, fleet.stores.jobs, enqueued.jobs)
        (job,) = fleet.wait_for_state(enqueued.new, "done")
    wait_until(lambda: changes.requests, 60)
    change = Webhook(SECRET).verify(changes.requests[0].body, changes.requests[0].headers)["data"]
    sent = [change[name] for name in ("property", "field", "old", "new")]
    assert sent == [job.property_id, "ListPrice", 310_000, 299_000]
    for side, shown in (("old_evidence", "310000"), ("new_evidence", "299000")):
        assert shown in json.dumps(change[side]).replace(",", "")
        assert change[side]["source_url"] == url
    counted = {"propintel_batches_completed_total": {}, "propintel_callbacks_total": {"outcome": "delivered"}}
    fleet.until(lambda: all(encode(name, labels) in fleet.counts() for name, labels in counted.items()))
    assert fleet.counts()[encode("propintel_callbacks_total", {"outcome": "delivered"})] == 1
    assert "hunter2" not in fleet.log("worker")
    assert SECRET not in fleet.log("worker")
