"""Collect facts about Celery for `propintel doctor`: the queues that each worker consumes, and beat's Redis keys."""

from celery import Celery

from app.services.reports.doctor import CeleryFacts
from tasks._celery.config import MAINTENANCE_QUEUE, SCRAPE_QUEUE
from tasks._celery.publish import broker_errors

#: Seconds to wait for replies. A worker replies from its main loop, even if its pool is busy.
ANSWER_SECONDS = 2.0


def celery_facts(celery_app: Celery) -> CeleryFacts:
    prefix = str(celery_app.conf.redbeat_key_prefix)
    return CeleryFacts(
        consumers=lambda: consumers(celery_app),
        scrape_queue=SCRAPE_QUEUE,
        maintenance_queue=MAINTENANCE_QUEUE,
        beat_prefix=prefix,
        beat_lock=f"{prefix}:lock",
        beat_schedule=f"{prefix}:schedule",
    )


def consumers(celery_app: Celery, seconds: float = ANSWER_SECONDS) -> dict[str, frozenset[str]]:
    """Return the queues of each worker that replies in time, by node name, or raise `BrokerUnavailableError`."""
    with broker_errors(celery_app):
        found = celery_app.control.inspect(timeout=seconds).active_queues() or {}
    return {node: frozenset(str(queue["name"]) for queue in queues) for node, queues in found.items()}
