"""Who consumes what, asked of the workers themselves; and the names in Redis under which Celery's parts live."""

from __future__ import annotations

from celery import Celery

from app.services.reports.doctor import Courier
from tasks.config import HEALTH_QUEUE, SCRAPE_QUEUE
from tasks.sending import broker_errors

#: a worker answers from its main loop, whatever its pool does; one that needs longer is in trouble
ANSWER_SECONDS = 2.0


def courier(celery_app: Celery) -> Courier:
    """What `propintel doctor` must know of this app."""
    prefix = str(celery_app.conf.redbeat_key_prefix)
    return Courier(
        consumers=lambda: consumers(celery_app),
        scrape_queue=SCRAPE_QUEUE,
        health_queue=HEALTH_QUEUE,
        beat_prefix=prefix,
        beat_lock=f"{prefix}:lock",
        beat_schedule=f"{prefix}:schedule",
    )


def consumers(celery_app: Celery, seconds: float = ANSWER_SECONDS) -> dict[str, frozenset[str]]:
    """By node name the queues that each worker consumes, of all that answer within `seconds`.

    Raises `BrokerUnavailableError`.
    """
    with broker_errors(celery_app):
        found = celery_app.control.inspect(timeout=seconds).active_queues() or {}
    return {node: frozenset(str(queue["name"]) for queue in queues) for node, queues in found.items()}
