"""The figures of the keys, for a process that has no manager of its own: the doors."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from app.services.key_view import KeyView
from app.settings import Settings


def fleet_stats(settings: Settings) -> dict[str, Any]:
    """The `data` of the specification's stats response for the whole fleet.

    Without a Redis, or while it does not answer, the configured keys, and `scope` is "process".
    """
    with closing(KeyView(settings)) as view:
        return view.stats()
