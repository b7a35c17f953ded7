"""Waiting for what another thread or process does."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

#: beside other tests or on a slow machine everything takes a multiple of its time; a wait that ends well ends no later
_BUSY = 8


def wait_until(ready: Callable[[], object], seconds: float, tell: Callable[[], str] = lambda: "") -> None:
    """Return when `ready()`; fail with what `tell()` says.

    `seconds` are ample on a machine that does nothing else; eight times as many are waited.
    """
    deadline = time.monotonic() + seconds * _BUSY
    while not ready():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds * _BUSY:g} s\n{tell()}")
        time.sleep(0.02)
