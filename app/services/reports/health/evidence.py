"""Gathers from the history what advice is made of."""

from __future__ import annotations

from datetime import timedelta

from app.property.storage.key_history import KeyHistoryStore
from app.property.storage.usage import HOUR, hour_of
from app.services.reports.health.advice import WEEK, Evidence
from app.services.reports.health.rotations import AFTER, BEFORE, Rotation, newest_rotation, rotation_of
from app.services.reports.health.view import PoolView

_DAY = timedelta(hours=24)


def gather(view: PoolView, history: KeyHistoryStore) -> Evidence:
    """The last day by model, the last week by key, and the newest rotation."""
    began_at, first = history.began_at() or view.at, hour_of(view.at) - _DAY + HOUR
    return Evidence(
        at=view.at,
        keys=view.keys,
        demand=history.demand(first),
        observed=view.at - max(first, began_at),
        week=history.uses(hour_of(view.at) - WEEK, view.at + HOUR),
        rotation=_rotation(view, history),
    )


def _rotation(view: PoolView, history: KeyHistoryStore) -> Rotation | None:
    keys = history.known_keys()
    at = newest_rotation(keys, history.began_at(), view.at)
    if at is None:
        return None
    hour = hour_of(at)  # the hour of the rotation itself counts as after it
    return rotation_of(at, keys, history.uses(hour - BEFORE, hour), history.uses(hour, hour + AFTER))
