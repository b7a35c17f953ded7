"""The audit of the keys, on both databases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.clock import ManualClock
from app.errors.requests import InvalidCursorError
from app.property.storage.database import Database
from app.property.storage.keys.actions import KeyActionStore, KeyDeed
from app.property.storage.paging import every

DAY_S = 86_400
DEED = KeyDeed("alice (manager)", "disable", "0123456789abcdef", "sk-a", "leaked", "done", "disabled")


@pytest.fixture
def store(database: Database) -> KeyActionStore:
    return KeyActionStore(database)


def test_a_deed_is_read_as_it_was_written(store: KeyActionStore, clock: ManualClock) -> None:
    written = store.add(DEED)
    assert (written.at, written.deed) == (clock.now(), DEED)
    assert store.page().items == [written]
    assert written.as_json() == {
        "id": written.id,
        "at": "2026-01-01T00:00:00+00:00",
        "who": "alice (manager)",
        "action": "disable",
        "key": "0123456789abcdef",
        "mask": "sk-a",
        "reason": "leaked",
        "outcome": "done",
        "state": "disabled",
    }


def test_deeds_come_in_pages_the_newest_first_while_others_are_added(store: KeyActionStore, clock: ManualClock) -> None:
    """Several of one moment too."""
    old = []
    for n in range(7):
        old.append(store.add(replace(DEED, reason=str(n))).id)
        clock.advance(n % 2)
    first = store.page(limit=3)
    clock.advance(1)
    store.add(replace(DEED, reason="new"))
    met = [*first.items, *every(lambda cursor: store.page(cursor or first.next_cursor, limit=3))]
    assert sorted(action.id for action in met) == sorted(old)
    assert [action.at for action in met] == sorted((action.at for action in met), reverse=True)
    assert store.page().items[0].deed.reason == "new"


def test_the_deeds_of_one_key_can_be_asked_for(store: KeyActionStore) -> None:
    store.add(DEED)
    other = store.add(replace(DEED, key_id="fedcba9876543210"))
    assert store.page(key_id="fedcba9876543210").items == [other]
    assert store.page(key_id="0000000000000000").items == []


def test_a_cursor_of_another_list_is_refused(store: KeyActionStore) -> None:
    with pytest.raises(InvalidCursorError, match="actions"):
        store.page("eyJhIjoxfQ")


def test_what_no_database_holds_is_left_out(store: KeyActionStore) -> None:
    deed = store.add(replace(DEED, who="a\x00b \ud800", reason="\udfff\x00")).deed
    assert (deed.who, deed.reason) == ("ab ?", "?")


def test_deeds_are_kept_for_four_hundred_days(store: KeyActionStore, clock: ManualClock) -> None:
    store.add(DEED)
    clock.advance(400 * DAY_S)
    store.prune()
    assert len(store.page().items) == 1
    clock.advance(1)
    store.prune()
    assert store.page().items == []
