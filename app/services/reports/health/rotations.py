"""Did a key's failures rise after keys were added or removed? By what all did before and after. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.property.storage.key_history import KnownKey
from app.property.storage.usage import Uses

#: a rotation is looked at for so long, and what is compared with what
AFTER = timedelta(hours=24)
BEFORE = timedelta(days=7)
#: spoken of for a day after its 24 hours are over
_SHOWN = AFTER + timedelta(hours=24)
#: keys of the first hour of all are no rotation: there was nothing before
_FIRST = timedelta(hours=1)
#: With fewer requests, or failures, noise would speak: at a true share of 1 % five failures of twenty requests come up
#: once in 700,000 times (binomial).
_LEAST_BEFORE = 50
_LEAST_AFTER = 20
_LEAST_FAILURES = 5
#: it rose if it is so many times what it was, and so much more
_TIMES = 2.0
_MORE = 0.05


@dataclass(frozen=True, slots=True)
class RotatedKey:
    """One key that is in use after the rotation; `is_new` if it came with it."""

    mask: str
    is_new: bool
    before: Uses
    after: Uses


@dataclass(frozen=True, slots=True)
class Rotation:
    """The newest time that keys came or went, and what the keys did in the week before and the day after it."""

    at: datetime
    keys: tuple[RotatedKey, ...]


@dataclass(frozen=True, slots=True)
class Worse:
    """A key that fails more. Shares are 0 to 1; of a new key, `before` is that of all others after the rotation."""

    mask: str
    is_new: bool
    share: float
    before: float
    requests: int


def newest_rotation(keys: Sequence[KnownKey], began_at: datetime | None, now: datetime) -> datetime | None:
    """When a key came or went last, if that is worth looking at: within two days, and not the very beginning."""
    moments = [moment for key in keys for moment in (key.first_seen_at, key.removed_at) if moment is not None]
    rotations = [moment for moment in moments if began_at is not None and moment > began_at + _FIRST]
    newest = max(rotations, default=None)
    return newest if newest is not None and now - newest < _SHOWN else None


def rotation_of(
    at: datetime, keys: Sequence[KnownKey], before: Mapping[str, Uses], after: Mapping[str, Uses]
) -> Rotation:
    """The rotation at `at`, of the keys that are still there. A key first seen within the hour before came with it."""
    return Rotation(
        at,
        tuple(
            RotatedKey(
                key.mask,
                key.first_seen_at > at - _FIRST,
                before.get(key.key_id, Uses()),
                after.get(key.key_id, Uses()),
            )
            for key in keys
            if key.removed_at is None
        ),
    )


def worse_since(rotation: Rotation) -> Iterator[Worse]:
    """Keys whose share of failures at least doubled and is five points up; a new one is compared with all others."""
    for key in rotation.keys:
        before = key.before
        if key.is_new:
            before = sum((other.after for other in rotation.keys if other is not key and not other.is_new), Uses())
        enough = before.requests >= _LEAST_BEFORE and key.after.requests >= _LEAST_AFTER
        if enough and key.after.failures >= _LEAST_FAILURES:
            was, is_ = before.failures / before.requests, key.after.failures / key.after.requests
            if is_ >= max(_TIMES * was, was + _MORE):
                yield Worse(key.mask, key.is_new, is_, was, key.after.requests)
