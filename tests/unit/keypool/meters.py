"""Meters to begin a test with."""

from __future__ import annotations

from app.keypool.meters import Meter

NOW_US = 1_793_534_400_000_000
SECOND = 1_000_000


def known(per_minute: float, capacity: float, allowance: float | None = None) -> Meter:
    """A meter whose bucket is full, and which has grown to that allowance."""
    return Meter(per_minute, capacity, allowance=capacity if allowance is None else allowance)
