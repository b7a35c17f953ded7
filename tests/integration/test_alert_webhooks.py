"""The alert webhook sends signed messages that Slack can show, retries them, and contacts no private receiver."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook

from app.clock import ManualClock
from app.errors import ConfigurationError
from app.property.storage.database import Database
from app.property.storage.keys.alerts import Alarm, AlertStore, Severity
from app.property.storage.outbox import Channel, Outbox
from app.services.delivery.deliver import deliver_due, receiver_of
from app.services.runtime.stores import Stores, open_stores
from app.settings import Settings
from tests.plugins.webhook_receiver import Receiver

MakeReceiver = Callable[..., Receiver]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def make_settings(tmp_path: Path) -> Callable[..., Settings]:
    def make(**changes: Any) -> Settings:
        given = {"propintel_home": tmp_path / "home", "fetch_allowed_private_networks": "127.0.0.1/32"}
        return Settings.of(**{**given, **changes})

    return make


@pytest.fixture
def stores(make_settings: Callable[..., Settings], clock: ManualClock) -> Iterator[Stores]:
    with open_stores(make_settings(), clock) as opened:
        yield opened


@pytest.fixture
def alerts(stores: Stores) -> AlertStore:
    return AlertStore(stores.database)


@pytest.fixture
def deliver_all(make_settings: Callable[..., Settings], stores: Stores) -> Callable[..., dict[str, int]]:
    """Return `deliver_all(url)`, which runs the delivery task once."""

    def run(url: str) -> dict[str, int]:
        return deliver_due(Channel.ALERT, make_settings(alert_webhook_url=url), stores.database)

    return run


def backlog(database: Database) -> dict[str, Any]:
    return Outbox(database).backlog(Channel.ALERT).as_json()


def fire(alerts: AlertStore, *subjects: str) -> None:
    alarms = [Alarm("key_dead", s, Severity.WARNING, f"Key {s} is dead.", {"key": s}) for s in subjects]
    alerts.record(alarms, notify=True)


def test_the_body_is_both_a_slack_message_and_a_standard_webhook(
    alerts: AlertStore, make_receiver: MakeReceiver, deliver_all: Callable[..., dict[str, int]]
) -> None:
    receiver = make_receiver()
    fire(alerts, "sk-a")
    assert deliver_all(receiver.url) == {"delivered": 1, "failed": 0, "given_up": 0}
    (request,) = receiver.requests
    (alert,) = alerts.firing()
    assert json.loads(request.body) == {
        "text": "Alert key_dead: Key sk-a is dead.",
        "type": "alert.fired",
        "timestamp": alert.fired_at.isoformat(),
        "data": {"alerts": [alert.as_json()]},
    }
    fire(alerts)
    deliver_all(receiver.url)
    told = json.loads(receiver.requests[1].body)
    assert (told["type"], told["text"]) == ("alert.resolved", "Resolved key_dead: Key sk-a is dead.")
    assert len(set(receiver.ids())) == 2


def test_a_receiver_can_verify_the_signature_with_a_standard_webhooks_library(
    alerts: AlertStore, make_receiver: MakeReceiver, make_settings: Callable[..., Settings]
) -> None:
    """The real clock is used because the library refuses messages that are older than five minutes."""
    receiver = make_receiver()
    settings = make_settings(alert_webhook_url=receiver.url, webhook_secret=SECRET)
    with open_stores(settings) as opened:
        store = AlertStore(opened.database)
        fire(store, "sk-a")
        assert deliver_due(Channel.ALERT, settings, opened.database)["delivered"] == 1
    event = Webhook(SECRET).verify(receiver.requests[0].body, receiver.requests[0].headers)
    assert event["data"]["alerts"][0]["kind"] == "key_dead"


def test_alerts_that_fire_together_are_sent_in_one_message(
    alerts: AlertStore, make_receiver: MakeReceiver, deliver_all: Callable[..., dict[str, int]]
) -> None:
    receiver = make_receiver()
    fire(alerts, *(f"sk-{n:03d}" for n in range(300)))
    assert deliver_all(receiver.url)["delivered"] == 1
    told = json.loads(receiver.requests[0].body)
    assert len(told["data"]["alerts"]) == 300
    lines = told["text"].splitlines()
    assert lines[0] == "300 alerts:"
    assert lines[-1] == "... and 280 more"
    assert len(lines) == 22


def test_a_receiver_that_was_down_gets_the_message_later_with_the_same_id(
    alerts: AlertStore,
    stores: Stores,
    make_receiver: MakeReceiver,
    deliver_all: Callable[..., dict[str, int]],
    clock: ManualClock,
) -> None:
    receiver = make_receiver(statuses=[503, 503, 200])
    fire(alerts, "sk-a")
    assert deliver_all(receiver.url) == {"delivered": 0, "failed": 1, "given_up": 0}
    assert deliver_all(receiver.url) == {"delivered": 0, "failed": 0, "given_up": 0}, "sent too early"
    assert receiver.origin in str(backlog(stores.database)["error"])
    assert "hunter2" not in str(backlog(stores.database)["error"])
    clock.advance(10)
    assert deliver_all(receiver.url)["failed"] == 1
    clock.advance(20)
    assert deliver_all(receiver.url)["delivered"] == 1
    clock.advance(86_400)
    assert deliver_all(receiver.url)["delivered"] == 0
    assert len(receiver.requests) == 3
    assert len(set(receiver.ids())) == len({request.body for request in receiver.requests}) == 1
    assert backlog(stores.database) == {"pending": 0, "given_up": 0, "error": None}


def test_after_a_failure_the_other_messages_wait_for_the_next_run(
    alerts: AlertStore, make_receiver: MakeReceiver, deliver_all: Callable[..., dict[str, int]], clock: ManualClock
) -> None:
    """All messages have the same receiver, so one run waits for a hanging receiver only once."""
    receiver = make_receiver(statuses=[500, 200])
    fire(alerts, "sk-a")
    clock.advance(1)
    fire(alerts, "sk-b", "sk-a")
    assert deliver_all(receiver.url) == {"delivered": 0, "failed": 1, "given_up": 0}
    assert deliver_all(receiver.url) == {"delivered": 1, "failed": 0, "given_up": 0}
    clock.advance(10)
    assert deliver_all(receiver.url) == {"delivered": 1, "failed": 0, "given_up": 0}


def test_a_receiver_inside_the_network_is_never_contacted(
    alerts: AlertStore, stores: Stores, make_receiver: MakeReceiver, deliver_all: Callable[..., dict[str, int]]
) -> None:
    receiver = make_receiver(host="127.0.0.2")
    fire(alerts, "sk-a")
    assert deliver_all(receiver.url) == {"delivered": 0, "failed": 0, "given_up": 1}
    assert receiver.connections == 0
    assert "FETCH_ALLOWED_PRIVATE_NETWORKS" in str(backlog(stores.database)["error"])


def test_without_a_webhook_no_message_is_sent_or_queued(
    make_settings: Callable[..., Settings], alerts: AlertStore, stores: Stores
) -> None:
    fire(alerts, "sk-a")
    assert deliver_due(Channel.ALERT, make_settings(), stores.database) == {"delivered": 0, "failed": 0, "given_up": 0}


@pytest.mark.parametrize(
    "url",
    [
        "http://user:hunter2@hooks.example/in",
        "http://hooks.example:22/hunter2",
        "http://0x7f.1/hunter2",
        "https://hooks.example:99999/hunter2",
    ],
)
def test_an_invalid_webhook_url_is_refused_at_startup_and_not_shown(
    make_settings: Callable[..., Settings], url: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        receiver_of(Channel.ALERT, make_settings(alert_webhook_url=SecretStr(url)))
    assert caught.value.facts["variable"] == "ALERT_WEBHOOK_URL"
    assert "hunter2" not in str(caught.value)
