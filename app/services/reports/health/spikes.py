"""Is a key used far more than ever? Robust statistics: neither one odd hour nor a quiet week misleads. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from app.property.storage.usage import Usual
from app.services.reports.health.view import KeyView

#: An hour is unusual above the median of the hours in which the key worked plus so many median absolute deviations.
#: For normally distributed hours 6 MAD are 4 standard deviations (MAD = 0.6745 sigma): 1 hour in 30,000.
DEVIATIONS = 6.0
#: ... and above so many medians, as hours of a very steady key deviate by next to nothing
TIMES = 5.0
#: ... and with so many requests, below which nobody loses much
LEAST_REQUESTS = 100


def ceiling(usual: Usual) -> float:
    """The most requests of an hour that are still usual."""
    return max(usual.requests + DEVIATIONS * usual.deviation, TIMES * usual.requests, float(LEAST_REQUESTS))


def spiking(keys: Sequence[KeyView], *, already: frozenset[str] = frozenset()) -> tuple[KeyView, ...]:
    """Keys whose last hour is far above their own history; without three days of it nothing is said of a key.

    A key of `already` (by mask) stays until it is below half of what made it one.
    """
    return tuple(
        key
        for key in keys
        if key.usual is not None and key.last_hour.requests > ceiling(key.usual) * (0.5 if key.mask in already else 1.0)
    )


def is_load(spikes: Sequence[KeyView], keys: Sequence[KeyView]) -> bool:
    """True if most of the keys that can be judged rose together, two or more: there is more to do, no key is stolen."""
    judged = sum(key.usual is not None for key in keys)
    return len(spikes) > 1 and len(spikes) * 2 > judged
