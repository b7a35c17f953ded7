"""The metrics of jobs, queues and alerts that are read where they are kept: in the database, broker and Redis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from prometheus_client.metrics_core import Metric

from app.property.storage.jobs.figures import JobFigures
from app.property.storage.keys.alerts import Severity
from app.property.storage.tables import ACTIVE
from app.property.storage.watches.budget import Charge
from app.property.storage.watches.models import WatchStatus
from app.services.reports.health.alarms import Kind
from app.services.reports.metrics.specs import KEY, Label, Spec

JOBS = Spec("gauge", "propintel_jobs", "Jobs that are not over, by state.", (Label("state", ACTIVE),))
OLDEST = Spec(
    "gauge",
    "propintel_oldest_queued_job_age_seconds",
    "How long the queued job that waits longest has waited for a worker; 0 if none is queued.",
)
REQUESTS = Spec(
    "gauge",
    "propintel_model_requests",
    "Questions that wait for a batch of the model, by state: parked (to be sent) or sent.",
    (Label("state", ("parked", "sent")),),
)
OLDEST_REQUEST = Spec(
    "gauge",
    "propintel_oldest_model_request_age_seconds",
    "How long the oldest question that waits for a batch has waited; 0 if none does.",
)
MODEL_BATCHES = Spec("gauge", "propintel_model_batches", "Batches of the model that are made or under way.")
WATCHES = Spec(
    "gauge",
    "propintel_watches",
    "Watches, by status: waiting for their time, due, put_off (a day's budget had no room), under_way or paused.",
    (Label("status", tuple(WatchStatus)),),
)
WATCH_SPENT = Spec(
    "gauge",
    "propintel_watch_spent_today",
    "Requests for pages and calls of models (page or model_call) that watches were charged for this UTC day.",
    (Label("what", tuple(Charge)),),
)
QUEUE = Spec(
    "gauge",
    "propintel_queue_messages",
    "Messages that wait in a queue of the broker.",
    (Label("queue", others="queues"),),
)
FIRST_SEEN = Spec(
    "gauge",
    "propintel_openai_key_first_seen_timestamp_seconds",
    "When a key was first seen in the configuration, in seconds since the epoch.",
    (KEY,),
)
REPORTED = Spec(
    "gauge",
    "propintel_health_report_timestamp_seconds",
    "When the last health report was made, in seconds since the epoch. One that is old says that beat is silent.",
)
FIRING = Spec(
    "gauge",
    "propintel_alerts_firing",
    "Subjects for which an alert is firing, by its kind.",
    (Label("alert", tuple(Kind)), Label("severity", tuple(Severity))),
)


@dataclass(frozen=True, slots=True)
class HealthFigures:
    """What the database knows of the keys. `first_seen` is by key id; `firing` has alert and severity of each
    subject."""

    first_seen: Mapping[str, datetime]
    firing: Sequence[tuple[str, str]]


def job_families(figures: JobFigures | None, messages: Mapping[str, int] | None) -> list[Metric]:
    """Of the database and of the broker; None for one that does not answer."""
    counts = {(state,): float(count) for state, count in figures.counts.items()} if figures else None
    waits = {(queue,): float(count) for queue, count in messages.items()} if messages is not None else None
    return [
        JOBS.family(counts),
        OLDEST.family({(): figures.oldest_queued_seconds} if figures else None),
        REQUESTS.family(_requests(figures) if figures else None),
        OLDEST_REQUEST.family({(): figures.requests.oldest_seconds} if figures else None),
        MODEL_BATCHES.family({(): float(figures.model_batches)} if figures else None),
        WATCHES.family(
            {(str(status),): float(count) for status, count in figures.watches.items()} if figures else None
        ),
        WATCH_SPENT.family(_spent(figures) if figures else None),
        QUEUE.family(waits),
    ]


def _requests(figures: JobFigures) -> dict[tuple[str, ...], float]:
    return {("parked",): float(figures.requests.parked), ("sent",): float(figures.requests.sent)}


def _spent(figures: JobFigures) -> dict[tuple[str, ...], float]:
    day = figures.watch_day
    return {("page",): float(day.pages), ("model_call",): float(day.model_calls)} if day else {}


def health_families(figures: HealthFigures | None, masks: Mapping[str, str]) -> list[Metric]:
    """Keys that `masks` does not name are not shown: they were taken out long ago."""
    if figures is None:
        return [FIRST_SEEN.family(), FIRING.family()]
    seen = {(masks[key_id],): at.timestamp() for key_id, at in figures.first_seen.items() if key_id in masks}
    firing = {pair: float(count) for pair, count in Counter(figures.firing).items()}
    return [FIRST_SEEN.family(seen), FIRING.family(firing)]
