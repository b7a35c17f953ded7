"""Tests of the outbox."""

from datetime import timedelta

import pytest

from app.clock import ManualClock
from app.property.storage.database import Database
from app.property.storage.expiry import delete_expired
from app.property.storage.outbox import Channel, Message, Outbox, put
from app.settings import Settings
from tests.contract.conftest import at_once

LEASE_S = 60.0


@pytest.fixture
def outbox(database: Database) -> Outbox:
    return Outbox(database)


def send(database: Database, event_id: str, channel: Channel = Channel.ALERT) -> None:
    with database.writing() as connection:
        payload = {"alerts": [{"kind": event_id}]}
        put(connection, database.clock.now(), channel, event_id, type="alert.fired", payload=payload)


def claim(outbox: Outbox, channel: Channel = Channel.ALERT) -> Message:
    (message,) = outbox.claim(channel, 1, LEASE_S)
    return message


def test_a_claimed_message_is_exclusive_until_its_lease_ends(
    database: Database, outbox: Outbox, clock: ManualClock
) -> None:
    send(database, "a")
    assert outbox.is_due(Channel.ALERT)
    first = claim(outbox)
    assert (first.event_id, first.type, first.attempts, first.created_at) == ("a", "alert.fired", 1, clock.now())
    clock.advance(LEASE_S - 1)
    assert not outbox.is_due(Channel.ALERT)
    assert outbox.claim(Channel.ALERT, 10, LEASE_S) == []
    clock.advance(1)
    second = claim(outbox)
    assert (second.id, second.attempts, second.payload) == (first.id, 2, first.payload)
    assert not outbox.failed(first, "too late", None), "the lease has expired"
    assert not outbox.delivered(first)
    assert outbox.delivered(second)
    assert not outbox.delivered(second)
    clock.advance(3600)
    assert outbox.claim(Channel.ALERT, 10, LEASE_S) == []


def test_a_failed_message_is_due_again_or_given_up(database: Database, outbox: Outbox, clock: ManualClock) -> None:
    send(database, "a")
    assert outbox.failed(claim(outbox), "no answer \x00", clock.now() + timedelta(seconds=10))
    assert outbox.backlog(Channel.ALERT).as_json() == {"pending": 1, "given_up": 0, "error": "no answer "}
    clock.advance(9.9)
    assert not outbox.is_due(Channel.ALERT)
    clock.advance(0.1)
    assert outbox.failed(claim(outbox), "gone", None)
    assert outbox.backlog(Channel.ALERT).as_json() == {"pending": 0, "given_up": 1, "error": "gone"}
    send(database, "delivered", Channel.BATCH)
    outbox.failed(claim(outbox, Channel.BATCH), "no answer", clock.now())
    outbox.delivered(claim(outbox, Channel.BATCH))
    assert outbox.backlog(Channel.BATCH).as_json() == {"pending": 0, "given_up": 0, "error": None}


def test_the_oldest_messages_of_the_channel_go_first(database: Database, outbox: Outbox, clock: ManualClock) -> None:
    for event_id in ("a", "b", "c"):
        send(database, event_id)
        send(database, f"batch {event_id}", Channel.BATCH)
        clock.advance(1)
    assert [one.event_id for one in outbox.claim(Channel.ALERT, 2, LEASE_S)] == ["a", "b"]
    assert [one.event_id for one in outbox.claim(Channel.ALERT, 2, LEASE_S)] == ["c"]


def test_concurrent_claims_share_no_message(database: Database, outbox: Outbox) -> None:
    events = [f"{number:02}" for number in range(20)]
    for event_id in events:
        send(database, event_id)
    found = at_once(*[lambda: outbox.claim(Channel.ALERT, 5, LEASE_S)] * 6)
    while more := outbox.claim(Channel.ALERT, 5, LEASE_S):  # messages that were locked during the first claims
        found.append(more)
    assert sorted(one.event_id for claimed in found for one in claimed) == events


def test_a_permanent_message_continues_after_the_last_delivery(
    database: Database, outbox: Outbox, clock: ManualClock
) -> None:
    send(database, "changes", Channel.CHANGE)
    expired = claim(outbox, Channel.CHANGE)
    clock.advance(LEASE_S + 1)
    current = claim(outbox, Channel.CHANGE)
    assert not outbox.advance(expired, {"since": "lost"})
    assert outbox.advance(current, {"since": "one"})
    assert not outbox.failed(current, "late", clock.now())
    following = claim(outbox, Channel.CHANGE)
    assert (following.id, following.attempts, following.payload) == (current.id, 1, {"since": "one"})
    assert not outbox.advance(expired, {"since": "lost"}), "an old claim must fail even if the attempt number is equal"


def test_an_event_is_stored_once_with_its_transaction(database: Database, outbox: Outbox) -> None:
    send(database, "a")
    send(database, "a")
    with database.writing() as connection:
        put(connection, database.clock.now(), Channel.ALERT, "b", type="alert.fired", payload={})
        connection.rollback()
    assert [one.event_id for one in outbox.claim(Channel.ALERT, 10, LEASE_S)] == ["a"]


def test_alert_messages_expire_and_the_position_in_the_feed_stays(
    database: Database, outbox: Outbox, clock: ManualClock
) -> None:
    send(database, "a")
    send(database, "changes", Channel.CHANGE)
    clock.advance(timedelta(days=29).total_seconds())
    delete_expired(database, Settings.of())
    assert outbox.find("a") is not None
    clock.advance(timedelta(days=2).total_seconds())
    delete_expired(database, Settings.of())
    assert outbox.find("a") is None
    assert outbox.find("changes") is not None
