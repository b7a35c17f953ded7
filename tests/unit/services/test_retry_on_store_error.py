"""Writes are retried while the database is locked, full, or unreachable."""

import pytest

from app.clock import ManualClock
from app.errors.storage import DatabaseLockedError, DiskFullError, NotADatabaseError, RowGoneError, StoreError
from app.services.runtime.retry import retry_on_store_error


class Database:
    def __init__(self, error: StoreError, times: int) -> None:
        self._error = error
        self._left = times
        self.calls = 0

    def write(self) -> str:
        self.calls += 1
        if self._left > 0:
            self._left -= 1
            raise self._error
        return "stored"


@pytest.mark.parametrize("error", [DatabaseLockedError("sqlite:///x", "busy"), DiskFullError("sqlite:///x", "full")])
def test_a_write_to_a_locked_or_full_database_is_retried_with_backoff(error: StoreError) -> None:
    clock, database = ManualClock(), Database(error, 4)
    assert retry_on_store_error(database.write, clock) == "stored"
    assert clock.slept == [0.25, 0.5, 1.0, 2.0]


def test_the_databases_error_is_raised_after_the_longest_wait() -> None:
    clock, database = ManualClock(), Database(DiskFullError("sqlite:///x", "full"), 10**6)
    with pytest.raises(DiskFullError):
        retry_on_store_error(database.write, clock, max_wait_seconds=20)
    assert 20 <= sum(clock.slept) < 25
    assert max(clock.slept) == 5.0


@pytest.mark.parametrize("error", [NotADatabaseError("sqlite:///x", "garbage"), RowGoneError("sqlite:///x", "job")])
def test_an_error_that_waiting_cannot_fix_is_raised_at_once(error: StoreError) -> None:
    clock, database = ManualClock(), Database(error, 1)
    with pytest.raises(type(error)):
        retry_on_store_error(database.write, clock)
    assert (clock.slept, database.calls) == ([], 1)
