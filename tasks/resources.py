"""What this process works with: put here by the worker's start signal, taken from here by the tasks."""

from __future__ import annotations

from app.services.openai_client_manager import install_manager
from app.services.reports.health.watch import PoolWatch
from app.services.reports.metrics.shared_counts import Flusher, make_flusher
from app.services.runtime.resources import Resources

_current: Resources | None = None
_flusher: Flusher | None = None


def install(resources: Resources) -> None:
    """Make `resources` this process's, and its manager the one that `get_openai_client_manager()` returns.

    What the process counts from now on is reported to the fleet.
    """
    global _current, _flusher  # noqa: PLW0603 (one per process by design)
    _current = resources
    install_manager(resources.manager)
    _flusher = make_flusher(resources.settings)
    _flusher.start()


def current() -> Resources:
    """This process's resources. Raises `RuntimeError` where no worker has opened any."""
    if _current is None:
        raise RuntimeError("this process has opened no resources: tasks run in `celery -A worker worker`")
    return _current


def pool_watch() -> PoolWatch:
    """What looks at the pool in this process. Raises as `current`."""
    resources = current()
    return PoolWatch(resources.settings, resources.manager, resources.database)


def is_open() -> bool:
    return _current is not None


def close() -> None:
    """Close and forget; safe to call when nothing is open."""
    global _current, _flusher
    resources, _current = _current, None
    flusher, _flusher = _flusher, None
    if resources is not None:
        install_manager(None)
        resources.close()
    if flusher is not None:
        flusher.stop()
