"""What was paid for is held while the database cannot take it."""

from __future__ import annotations

import pytest

from app.clock import ManualClock
from app.errors.storage import DatabaseLockedError, DiskFullError, NotADatabaseError, StoreError
from app.services.runtime.retry import patiently


class Database:
    """One that fails so often, then takes what it is given."""

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
def test_a_database_that_is_locked_or_full_is_waited_for(error: StoreError) -> None:
    clock, database = ManualClock(), Database(error, 4)
    assert patiently(database.write, clock) == "stored"
    assert clock.slept == [0.25, 0.5, 1.0, 2.0]


def test_patience_ends_with_the_databases_own_error() -> None:
    clock, database = ManualClock(), Database(DiskFullError("sqlite:///x", "full"), 10**6)
    with pytest.raises(DiskFullError):
        patiently(database.write, clock, patience_seconds=20)
    assert 20 <= sum(clock.slept) < 25
    assert max(clock.slept) == 5.0


def test_what_waiting_does_not_mend_is_raised_at_once() -> None:
    clock, database = ManualClock(), Database(NotADatabaseError("sqlite:///x", "garbage"), 1)
    with pytest.raises(NotADatabaseError):
        patiently(database.write, clock)
    assert (clock.slept, database.calls) == ([], 1)
