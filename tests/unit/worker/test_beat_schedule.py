"""What beat sends goes before the jobs."""

from __future__ import annotations

from app.settings import load_settings
from tasks import make_celery
from tasks._celery.config import MAINTENANCE_QUEUE
from worker.beat_schedule import beat_config


def test_what_beat_sends_is_on_the_most_urgent_level_of_its_queue() -> None:
    """A broker is asked level by level: only jobs of priority 0 take turns with it."""
    settings = load_settings()
    entries = beat_config(settings)["beat_schedule"].values()
    app = make_celery(settings)
    most_urgent = min(app.conf.broker_transport_options["priority_steps"])
    assert {entry["options"]["priority"] for entry in entries} == {most_urgent}
    assert {app.amqp.router.route({}, entry["task"])["queue"].name for entry in entries} == {MAINTENANCE_QUEUE}


def test_beat_does_not_listen_for_results() -> None:
    """It would wait for the broker's return before it could say that the broker is away."""
    assert all(entry["options"]["ignore_result"] for entry in beat_config(load_settings())["beat_schedule"].values())
