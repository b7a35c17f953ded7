"""Due callbacks, alerts, and changes are delivered with retries. A failing or hanging receiver delays no other."""

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from app.clock import ManualClock
from app.errors import ConfigurationError
from app.property.storage.jobs.models import Enqueued
from app.property.storage.keys.alerts import Alarm, AlertStore, Severity
from app.property.storage.outbox import Channel, Outbox
from app.property.storage.privacy.repository import PurgeStore
from app.property.storage.privacy.scope import PurgeKind
from app.property.storage.watches.changes import ChangeStore
from app.services.delivery.deliver import (
    AT_ONCE,
    LEASE_SECONDS,
    MAX_ATTEMPTS,
    change_event,
    changes_backlog,
    deliver_due,
    follow_changes,
    receiver_of,
    wait_after,
)
from app.services.delivery.webhooks import TIMEOUT_SECONDS, WebhookSender
from app.services.runtime.stores import Stores, open_stores
from app.settings import Settings
from benchmarks.saving import save_record
from tests.plugins.page_records import page_record

NOTHING = {"delivered": 0, "failed": 0, "given_up": 0}
DELIVERED, FAILED, GIVEN_UP = ({**NOTHING, outcome: 1} for outcome in NOTHING)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.of(
        propintel_home=tmp_path / "home",
        fetch_allowed_private_networks="127.0.0.1/32",
        changes_confirming_looks=0,
        changes_webhook_url=SecretStr("http://127.0.0.1:9999/"),
    )


@pytest.fixture
def stores(settings: Settings, clock: ManualClock) -> Iterator[Stores]:
    with open_stores(settings, clock) as opened:
        follow_changes(settings, opened.database)
        yield opened


def deliver(stores: Stores, channel: Channel = Channel.BATCH, url: str = "") -> dict[str, int]:
    settings = stores.settings
    if url:
        settings = settings.replaced(alert_webhook_url=SecretStr(url), changes_webhook_url=SecretStr(url))
    return deliver_due(channel, settings, stores.database)


# --- callbacks of batches


def complete_one(stores: Stores, url: str, target: str = "https://a.example/1") -> Enqueued:
    enqueued = stores.jobs.enqueue([target], callback_url=url)
    stores.batches.cancel(enqueued.batch)
    assert [batch.id for batch in stores.batches.complete()] == [enqueued.batch]
    return enqueued


def callback_of(stores: Stores, enqueued: Enqueued) -> dict[str, Any]:
    return dict(stores.batches.get(enqueued.batch).as_json()["callback"])


def test_a_failing_receiver_is_retried_for_a_day_at_growing_intervals(
    stores: Stores, clock: ManualClock, make_receiver: Any
) -> None:
    receiver = make_receiver(statuses=[500])
    enqueued = complete_one(stores, receiver.url)
    first, times = clock.now(), []
    while callback_of(stores, enqueued)["state"] == "pending":
        counts = deliver(stores)
        if counts["failed"] or counts["given_up"]:
            times.append((clock.now() - first).total_seconds())
        clock.advance(10 if len(times) < 4 else 80 if len(times) < 11 else 600)
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert waits[:10] == [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600]
    assert set(waits[10:]) == {3600}
    assert 23 * 3600 < times[-1] < 24 * 3600
    callback = callback_of(stores, enqueued)
    assert (callback["state"], callback["attempts"]) == ("given_up", MAX_ATTEMPTS)
    assert wait_after(MAX_ATTEMPTS) is None
    assert f"{receiver.origin} answered HTTP 500" in callback["error"]
    assert len(set(receiver.ids())) == len({request.body for request in receiver.requests}) == 1
    assert LEASE_SECONDS > TIMEOUT_SECONDS, "a lease could expire during a request"


def test_a_batch_that_completes_again_sends_another_event(
    stores: Stores, clock: ManualClock, make_receiver: Any
) -> None:
    receiver = make_receiver()
    enqueued = complete_one(stores, receiver.url)
    assert [deliver(stores), deliver(stores)] == [DELIVERED, NOTHING]
    shown = stores.batches.get(enqueued.batch).as_json()
    del shown["callback"]
    told = json.loads(receiver.requests[0].body)
    assert told == {"type": "batch.completed", "timestamp": shown["completed_at"], "data": shown}
    stores.jobs.retry(enqueued.new)
    assert deliver(stores) == NOTHING
    clock.advance(60)
    stores.batches.cancel(enqueued.batch)
    stores.batches.complete()
    assert deliver(stores) == DELIVERED
    first, second = receiver.ids()
    assert first != second


