"""The resources of this process: the worker's start signal installs them, and the tasks use them."""

from __future__ import annotations

from app.services.openai_client_manager import install_manager
from app.services.reports.key_report.pool_monitor import PoolMonitor
from app.services.reports.metrics.shared_counts import Flusher, make_flusher
from app.services.runtime.resources import Resources

_current: Resources | None = None
_flusher: Flusher | None = None


def install(resources: Resources) -> None:
    """Use `resources` in this process. `get_openai_client_manager()` returns their manager from now on.

    The metrics that this process counts from now on are added to those of the fleet.
    """
    global _current, _flusher  # noqa: PLW0603 (one per process by design)
    _current = resources
    install_manager(resources.manager)
    _flusher = make_flusher(resources.settings)
    _flusher.start()


def current() -> Resources:
    """Return this process's resources. Raises `RuntimeError` if no worker has opened any."""
    if _current is None:
        raise RuntimeError("this process has opened no resources: tasks run in `celery -A worker worker`")
    return _current


def pool_monitor() -> PoolMonitor:
    """Return a monitor of this process's pool. Raises `RuntimeError` as `current` does."""
    resources = current()
    return PoolMonitor(resources.settings, resources.manager, resources.database)


def is_open() -> bool:
    return _current is not None


def close() -> None:
    """Close the resources. Safe to call again, or when nothing is open."""
    global _current, _flusher
    resources, _current = _current, None
    flusher, _flusher = _flusher, None
    if resources is not None:
        install_manager(None)
        resources.close()
    if flusher is not None:
        flusher.stop()
