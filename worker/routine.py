"""What beat sends every few seconds is logged at DEBUG: its ticks, and what a worker says of these tasks.

Celery logs all tasks alike at INFO, so that an idle fleet would write ten lines every five seconds. What such a task
logs itself keeps its level, and so does its failure. Every other task, a job above all, is logged as Celery does it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection

#: Celery's and RedBeat's loggers of ticks, of received tasks and of ended ones
_LOGGERS = ("celery.beat", "celery.worker.strategy", "celery.app.trace")
_TICK = "Scheduler: Sending due task"


class RoutineFilter(logging.Filter):
    """Lowers records at INFO about `tasks` to DEBUG, and drops them unless their logger takes DEBUG."""

    def __init__(self, tasks: Collection[str] = ()) -> None:
        super().__init__()
        self.tasks = frozenset(tasks)

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno == logging.INFO and self._is_routine(record):
            record.levelno, record.levelname = logging.DEBUG, logging.getLevelName(logging.DEBUG)
            return logging.getLogger(record.name).isEnabledFor(logging.DEBUG)
        return True

    def _is_routine(self, record: logging.LogRecord) -> bool:
        about = getattr(record, "data", None)  # Celery attaches what its sentence is made of
        return str(record.msg).startswith(_TICK) or (isinstance(about, dict) and about.get("name") in self.tasks)


_filter = RoutineFilter()


def log_at_debug(tasks: Collection[str]) -> None:
    """From now on this process logs the routine of these tasks at DEBUG; safe to call again."""
    _filter.tasks = frozenset(tasks)
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_filter)
