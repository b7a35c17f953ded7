"""The journal of purges: what was added stays, whatever happens to a writer; what is damaged is said, not skipped."""

from __future__ import annotations

import json
import multiprocessing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.errors import ConfigurationError
from app.property.storage.purge_account import PurgeEntry
from app.property.storage.purge_journal import PurgeJournal


def entry(number: int) -> PurgeEntry:
    at = datetime(2026, 1, 1, 12, 0, 0, number, tzinfo=UTC)
    return PurgeEntry(f"{number:032}", at, "alice", "url", {"bodies": 1}, {"target": ["f" * 64]}, "0" * 16)


@pytest.fixture
def journal(tmp_path: Path) -> PurgeJournal:
    return PurgeJournal(tmp_path / "purges")


def test_what_was_added_is_read_and_added_once(journal: PurgeJournal) -> None:
    assert journal.read() == []
    assert journal.add([entry(1), entry(2)]) == 2
    assert journal.add([entry(2), entry(3)]) == 1
    assert journal.read() == [entry(1), entry(2), entry(3)]
    assert journal.path.stat().st_mode & 0o777 == 0o600


def test_a_line_that_was_not_finished_was_never_added_and_is_no_obstacle(journal: PurgeJournal) -> None:
    journal.add([entry(1), entry(2)])
    journal.path.write_bytes(journal.path.read_bytes()[:-20])
    assert journal.read() == [entry(1)]
    assert journal.add([entry(2)]) == 1
    assert journal.read() == [entry(1), entry(2)]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{", "line 2 .* is damaged"),
        (b"[]", "line 2 .* is damaged"),
        (b'{"v":1,"id":"x"}', "line 2 .* is damaged"),
        (b'{"v":2}', "newer version"),
        (b"\xff", "line 2 .* is damaged"),
        (b"", "line 2 .* is damaged"),
    ],
)
def test_a_damaged_line_is_named_and_neither_read_over_nor_written_behind(
    journal: PurgeJournal, line: bytes, problem: str
) -> None:
    journal.add([entry(1)])
    held = journal.path.read_bytes() + line + b"\n"
    journal.path.write_bytes(held)
    for use in (journal.read, lambda: journal.add([entry(3)])):
        with pytest.raises(ConfigurationError, match=problem):
            use()
    assert journal.path.read_bytes() == held


def test_a_place_where_no_file_can_be_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"PURGE_JOURNAL.*cannot be read"):
        PurgeJournal(tmp_path).read()
    with pytest.raises(ConfigurationError, match=r"PURGE_JOURNAL.*cannot be written"):
        PurgeJournal(tmp_path / "nowhere" / "purges").add([entry(1)])


def _add(path: Path, first: int) -> None:
    for number in range(first, first + 30):
        PurgeJournal(path).add([entry(number)])


def test_processes_that_add_at_one_time_lose_nothing(journal: PurgeJournal) -> None:
    start = multiprocessing.get_context("spawn").Process
    writers = [start(target=_add, args=(journal.path, first)) for first in (0, 15, 30)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    assert sorted(one.id for one in journal.read()) == [entry(number).id for number in range(60)]
    assert all(json.loads(line) for line in journal.path.read_bytes().splitlines())
