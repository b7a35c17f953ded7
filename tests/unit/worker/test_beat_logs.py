"""Celery's log lines about scheduled tasks have level DEBUG. Celery's other lines keep their level."""

import logging
from collections.abc import Iterator

import pytest
from celery.app.trace import LOG_FAILURE, LOG_RECEIVED, LOG_SUCCESS

from app.settings import Settings
from worker.beat_logs import RoutineFilter, log_at_debug
from worker.beat_schedule import beat_config

_SCHEDULED = "tasks.recovery.recover_jobs"
_JOB = "tasks.scrape.scrape_property"
_NAMES = ("celery.beat", "celery.worker.strategy", "celery.app.trace")


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append((record.levelname, record.getMessage()))


@pytest.fixture
def kept() -> Iterator[Kept]:
    handler, before = Kept(), {name: logging.getLogger(name).level for name in _NAMES}
    schedule = beat_config(Settings.of())["beat_schedule"]
    log_at_debug({entry["task"] for entry in schedule.values()})
    for name in _NAMES:
        logging.getLogger(name).addHandler(handler)
        logging.getLogger(name).setLevel(logging.INFO)
    yield handler
    for name in _NAMES:
        logging.getLogger(name).removeHandler(handler)
        logging.getLogger(name).setLevel(before[name])
        for found in [one for one in logging.getLogger(name).filters if isinstance(one, RoutineFilter)]:
            logging.getLogger(name).removeFilter(found)


def _log_receipt_and_success(task: str) -> None:
    about = {"id": "1", "name": task, "return_value": "{}", "runtime": 0.1, "args": "()", "kwargs": "{}"}
    logging.getLogger("celery.worker.strategy").info(LOG_RECEIVED, about, extra={"data": about})
    logging.getLogger("celery.app.trace").info(LOG_SUCCESS, about, extra={"data": about})


def test_ticks_and_scheduled_tasks_are_logged_at_debug(kept: Kept) -> None:
    for level in (logging.INFO, logging.DEBUG):
        for name in _NAMES:
            logging.getLogger(name).setLevel(level)
        assert kept.lines == []
        logging.getLogger("celery.beat").info("Scheduler: Sending due task %s (%s)", "recover-jobs", _SCHEDULED)
        _log_receipt_and_success(_SCHEDULED)
    assert [level for level, _ in kept.lines] == ["DEBUG"] * 3


def test_jobs_beat_s_own_events_and_failures_keep_their_level(kept: Kept) -> None:
    _log_receipt_and_success(_JOB)
    logging.getLogger("celery.beat").info("beat: Starting...")
    assert [level for level, _ in kept.lines] == ["INFO"] * 3
    assert _JOB in kept.lines[0][1]
    about = {"id": "1", "name": _SCHEDULED, "exc": "KeyError", "description": "raised unexpected", "traceback": ""}
    logging.getLogger("celery.app.trace").error(LOG_FAILURE, about, extra={"data": about})
    assert kept.lines[-1][0] == "ERROR"
