"""An outage ends a scheduled task with a warning; any other error is a failure."""

import pytest
from celery import Celery
from redis import RedisError

from app.errors import PropertyIntelligenceError
from app.errors.storage import DatabaseUnavailableError
from tasks.base import ScheduledTask


def _task_that_raises(error: Exception) -> ScheduledTask:
    app, name = Celery("scheduled", set_as_current=False), f"tests.{type(error).__name__}"

    @app.task(name=name, base=ScheduledTask)
    def fails() -> None:
        raise error

    return app.tasks[name]


@pytest.mark.parametrize("error", [DatabaseUnavailableError("postgresql://db", "timeout"), RedisError("away")])
def test_an_outage_ends_the_run_with_a_warning(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    assert _task_that_raises(error)() == {"error": type(error).__name__}
    (record,) = caplog.records
    assert (record.levelname, record.getMessage()) == (
        "WARNING",
        f"tests.{type(error).__name__} did not finish; the next run tries again: {error}",
    )


def test_another_error_fails_the_task() -> None:
    with pytest.raises(PropertyIntelligenceError):
        _task_that_raises(PropertyIntelligenceError("defect"))()
