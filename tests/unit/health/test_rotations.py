"""Which rotation is looked at, and whom it concerns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.property.storage.key_history import KnownKey
from app.property.storage.usage import Uses
from app.services.reports.health.rotations import newest_rotation, rotation_of

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
NOW = BEGAN + timedelta(days=60)


def known(name: str, first_seen_at: datetime = BEGAN, removed_at: datetime | None = None) -> KnownKey:
    return KnownKey(name, f"sk-{name}", name, first_seen_at, NOW, removed_at, None, None, None, None)


def ago(**before: float) -> datetime:
    return NOW - timedelta(**before)


def test_a_key_that_came_or_went_is_a_rotation_and_the_newest_counts() -> None:
    assert newest_rotation([known("a"), known("b", ago(hours=9))], BEGAN, NOW) == ago(hours=9)
    keys = [known("a", BEGAN, ago(hours=3)), known("b", ago(hours=9))]
    assert newest_rotation(keys, BEGAN, NOW) == ago(hours=3)


def test_the_keys_of_the_beginning_are_none() -> None:
    """Also those that were added while it was being set up."""
    young = BEGAN + timedelta(hours=2)
    assert newest_rotation([known("a"), known("b", BEGAN + timedelta(hours=1))], BEGAN, young) is None
    assert newest_rotation([], None, NOW) is None


def test_one_is_spoken_of_for_two_days() -> None:
    assert newest_rotation([known("b", ago(hours=47))], BEGAN, NOW) == ago(hours=47)
    assert newest_rotation([known("b", ago(hours=48))], BEGAN, NOW) is None


def test_it_concerns_the_keys_that_are_left_and_knows_the_new_ones() -> None:
    at = ago(hours=5)
    keys = [known("old"), known("gone", BEGAN, at), known("new", at), known("minutes-before", ago(hours=5.2))]
    before, after = {"old": Uses(requests=5)}, {"new": Uses(requests=3)}
    found = {key.mask: key for key in rotation_of(at, keys, before, after).keys}
    assert {mask: key.is_new for mask, key in found.items()} == {
        "sk-old": False,
        "sk-new": True,
        "sk-minutes-before": True,
    }
    assert (found["sk-old"].before, found["sk-old"].after) == (Uses(requests=5), Uses())
    assert found["sk-new"].after == Uses(requests=3)
