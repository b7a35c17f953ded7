"""Tests of the audit log of key actions."""

from typing import Any

import pytest

from app.clock import ManualClock
from app.errors.requests import InvalidCursorError
from app.property.storage import audit
from app.property.storage.audit import key_actions
from app.property.storage.database import Database
from app.property.storage.paging import every

ENTRY = {
    "who": "alice (manager)", "action": "disable", "key_id": "0123456789abcdef", "mask": "sk-a", "reason": "leaked",
    "outcome": "done", "state": "disabled",
}  # fmt: skip


def record(database: Database, **changes: Any) -> None:
    entry = {**ENTRY, **changes}
    with database.writing() as connection:
        audit.record(connection, database.clock.now(), area="key", **entry)


def test_an_action_is_read_unchanged(database: Database) -> None:
    record(database)
    with database.writing() as connection:
        audit.record(connection, database.clock.now(), "alice", "purge", "url", removed={"records": 1})
    (written,) = key_actions(database).items
    shown, at = written.as_json(), "2026-01-01T00:00:00+00:00"
    assert len(shown.pop("id")) == 32
    assert shown | {"key_id": shown["key"]} == {**ENTRY, "at": at, "key": ENTRY["key_id"]}


def test_actions_are_paged_newest_first_while_others_are_added(database: Database, clock: ManualClock) -> None:
    for n in range(7):
        record(database, reason=str(n))
        clock.advance(n % 2)
    first = key_actions(database, limit=3)
    clock.advance(1)
    record(database, reason="new")
    found = [*first.items, *every(lambda cursor: key_actions(database, cursor or first.next_cursor, limit=3))]
    assert sorted(action.reason or "" for action in found) == [str(n) for n in range(7)]
    assert [action.at for action in found] == sorted((action.at for action in found), reverse=True)
    assert key_actions(database).items[0].reason == "new"


def test_actions_can_be_filtered_by_key(database: Database) -> None:
    record(database)
    record(database, key_id="fedcba9876543210")
    assert [action.key_id for action in key_actions(database, key_id="fedcba9876543210").items] == ["fedcba9876543210"]
    assert key_actions(database, key_id="0000000000000000").items == []
    with pytest.raises(InvalidCursorError, match="actions"):
        key_actions(database, "eyJhIjoxfQ")


def test_characters_that_no_database_accepts_are_removed(database: Database) -> None:
    record(database, who="a\x00b \ud800", reason="\udfff\x00")
    (action,) = key_actions(database).items
    assert (action.who, action.reason) == ("ab ?", "?")
