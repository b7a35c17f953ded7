"""If a retry cannot be sent, the job stays in the table and the task ends as retried."""

from collections.abc import Iterator

import pytest
from celery import Celery, Task
from celery.exceptions import Retry
from celery.result import denied_join_result

from app.errors.keys import CapacityError
from app.settings import Settings
from tasks import make_celery
from tests.plugins.ports import free_port


@pytest.fixture
def app() -> Iterator[Celery]:
    celery = make_celery(Settings.of(redis_url=f"redis://127.0.0.1:{free_port()}/0"))
    celery.loader.import_default_modules()
    yield celery
    celery.close()


def test_a_retry_that_cannot_be_sent_is_not_a_rejected_task(app: Celery, caplog: pytest.LogCaptureFixture) -> None:
    """If it cannot send a retry, Celery raises `Reject`, which Flower would show as the end of the task."""
    task = app.tasks["tasks.scrape.scrape_property"]
    task.push_request(id="j1", args=["j1"], kwargs={}, retries=0, called_directly=False, is_eager=False)
    reason = CapacityError(2.0)
    try:
        with denied_join_result(), pytest.raises(Retry, match="by recovery"):  # as in a worker
            task._come_back(lambda **more: Task.retry(task, **more), 2.0, reason)
    finally:
        task.pop_request()
    assert "The broker is away (OperationalError); recovery sends job j1 again" in caplog.text
