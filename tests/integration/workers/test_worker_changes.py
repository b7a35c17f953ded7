"""A price change on a real site reaches a real receiver through a worker and beat."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from tasks._celery.publish import send_jobs
from tests.integration.test_page_cache_service import listing
from tests.plugins.changing_site import ChangingSite
from tests.plugins.webhook_receiver import Receiver

pytestmark = pytest.mark.worker
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_a_price_change_is_sent_to_the_webhook(
    make_fleet: Callable[..., Any],
    make_receiver: Callable[..., Receiver],
    changing_site: ChangingSite,
    until: Callable[..., None],
) -> None:
    receiver = make_receiver(statuses=[200])
    fleet = make_fleet(
        CHANGES_WEBHOOK_URL=receiver.url,
        CHANGES_CONFIRMING_LOOKS="0",
        WEBHOOK_SECRET=SECRET,
        FETCH_MIN_DELAY_SECONDS="0",
    )
    fleet.start_worker(concurrency=1)
    fleet.start_beat()
    url = f"{changing_site.address}/h/48213"

    def read(price: int) -> str:
        changing_site.pages["/h/48213"] = listing(price=price)
        enqueued = fleet.stores.jobs.enqueue([url], refresh=True)
        send_jobs(fleet.app, fleet.stores.jobs, enqueued.jobs)
        (job,) = fleet.wait_for_state([job.id for job in enqueued.jobs], "done")
        return str(job.property_id)

    property_id = read(310_000)
    read(299_000)
    until(lambda: receiver.requests, 60, lambda: fleet.log("worker"))
    event = Webhook(SECRET).verify(receiver.requests[0].body, receiver.requests[0].headers)
    change = event["data"]
    sent = [change[name] for name in ("property", "field", "old", "new")]
    assert sent == [property_id, "ListPrice", 310000, 299000]
    for side, price in (("old_evidence", "310000"), ("new_evidence", "299000")):
        assert price in json.dumps(change[side]).replace(",", "")
        assert change[side]["source_url"] == url
