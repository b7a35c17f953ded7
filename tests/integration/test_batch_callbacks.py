"""A batch's receiver gets one event per completion, is retried for a day, and is given up if it is private."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from app.clock import ManualClock
from app.property.storage.jobs.models import Enqueued
from app.property.storage.outbox import Channel
from app.services.delivery.deliver import AT_ONCE, LEASE_SECONDS, MAX_ATTEMPTS, deliver_due, wait_after
from app.services.delivery.webhooks import TIMEOUT_SECONDS
from app.services.runtime.stores import Stores, open_stores
from app.settings import Settings
from tests.plugins.webhook_receiver import Receiver

MakeReceiver = Callable[..., Receiver]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.of(propintel_home=tmp_path / "home", fetch_allowed_private_networks="127.0.0.1/32")


@pytest.fixture
def stores(settings: Settings, clock: ManualClock) -> Iterator[Stores]:
    with open_stores(settings, clock) as opened:
        yield opened


def deliver(stores: Stores) -> dict[str, int]:
    return deliver_due(Channel.BATCH, stores.settings, stores.database)


def complete_one(stores: Stores, url: str, target: str = "https://a.example/1") -> Enqueued:
    enqueued = stores.jobs.enqueue([target], callback_url=url)
    stores.batches.cancel(enqueued.batch)
    assert [batch.id for batch in stores.batches.complete()] == [enqueued.batch]
    return enqueued


def test_a_failing_receiver_is_retried_for_a_day_at_growing_intervals(
    stores: Stores, clock: ManualClock, make_receiver: MakeReceiver
) -> None:
    receiver = make_receiver(statuses=[500])
    enqueued = complete_one(stores, receiver.url)
    first, times = clock.now(), []
    while stores.batches.get(enqueued.batch).as_json()["callback"]["state"] == "pending":
        counts = deliver(stores)
        if counts["failed"] or counts["given_up"]:
            times.append((clock.now() - first).total_seconds())
        clock.advance(10 if len(times) < 11 else 600)
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert waits[:10] == [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600]
    assert set(waits[10:]) == {3600}
    assert 23 * 3600 < times[-1] < 24 * 3600
    callback = stores.batches.get(enqueued.batch).as_json()["callback"]
    assert (callback["state"], callback["attempts"]) == ("given_up", MAX_ATTEMPTS)
    assert f"{receiver.origin} answered HTTP 500" in callback["error"]
    assert set(receiver.ids()) == {receiver.ids()[0]}
    assert len({request.body for request in receiver.requests}) == 1, "the attempts sent different bodies"


def test_the_last_attempt_has_no_next() -> None:
    assert {wait_after(attempt) for attempt in range(10, MAX_ATTEMPTS)} == {3600}
    assert wait_after(MAX_ATTEMPTS) is None
    assert LEASE_SECONDS > TIMEOUT_SECONDS, "a lease could expire during a request"


def test_a_receiver_inside_the_network_is_given_up_at_once(
    stores: Stores, clock: ManualClock, make_receiver: MakeReceiver
) -> None:
    receiver = make_receiver(host="127.0.0.2")
    enqueued = complete_one(stores, receiver.url)
    assert deliver(stores) == {"delivered": 0, "failed": 0, "given_up": 1}
    callback = stores.batches.get(enqueued.batch).as_json()["callback"]
    assert (callback["state"], callback["attempts"]) == ("given_up", 1)
    assert f"{receiver.origin} leads to 127.0.0.2" in callback["error"]
    assert "FETCH_ALLOWED_PRIVATE_NETWORKS" in callback["error"]
    assert receiver.connections == 0


def test_a_batch_that_completes_again_sends_another_event(
    stores: Stores, clock: ManualClock, make_receiver: MakeReceiver
) -> None:
    receiver = make_receiver()
    enqueued = complete_one(stores, receiver.url)
    assert deliver(stores) == {"delivered": 1, "failed": 0, "given_up": 0}
    assert deliver(stores) == {"delivered": 0, "failed": 0, "given_up": 0}
    stores.jobs.retry(enqueued.new)
    assert deliver(stores) == {"delivered": 0, "failed": 0, "given_up": 0}
    clock.advance(60)
    stores.batches.cancel(enqueued.batch)
    stores.batches.complete()
    assert deliver(stores) == {"delivered": 1, "failed": 0, "given_up": 0}
    first, second = receiver.ids()
    assert first != second


def test_concurrent_deliveries_send_each_event_once(stores: Stores, make_receiver: MakeReceiver) -> None:
    receiver = make_receiver()
    made = [complete_one(stores, receiver.url, f"https://a.example/{n}").batch for n in range(AT_ONCE * 2)]
    threads = [threading.Thread(target=deliver, args=(stores,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(receiver.ids()) == len(set(receiver.ids())) == len(made)
    assert all(stores.batches.get(id_).as_json()["callback"]["state"] == "delivered" for id_ in made)


def test_a_receiver_that_hangs_delays_no_other(stores: Stores, clock: ManualClock, make_receiver: MakeReceiver) -> None:
    """Up to `AT_ONCE` due events are sent at the same time."""
    heard = threading.Event()
    hanging, receiver = make_receiver(held=heard), make_receiver(on_request=heard.set)
    for n in range(AT_ONCE - 1):
        complete_one(stores, hanging.url, f"https://hangs.example/{n}")
        clock.advance(1)
    complete_one(stores, receiver.url)
    assert deliver(stores) == {"delivered": AT_ONCE, "failed": 0, "given_up": 0}


def test_the_event_contains_the_batch_without_its_callback(
    stores: Stores, clock: ManualClock, make_receiver: MakeReceiver
) -> None:
    receiver = make_receiver()
    enqueued = complete_one(stores, receiver.url)
    deliver(stores)
    shown = stores.batches.get(enqueued.batch).as_json()
    del shown["callback"]
    told = json.loads(receiver.requests[0].body)
    assert told == {"type": "batch.completed", "timestamp": shown["completed_at"], "data": shown}
