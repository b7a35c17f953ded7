"""Wait for a condition that another thread or process fulfills."""

import time
from collections.abc import Callable

import pytest

#: Time limits are multiplied by this number, because test machines may be slow or busy.
_BUSY = 8


def wait_until(ready: Callable[[], object], seconds: float, describe: Callable[[], str] = lambda: "") -> None:
    """Return when `ready()` is true. Fail with the text of `describe()` after `seconds` times `_BUSY`."""
    deadline = time.monotonic() + seconds * _BUSY
    while not ready():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds * _BUSY:g} s\n{describe()}")
        time.sleep(0.02)


def wait_for[T](ask: Callable[[], T], until: Callable[[T], bool], what: str = "", seconds: float = 120) -> T:
    """Return the first answer of `ask` that `until` accepts. Fail with the last answer after the time limit."""
    deadline = time.monotonic() + seconds
    while not until(answer := ask()):
        if time.monotonic() > deadline:
            pytest.fail(f"{what}: {answer}")
        time.sleep(0.05)
    return answer
