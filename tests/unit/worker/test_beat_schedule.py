"""Scheduled tasks have priority over most jobs."""

from app.services.runtime.heartbeats import MAINTENANCE_THREADS
from app.settings import load_settings
from tasks import make_celery
from tasks._celery.config import MAINTENANCE_QUEUE
from worker.beat_schedule import beat_config


def test_scheduled_tasks_have_the_most_urgent_priority() -> None:
    """Workers serve the most urgent priority first. Only jobs of priority 0 alternate with scheduled tasks."""
    settings = load_settings()
    entries = beat_config(settings)["beat_schedule"].values()
    app = make_celery(settings)
    most_urgent = min(app.conf.broker_transport_options["priority_steps"])
    assert {entry["options"]["priority"] for entry in entries} == {most_urgent}
    assert {app.amqp.router.route({}, entry["task"])["queue"].name for entry in entries} == {MAINTENANCE_QUEUE}


def test_beat_does_not_listen_for_results() -> None:
    """If beat listened for results, it would hang after the loss of its broker before it could log the loss."""
    assert all(entry["options"]["ignore_result"] for entry in beat_config(load_settings())["beat_schedule"].values())


def test_the_maintenance_worker_has_more_threads_than_beat_has_tasks() -> None:
    """A locked database blocks most scheduled tasks, and a report must still find a free thread."""
    assert len(beat_config(load_settings())["beat_schedule"]) < MAINTENANCE_THREADS
