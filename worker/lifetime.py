"""What runs beside a worker's tasks for as long as it takes any, in a thread of the parent."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from typing import Any, Protocol

from celery.signals import worker_ready, worker_shutdown


class Companion(Protocol):
    """Started once, stopped once."""

    def start(self) -> None: ...
    def stop(self) -> None: ...


def accompany(name: str, make: Callable[[str], Companion]) -> None:
    """Once the worker is ready, start what `make(node name)` gives; stop it when the worker ends.

    `name` tells companions apart: connecting one again replaces nothing and starts no second one.
    """
    running: list[Companion] = []

    def on_ready(sender: Any = None, **_: Any) -> None:
        companion = make(str(sender.hostname))
        companion.start()
        running.append(companion)
        atexit.register(on_shutdown)  # Celery sends no `worker_shutdown` when it cancels tasks to be in time

    def on_shutdown(**_: Any) -> None:
        while running:
            running.pop().stop()

    worker_ready.connect(on_ready, dispatch_uid=f"propintel-{name}-start", weak=False)
    worker_shutdown.connect(on_shutdown, dispatch_uid=f"propintel-{name}-stop", weak=False)
