"""The change webhook: a receiver that often fails gets every change, and can recognize duplicates."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook

from app.clock import ManualClock, SystemClock
from app.errors import ConfigurationError
from app.property.storage.outbox import Channel, Outbox
from app.property.storage.privacy.repository import PurgeStore
from app.property.storage.privacy.scope import PurgeKind
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.watches.changes import ChangeStore
from app.services.delivery.deliver import (
    LEASE_SECONDS,
    change_event,
    changes_backlog,
    deliver_due,
    follow_changes,
    receiver_of,
)
from app.services.delivery.webhooks import WebhookSender
from app.services.runtime.stores import Stores, open_stores
from app.settings import Settings
from benchmarks.saving import save_record
from tests.plugins.page_records import page_record
from tests.plugins.webhook_receiver import Receiver

MakeReceiver = Callable[..., Receiver]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.of(
        propintel_home=tmp_path / "home",
        fetch_allowed_private_networks="127.0.0.1/32",
        webhook_secret=SecretStr(SECRET),
        changes_confirming_looks=0,
        changes_webhook_url=SecretStr("http://127.0.0.1:9999/"),
    )


@pytest.fixture
def stores(settings: Settings, clock: ManualClock) -> Iterator[Stores]:
    with open_stores(settings, clock) as opened:
        follow_changes(settings, opened.database)
        yield opened


def save(properties: PropertyStore, number: int, price: int, at: Any) -> None:
    """Save the page of property `number` with this price."""
    url, sha = f"https://homes.example/{number}", f"{number * 1_000_000 + price:064d}"
    values = {"StreetNumber": str(number), "StreetName": "Elm Street", "City": "Springfield", "ListPrice": price}
    save_record(properties, page_record(url, values, at, sha), edition="e")


def change(stores: Stores, homes: int, *, start: int = 1) -> None:
    """Save each of `homes` properties first with a price and then with a lower price."""
    for number, price in itertools.product(range(start, start + homes), (500_000, 480_000)):
        save(stores.properties, number, price, stores.database.clock.now() + timedelta(minutes=price < 500_000))


def deliver(stores: Stores, url: str) -> dict[str, int]:
    """Run the delivery task once; return its counts."""
    return deliver_due(Channel.CHANGE, stores.settings.replaced(changes_webhook_url=SecretStr(url)), stores.database)


def test_a_receiver_that_is_down_half_the_time_gets_every_change_in_order(
    stores: Stores, make_receiver: MakeReceiver, clock: ManualClock
) -> None:
    """The receiver sometimes answers with an error, even after it read the message, and is sometimes unreachable."""
    receiver = make_receiver(statuses=[200, 503, 200, 500, 200, 200, 429, 502] * 10 + [200])
    gone = make_receiver()
    gone.stop()  # nothing listens there now
    change(stores, 30)
    changes = ChangeStore(stores.database)
    expected = [one.id for one in changes.since(limit=100).changes]
    assert len(expected) == 30
    for turn in range(200):
        if turn % 2:  # the receiver is unreachable
            away = deliver(stores, gone.url)
            assert away["delivered"] == 0
        else:
            deliver(stores, receiver.url)
        clock.advance(700)
        if not changes_backlog(stores.database)["pending"]:
            break
    taken = [json.loads(one.body)["data"]["id"] for one in receiver.requests if one.status == 200]
    assert taken == expected
    by_id: dict[str, set[bytes]] = {}
    for one in receiver.requests:
        by_id.setdefault(one.headers["webhook-id"], set()).add(one.body)
    assert len(receiver.requests) > 30  # refused messages were sent again
    assert list(by_id) == [f"change_{one}" for one in expected]
    assert all(len(bodies) == 1 for bodies in by_id.values())


def test_a_crash_after_the_delivery_causes_a_duplicate_with_the_same_id(
    stores: Stores, make_receiver: MakeReceiver, clock: ManualClock
) -> None:
    receiver = make_receiver()
    change(stores, 1)
    assert Outbox(stores.database).claim(Channel.CHANGE, 1, LEASE_SECONDS)
    (expected,) = ChangeStore(stores.database).since().changes
    with closing(WebhookSender(stores.settings, clock)) as sender:
        sender.send(receiver.url, change_event(expected))  # the process crashes here
    assert deliver(stores, receiver.url) == {"delivered": 0, "failed": 0, "given_up": 0}
    clock.advance(LEASE_SECONDS)
    assert deliver(stores, receiver.url) == {"delivered": 1, "failed": 0, "given_up": 0}
    assert len(receiver.requests) == 2
    assert len(set(receiver.ids())) == len({one.body for one in receiver.requests}) == 1


def test_the_message_is_signed_and_states_the_change(settings: Settings, make_receiver: MakeReceiver) -> None:
    """The real clock is used because the library refuses messages that are older than five minutes."""
    receiver = make_receiver()
    with open_stores(settings, SystemClock()) as stores:
        follow_changes(settings, stores.database)
        change(stores, 1)
        assert deliver(stores, receiver.url)["delivered"] == 1
        (one,) = ChangeStore(stores.database).since().changes
    event = Webhook(SECRET).verify(receiver.requests[0].body, receiver.requests[0].headers)
    assert event == {
        "text": f"ListPrice of {one.property_id}: 500000 → 480000",
        "type": "change.detected",
        "timestamp": one.published_at.isoformat(),
        "data": one.as_json(),
    }


def test_a_change_that_is_purged_before_its_delivery_is_not_sent(
    stores: Stores, make_receiver: MakeReceiver, clock: ManualClock
) -> None:
    receiver = make_receiver(statuses=[503, 200])
    change(stores, 2)
    assert deliver(stores, receiver.url) == {"delivered": 0, "failed": 1, "given_up": 0}
    PurgeStore(stores.database).purge(PurgeKind.URL, "https://homes.example/1", who="me", dry_run=False)
    clock.advance(3600)
    assert deliver(stores, receiver.url) == {"delivered": 1, "failed": 0, "given_up": 0}
    expected = json.loads(receiver.requests[-1].body)["data"]["new_evidence"]["source_url"]
    assert expected == "https://homes.example/2"


def test_a_receiver_that_answers_410_is_retried_hourly_and_loses_nothing(
    stores: Stores, make_receiver: MakeReceiver, clock: ManualClock
) -> None:
    receiver = make_receiver(statuses=[410, 200])
    change(stores, 1)
    assert deliver(stores, receiver.url) == {"delivered": 0, "failed": 1, "given_up": 0}
    clock.advance(3590)
    assert deliver(stores, receiver.url) == {"delivered": 0, "failed": 0, "given_up": 0}
    clock.advance(10)
    assert deliver(stores, receiver.url) == {"delivered": 1, "failed": 0, "given_up": 0}


def test_a_receiver_inside_the_network_is_never_contacted_and_its_path_is_not_shown(
    stores: Stores, make_receiver: MakeReceiver
) -> None:
    receiver = make_receiver(host="127.0.0.2")
    change(stores, 1)
    assert deliver(stores, receiver.url) == {"delivered": 0, "failed": 1, "given_up": 0}
    assert receiver.connections == 0
    error = str(changes_backlog(stores.database)["error"])
    assert "FETCH_ALLOWED_PRIVATE_NETWORKS" in error
    assert "hunter2" not in error


def test_an_invalid_webhook_url_is_refused_and_not_shown(settings: Settings) -> None:
    wrong = settings.replaced(changes_webhook_url=SecretStr("http://user:hunter2@hooks.example/in"))
    with pytest.raises(ConfigurationError) as caught:
        receiver_of(Channel.CHANGE, wrong)
    assert caught.value.facts["variable"] == "CHANGES_WEBHOOK_URL"
    assert "hunter2" not in str(caught.value)


def test_a_new_receiver_gets_no_old_changes_and_a_new_url_continues_the_queue(
    stores: Stores, settings: Settings, make_receiver: MakeReceiver, clock: ManualClock
) -> None:
    old, new = make_receiver(), make_receiver()
    change(stores, 1)
    assert deliver(stores, old.url)["delivered"] == 1
    change(stores, 1, start=2)
    follow_changes(settings, stores.database)  # every worker start does this
    assert changes_backlog(stores.database)["pending"] == 1
    assert deliver(stores, new.url)["delivered"] == 1
    assert (len(old.requests), len(new.requests)) == (1, 1)
    with open_stores(settings.replaced(propintel_home=settings.state.propintel_home / "late"), clock) as late:
        change(late, 1)
        follow_changes(settings, late.database)
        assert changes_backlog(late.database) == {"pending": 0, "oldest_at": None, "error": None}
        assert deliver(late, new.url)["delivered"] == 0
