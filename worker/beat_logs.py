"""Log Celery's lines about scheduled tasks at DEBUG: sending, receiving, and ending a task.

Celery logs these lines at INFO, so an idle fleet would write about ten lines every five seconds. Failures of scheduled
tasks, the lines that the tasks themselves log, and all lines about other tasks keep their level.
"""

import logging
from collections.abc import Collection

#: The loggers of Celery that report sent, received, and ended tasks.
_LOGGERS = ("celery.beat", "celery.worker.strategy", "celery.app.trace")
_TICK = "Scheduler: Sending due task"


class RoutineFilter(logging.Filter):
    """Lowers INFO records about `tasks`, and about tasks that beat sends, to DEBUG. Drops them if DEBUG is disabled."""

    def __init__(self, tasks: Collection[str] = ()) -> None:
        super().__init__()
        self.tasks = frozenset(tasks)

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno == logging.INFO and self._is_routine(record):
            record.levelno, record.levelname = logging.DEBUG, logging.getLevelName(logging.DEBUG)
            return logging.getLogger(record.name).isEnabledFor(logging.DEBUG)
        return True

    def _is_routine(self, record: logging.LogRecord) -> bool:
        about = getattr(record, "data", None)  # Celery attaches the task's name here
        return str(record.msg).startswith(_TICK) or (isinstance(about, dict) and about.get("name") in self.tasks)


_filter = RoutineFilter()


def log_at_debug(tasks: Collection[str]) -> None:
    """Log Celery's lines about these tasks at DEBUG in this process. Safe to call again."""
    _filter.tasks = frozenset(tasks)
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_filter)
