"""The figures of the keys, for a process that has no manager of its own: the doors."""

from __future__ import annotations

from typing import Any

from app.services.openai_client_manager import build_manager
from app.settings import Settings


def fleet_stats(settings: Settings) -> dict[str, Any]:
    """The `data` of the specification's stats response for the whole fleet.

    Without a Redis, or while it does not answer, the configured keys with what this process has counted, and `scope`
    is "process".
    """
    with build_manager(settings) as manager:
        return manager.get_stats()
