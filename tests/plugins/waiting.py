"""Waits for a condition that another thread or process fulfills."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

#: other tests and slow machines multiply every time; a longer limit does not delay a successful wait
_BUSY = 8


def wait_until(ready: Callable[[], object], seconds: float, describe: Callable[[], str] = lambda: "") -> None:
    """Return when `ready()`; fail with the text of `describe()`.

    `seconds` are ample on an idle machine; the wait lasts up to eight times as long.
    """
    deadline = time.monotonic() + seconds * _BUSY
    while not ready():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds * _BUSY:g} s\n{describe()}")
        time.sleep(0.02)
