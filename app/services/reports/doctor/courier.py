"""What the doctor must be told of Celery, since it knows nothing of it: names in Redis, and who consumes what."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Courier:
    """`consumers()`: by node name (`celery@host`) the queues that each worker of the fleet consumes.

    It asks the workers through the broker, which must answer; a worker that is silent is missing.
    """

    consumers: Callable[[], Mapping[str, Collection[str]]]
    scrape_queue: str
    health_queue: str
    beat_prefix: str
    beat_lock: str
    beat_schedule: str