def test_concurrent_deliveries_send_each_event_once(stores: Stores, make_receiver: Any) -> None:
    receiver = make_receiver()
    made = [complete_one(stores, receiver.url, f"https://a.example/{n}") for n in range(AT_ONCE * 2)]
    threads = [threading.Thread(target=deliver, args=(stores,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(receiver.ids()) == len(set(receiver.ids())) == len(made)
    assert all(callback_of(stores, one)["state"] == "delivered" for one in made)


def test_a_receiver_that_hangs_delays_no_other(stores: Stores, clock: ManualClock, make_receiver: Any) -> None:
    """Up to `AT_ONCE` due events are sent at the same time."""
    heard = threading.Event()
    hanging, receiver = make_receiver(held=heard), make_receiver(on_request=heard.set)
    for n in range(AT_ONCE - 1):
        complete_one(stores, hanging.url, f"https://hangs.example/{n}")
        clock.advance(1)
    complete_one(stores, receiver.url)
    assert deliver(stores) == {**NOTHING, "delivered": AT_ONCE}


# --- alerts


def fire(stores: Stores, *subjects: str) -> AlertStore:
    alerts = AlertStore(stores.database)
    alarms = [Alarm("key_dead", s, Severity.WARNING, f"Key {s} is dead.", {"key": s}) for s in subjects]
    alerts.record(alarms, notify=True)
    return alerts


def test_the_body_of_an_alert_is_both_a_slack_message_and_a_standard_webhook(
    stores: Stores, make_receiver: Any
) -> None:
    receiver = make_receiver()
    (alert,) = fire(stores, "sk-a").firing()
    assert deliver(stores, Channel.ALERT) == NOTHING, "no receiver is configured"
    assert deliver(stores, Channel.ALERT, receiver.url) == DELIVERED
    (request,) = receiver.requests
    assert json.loads(request.body) == {
        "text": "Alert key_dead: Key sk-a is dead.",
        "type": "alert.fired",
        "timestamp": alert.fired_at.isoformat(),
        "data": {"alerts": [alert.as_json()]},
    }
    fire(stores)
    deliver(stores, Channel.ALERT, receiver.url)
    told = json.loads(receiver.requests[1].body)
    assert (told["type"], told["text"]) == ("alert.resolved", "Resolved key_dead: Key sk-a is dead.")
    assert len(set(receiver.ids())) == 2


def test_alerts_that_fire_together_are_sent_in_one_message(stores: Stores, make_receiver: Any) -> None:
    receiver = make_receiver()
    fire(stores, *(f"sk-{n:03d}" for n in range(300)))
    assert deliver(stores, Channel.ALERT, receiver.url) == DELIVERED
    told = json.loads(receiver.requests[0].body)
    assert len(told["data"]["alerts"]) == 300
    lines = told["text"].splitlines()
    assert (lines[0], lines[-1], len(lines)) == ("300 alerts:", "... and 280 more", 22)


def test_after_a_failure_the_other_alerts_wait_for_the_next_run(
    stores: Stores, make_receiver: Any, clock: ManualClock
) -> None:
    """All messages have the same receiver, so one run waits for a hanging receiver only once."""
    receiver = make_receiver(statuses=[500, 200])
    fire(stores, "sk-a")
    clock.advance(1)
    fire(stores, "sk-b", "sk-a")
    assert [deliver(stores, Channel.ALERT, receiver.url) for _ in range(2)] == [FAILED, DELIVERED]
    error = str(Outbox(stores.database).backlog(Channel.ALERT).as_json()["error"])
    assert receiver.origin in error
    assert "hunter2" not in error
    clock.advance(10)
    assert deliver(stores, Channel.ALERT, receiver.url) == DELIVERED
    assert Outbox(stores.database).backlog(Channel.ALERT).as_json() == {"pending": 0, "given_up": 0, "error": None}


@pytest.mark.parametrize(("channel", "variable"), [(Channel.ALERT, "ALERT"), (Channel.CHANGE, "CHANGES")])
@pytest.mark.parametrize(
    "url", ["http://user:hunter2@h.example/in", "http://h.example:22/hunter2", "https://h.example:99999/hunter2"]
)
def test_an_invalid_webhook_url_is_refused_at_startup_and_not_shown(
    settings: Settings, channel: Channel, variable: str, url: str
) -> None:
    wrong = settings.replaced(alert_webhook_url=SecretStr(url), changes_webhook_url=SecretStr(url))
    with pytest.raises(ConfigurationError) as caught:
        receiver_of(channel, wrong)
    assert caught.value.facts["variable"] == f"{variable}_WEBHOOK_URL"
    assert "hunter2" not in str(caught.value)


# --- changes


def change(stores: Stores, homes: int, *, start: int = 1) -> None:
    for number, price in itertools.product(range(start, start + homes), (500_000, 480_000)):
        at: datetime = stores.database.clock.now() + timedelta(minutes=price < 500_000)
        url, sha = f"https://homes.example/{number}", f"{number * 1_000_000 + price:064d}"
        values = {"StreetNumber": str(number), "StreetName": "Elm Street", "City": "Springfield", "ListPrice": price}
        save_record(stores.properties, page_record(url, values, at, sha), edition="e")


def test_a_receiver_that_is_down_half_the_time_gets_every_change_in_order(
    stores: Stores, make_receiver: Any, clock: ManualClock
) -> None:
    """The receiver sometimes answers with an error, even after it read the message, and is sometimes unreachable."""
    receiver = make_receiver(statuses=[200, 503, 200, 500, 200, 200, 429, 502] * 10 + [200])
    gone = make_receiver()
    gone.stop()
    change(stores, 30)
    expected = [one.id for one in ChangeStore(stores.database).since(limit=100).changes]
    assert len(expected) == 30
    for url in itertools.islice(itertools.cycle((receiver.url, gone.url)), 200):
        counts = deliver(stores, Channel.CHANGE, url)
        assert url == receiver.url or counts["delivered"] == 0
        clock.advance(700)
        if not changes_backlog(stores.database)["pending"]:
            break
    taken = [json.loads(one.body)["data"]["id"] for one in receiver.requests if one.status == 200]
    assert taken == expected
    by_id: dict[str, set[bytes]] = {}
    for one in receiver.requests:
        by_id.setdefault(one.headers["webhook-id"], set()).add(one.body)
    assert len(receiver.requests) > 30  # messages that the receiver had refused were sent again
    assert list(by_id) == [f"change_{one}" for one in expected]
    assert all(len(bodies) == 1 for bodies in by_id.values())


def test_a_crash_after_the_delivery_causes_a_duplicate_with_the_same_id(
    stores: Stores, make_receiver: Any, clock: ManualClock
) -> None:
    receiver = make_receiver()
    change(stores, 1)
    assert Outbox(stores.database).claim(Channel.CHANGE, 1, LEASE_SECONDS)
    (expected,) = ChangeStore(stores.database).since().changes
    with closing(WebhookSender(stores.settings, clock)) as sender:
        sender.send(receiver.url, change_event(expected))  # the process crashes here
    assert deliver(stores, Channel.CHANGE, receiver.url) == NOTHING
    clock.advance(LEASE_SECONDS)
    assert deliver(stores, Channel.CHANGE, receiver.url) == DELIVERED
    assert len(receiver.requests) == 2
    assert len(set(receiver.ids())) == len({one.body for one in receiver.requests}) == 1
    assert json.loads(receiver.requests[1].body) == {
        "text": f"ListPrice of {expected.property_id}: 500000 → 480000",
        "type": "change.detected",
        "timestamp": expected.published_at.isoformat(),
        "data": expected.as_json(),
    }


def test_a_change_that_is_purged_before_its_delivery_is_not_sent(
    stores: Stores, make_receiver: Any, clock: ManualClock
) -> None:
    receiver = make_receiver(statuses=[503, 200])
    change(stores, 2)
    assert deliver(stores, Channel.CHANGE, receiver.url) == FAILED
    PurgeStore(stores.database).purge(PurgeKind.URL, "https://homes.example/1", who="me", dry_run=False)
    clock.advance(3600)
    assert deliver(stores, Channel.CHANGE, receiver.url) == DELIVERED
    expected = json.loads(receiver.requests[-1].body)["data"]["new_evidence"]["source_url"]
    assert expected == "https://homes.example/2"


def test_a_receiver_of_changes_that_answers_410_is_retried_hourly_and_loses_nothing(
    stores: Stores, make_receiver: Any, clock: ManualClock
) -> None:
    receiver = make_receiver(statuses=[410, 200])
    change(stores, 1)
    assert deliver(stores, Channel.CHANGE, receiver.url) == FAILED
    clock.advance(3590)
    assert deliver(stores, Channel.CHANGE, receiver.url) == NOTHING
    clock.advance(10)
    assert deliver(stores, Channel.CHANGE, receiver.url) == DELIVERED


def test_a_new_receiver_gets_no_old_changes_and_a_new_url_continues_the_queue(
    stores: Stores, settings: Settings, make_receiver: Any, clock: ManualClock
) -> None:
    old, new = make_receiver(), make_receiver()
    change(stores, 1)
    assert deliver(stores, Channel.CHANGE, old.url) == DELIVERED
    change(stores, 1, start=2)
    follow_changes(settings, stores.database)  # as every worker does when it starts
    assert changes_backlog(stores.database)["pending"] == 1
    assert deliver(stores, Channel.CHANGE, new.url) == DELIVERED
    assert (len(old.requests), len(new.requests)) == (1, 1)
    with open_stores(settings.replaced(propintel_home=settings.state.propintel_home / "late"), clock) as late:
        change(late, 1)
        follow_changes(settings, late.database)
        assert changes_backlog(late.database) == {"pending": 0, "oldest_at": None, "error": None}
        assert deliver(late, Channel.CHANGE, new.url) == NOTHING
