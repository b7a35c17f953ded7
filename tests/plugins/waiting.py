"""Waits for a condition that another thread or process fulfills."""

import time
from collections.abc import Callable

import pytest

#: Limits are multiplied by this for busy and slow machines. A longer limit does not delay a successful wait.
_BUSY = 8


def wait_until(ready: Callable[[], object], seconds: float, describe: Callable[[], str] = lambda: "") -> None:
    """Return when `ready()` is true. Fail with the text of `describe()` if the limit is exceeded.

    `seconds` are ample on an idle machine; the wait lasts up to eight times as long.
    """
    deadline = time.monotonic() + seconds * _BUSY
    while not ready():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds * _BUSY:g} s\n{describe()}")
        time.sleep(0.02)


def wait_for[T](ask: Callable[[], T], until: Callable[[T], bool], what: str = "", seconds: float = 120) -> T:
    """Return the first answer that satisfies `until`; fail with the last answer after a time limit."""
    deadline = time.monotonic() + seconds
    while not until(answer := ask()):
        if time.monotonic() > deadline:
            pytest.fail(f"{what}: {answer}")
        time.sleep(0.05)
    return answer
