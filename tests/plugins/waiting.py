"""Wait for a condition that another thread or process fulfills."""

import time
from collections.abc import Callable

import pytest

#: Time limits are multiplied by this number, because test machines may be slow or busy.
_BUSY = 8


def wait_until(ready: Callable[[], object], seconds: float, describe: Callable[[], str] = lambda: "") -> None:
    """Return when `ready()` is true. Fail with the text of `describe()` after `seconds` times `_BUSY`."""
    started = time.monotonic()
    while not ready():
        if time.monotonic() > started + seconds * _BUSY:
            pytest.fail(f"not within {seconds * _BUSY:g} s\n{describe()}")
        _pause(started)


def wait_for[T](ask: Callable[[], T], until: Callable[[T], bool], what: str = "", seconds: float = 120) -> T:
    """Return the first answer of `ask` that `until` accepts. Fail with the last answer after the time limit."""
    started = time.monotonic()
    while not until(answer := ask()):
        if time.monotonic() > started + seconds:
            pytest.fail(f"{what}: {answer}")
        _pause(started)
    return answer


def _pause(started: float) -> None:
    """Sleep 20 ms at first and 200 ms after 4 s of waiting: a long wait should not take time from what it waits for."""
    time.sleep(min(max(0.02, (time.monotonic() - started) / 20), 0.2))
