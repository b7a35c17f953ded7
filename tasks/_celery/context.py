"""The resources of this process. The worker installs them when it starts, and the tasks use them."""

from app.services.openai_client_manager import install_manager
from app.services.reports.key_report.pool_monitor import PoolMonitor
from app.services.reports.metrics.shared_counts import Flusher, make_flusher
from app.services.runtime.resources import Resources

_current: Resources | None = None
_flusher: Flusher | None = None


def install(resources: Resources) -> None:
    """Set this process's resources.

    From now on, `get_openai_client_manager()` returns `resources.manager`, and this process reports its metrics.
    """
    global _current, _flusher  # noqa: PLW0603 (one per process by design)
    _current = resources
    install_manager(resources.manager)
    _flusher = make_flusher(resources.settings)
    _flusher.start()


def current() -> Resources:
    """Return this process's resources. Raises `RuntimeError` if none are installed."""
    if _current is None:
        raise RuntimeError("this process has opened no resources: tasks run in `celery -A worker worker`")
    return _current


def pool_monitor() -> PoolMonitor:
    resources = current()
    return PoolMonitor(resources.settings, resources.manager, resources.database)


def is_open() -> bool:
    return _current is not None


def close() -> None:
    global _current, _flusher
    resources, _current = _current, None
    flusher, _flusher = _flusher, None
    if resources is not None:
        install_manager(None)
        resources.close()
    if flusher is not None:
        flusher.stop()
