"""Tests of the outbox."""

from datetime import timedelta

from app.property.storage.expiry import delete_expired
from app.property.storage.outbox import Channel, Message, put
from app.settings import Settings
from tests.contract.conftest import at_once
from tests.plugins.stores import Stores

LEASE_S = 60.0


def send(db: Stores, event_id: str, channel: Channel = Channel.ALERT) -> None:
    with db.writing() as connection:
        payload = {"alerts": [{"kind": event_id}]}
        put(connection, db.clock.now(), channel, event_id, type="alert.fired", payload=payload)


def claim(db: Stores, channel: Channel = Channel.ALERT) -> Message:
    (message,) = db.outbox.claim(channel, 1, LEASE_S)
    return message


def test_a_claimed_message_is_exclusive_until_its_lease_ends(db: Stores) -> None:
    send(db, "a")
    assert db.outbox.is_due(Channel.ALERT)
    first = claim(db)
    assert (first.event_id, first.type, first.attempts, first.created_at) == ("a", "alert.fired", 1, db.clock.now())
    db.clock.advance(LEASE_S - 1)
    assert not db.outbox.is_due(Channel.ALERT)
    assert db.outbox.claim(Channel.ALERT, 10, LEASE_S) == []
    db.clock.advance(1)
    second = claim(db)
    assert (second.id, second.attempts, second.payload) == (first.id, 2, first.payload)
    assert not db.outbox.failed(first, "too late", None), "the lease has expired"
    assert not db.outbox.delivered(first)
    assert db.outbox.delivered(second)
    assert not db.outbox.delivered(second)
    db.clock.advance(3600)
    assert db.outbox.claim(Channel.ALERT, 10, LEASE_S) == []


def test_a_failed_message_is_due_again_or_given_up(db: Stores) -> None:
    send(db, "a")
    assert db.outbox.failed(claim(db), "no answer \x00", db.clock.now() + timedelta(seconds=10))
    assert db.outbox.backlog(Channel.ALERT).as_json() == {"pending": 1, "given_up": 0, "error": "no answer "}
    db.clock.advance(9.9)
    assert not db.outbox.is_due(Channel.ALERT)
    db.clock.advance(0.1)
    assert db.outbox.failed(claim(db), "gone", None)
    assert db.outbox.backlog(Channel.ALERT).as_json() == {"pending": 0, "given_up": 1, "error": "gone"}
    send(db, "delivered", Channel.BATCH)
    db.outbox.failed(claim(db, Channel.BATCH), "no answer", db.clock.now())
    db.outbox.delivered(claim(db, Channel.BATCH))
    assert db.outbox.backlog(Channel.BATCH).as_json() == {"pending": 0, "given_up": 0, "error": None}


def test_the_oldest_messages_of_the_channel_go_first(db: Stores) -> None:
    for event_id in ("a", "b", "c"):
        send(db, event_id)
        send(db, f"batch {event_id}", Channel.BATCH)
        db.clock.advance(1)
    assert [one.event_id for one in db.outbox.claim(Channel.ALERT, 2, LEASE_S)] == ["a", "b"]
    assert [one.event_id for one in db.outbox.claim(Channel.ALERT, 2, LEASE_S)] == ["c"]


def test_concurrent_claims_share_no_message(db: Stores) -> None:
    events = [f"{number:02}" for number in range(20)]
    for event_id in events:
        send(db, event_id)
    found = at_once(*[lambda: db.outbox.claim(Channel.ALERT, 5, LEASE_S)] * 6)
    while more := db.outbox.claim(Channel.ALERT, 5, LEASE_S):  # the messages that were locked during the first claims
        found.append(more)
    assert sorted(one.event_id for claimed in found for one in claimed) == events


def test_a_permanent_message_continues_after_the_last_delivery(db: Stores) -> None:
    send(db, "changes", Channel.CHANGE)
    expired = claim(db, Channel.CHANGE)
    db.clock.advance(LEASE_S + 1)
    current = claim(db, Channel.CHANGE)
    assert not db.outbox.advance(expired, {"since": "lost"})
    assert db.outbox.advance(current, {"since": "one"})
    assert not db.outbox.failed(current, "late", db.clock.now())
    following = claim(db, Channel.CHANGE)
    assert (following.id, following.attempts, following.payload) == (current.id, 1, {"since": "one"})
    assert not db.outbox.advance(expired, {"since": "lost"}), "the attempt number is equal, but the claim is old"


def test_an_event_is_stored_once_with_its_transaction(db: Stores) -> None:
    send(db, "a")
    send(db, "a")
    with db.writing() as connection:
        put(connection, db.clock.now(), Channel.ALERT, "b", type="alert.fired", payload={})
        connection.rollback()
    assert [one.event_id for one in db.outbox.claim(Channel.ALERT, 10, LEASE_S)] == ["a"]


def test_alert_messages_expire_and_the_position_in_the_feed_stays(db: Stores) -> None:
    send(db, "a")
    send(db, "changes", Channel.CHANGE)
    db.clock.advance(timedelta(days=29).total_seconds())
    delete_expired(db, Settings.of())
    assert db.outbox.find("a") is not None
    db.clock.advance(timedelta(days=2).total_seconds())
    delete_expired(db, Settings.of())
    assert db.outbox.find("a") is None
    assert db.outbox.find("changes") is not None
