"""Celery's configuration: what every process of the fleet must agree on.

Each value has its reason beside it. Which process runs what and when is `worker/`.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from kombu.entity import Exchange, Queue

from app.property.storage.jobs.models import Job
from app.redis.embedded_valkey import broker_url
from app.settings import Settings

TASK_MODULES = [
    "tasks.scrape",
    "tasks.health",
    "tasks.recovery",
    "tasks.batches",
    "tasks.alerts",
    "tasks.changes",
    "tasks.delivery",
    "tasks.pages",
    "tasks.model_batches",
    "tasks.watches",
]

SCRAPE_QUEUE = "scrape"
#: Jobs wait in lanes, each a queue of the broker, by their place in their batch. Workers serve the lanes of a priority
#: level in turn, so that a small batch does not wait behind a huge one, and the huge one goes on meanwhile. The numbers
#: are where each lane ends.
LANES = {
    SCRAPE_QUEUE: 20,
    f"{SCRAPE_QUEUE}.medium": 200,
    f"{SCRAPE_QUEUE}.large": 2000,
    f"{SCRAPE_QUEUE}.bulk": sys.maxsize,
}
#: webhooks have one that every worker of jobs serves too; in a lane they would count as messages of jobs
CALLBACK_QUEUE = "callbacks"
#: reports, alerts and recovery have a queue of their own, so that a backlog of jobs never delays them
HEALTH_QUEUE = "health"
#: so have batches of the model: to upload or to read one may take minutes
MODEL_BATCH_QUEUE = "model-batches"
ALL_QUEUES = (HEALTH_QUEUE, CALLBACK_QUEUE, MODEL_BATCH_QUEUE, *LANES)

#: what beat's messages carry: the seconds between two of them
TURN_HEADER = "propintel_turn_seconds"

#: Ten levels, all real: 0 is the most urgent, 9 the least. Celery folds ten into four unless told otherwise.
PRIORITIES = range(10)
DEFAULT_PRIORITY = 5

#: a task that runs longer gets `SoftTimeLimitExceeded`, and half a minute later its process is ended
SOFT_TIME_LIMIT = timedelta(seconds=270)
TIME_LIMIT = timedelta(seconds=300)
#: a message that nobody acknowledged for this long is delivered again; above the time limit and any countdown
VISIBILITY_TIMEOUT = timedelta(seconds=1800)


def lane_of(job: Job) -> str:
    """The queue in which the message of `job` waits. One that was under way before has waited already."""
    if job.started_at is not None:
        return SCRAPE_QUEUE
    return next(lane for lane, end in LANES.items() if job.position < end)


def urgency_of(job: Job) -> int:
    """The priority of the message of `job`: one level ahead for one that was under way before.

    It has waited already, and in its lane would wait again among all that are done anew, on a bad day many.
    """
    return job.priority if job.started_at is None else max(PRIORITIES[0], job.priority - 1)


def celery_config(settings: Settings) -> dict[str, Any]:
    """The defaults of every app that `make_celery` makes."""
    url = broker_url(settings)
    return {**_broker(url), **_results(url), **_delivery(), **_worker(settings), **_beat(url)}


def kombu_url(url: str) -> str:
    """Redis' URL as kombu and Celery's result backend spell it: a Unix socket is `redis+socket://`.

    Over TLS they want to be told that the certificate is checked, which everybody else does unless told otherwise.
    """
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    if parts.scheme == "rediss" and "ssl_cert_reqs" not in query:
        return parts._replace(query=f"{parts.query}&ssl_cert_reqs=required".lstrip("&")).geturl()
    if parts.scheme != "unix":
        return url
    database = query.get("db", ["0"])[0]
    return f"redis+socket://{parts.netloc}{parts.path}?virtual_host={database}"


def _broker(url: str) -> dict[str, Any]:
    return {
        "broker_url": kombu_url(url),
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,  # the default gives up after 100 tries
        "broker_transport_options": {
            "visibility_timeout": VISIBILITY_TIMEOUT.total_seconds(),
            "unacked_restore_interval": 10,
            "unacked_restore_throttle": 1,
            "socket_timeout": 30,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 25,
            "priority_steps": list(PRIORITIES),
            "queue_order_strategy": "round_robin",  # among the queues of one priority level
        },
        # a door that cannot send says so soon instead of hanging
        "task_publish_retry_policy": {"max_retries": 3, "interval_start": 0.1, "interval_step": 0.3, "interval_max": 1},
    }


def _results(url: str) -> dict[str, Any]:
    return {
        "result_backend": kombu_url(url),
        "result_expires": timedelta(minutes=10),  # the database holds results, Redis does not
        "result_extended": False,
        "task_serializer": "json",
        "result_serializer": "json",
        "event_serializer": "json",
        "accept_content": ["json"],
        "enable_utc": True,
        "timezone": "UTC",
    }


def _queue(name: str) -> Queue:
    """A queue with an exchange of its own; on the default exchange every message would reach both queues."""
    return Queue(name, Exchange(name, type="direct"), routing_key=name)  # type: ignore[no-untyped-call]


def _delivery() -> dict[str, Any]:
    return {
        "task_queues": [_queue(name) for name in ALL_QUEUES],
        "task_default_queue": SCRAPE_QUEUE,
        "task_default_priority": DEFAULT_PRIORITY,
        "task_routes": {
            "tasks.health.*": {"queue": HEALTH_QUEUE},
            "tasks.alerts.*": {"queue": HEALTH_QUEUE},
            "tasks.recovery.*": {"queue": HEALTH_QUEUE},
            "tasks.pages.*": {"queue": HEALTH_QUEUE},
            "tasks.watches.*": {"queue": HEALTH_QUEUE},
            "tasks.batches.*": {"queue": HEALTH_QUEUE},
            "tasks.changes.*": {"queue": HEALTH_QUEUE},
            "tasks.delivery.*": {"queue": CALLBACK_QUEUE},
            "tasks.model_batches.look_at_batches": {"queue": HEALTH_QUEUE},
            "tasks.model_batches.tend_batches": {"queue": MODEL_BATCH_QUEUE},
        },
        "task_create_missing_queues": False,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_retry_on_worker_lost": True,  # counted, where a plain redelivery would loop for ever
        "task_soft_time_limit": SOFT_TIME_LIMIT.total_seconds(),
        "task_time_limit": TIME_LIMIT.total_seconds(),
        "task_track_started": True,
        "task_send_sent_event": True,
    }


def _worker(settings: Settings) -> dict[str, Any]:
    return {
        "worker_concurrency": settings.jobs.worker_concurrency,  # None: the number of processors; `--concurrency` wins
        "worker_prefetch_multiplier": 1,
        "worker_send_task_events": True,
        "worker_soft_shutdown_timeout": 10.0,  # honoured with REMAP_SIGTERM=SIGQUIT, which the Procfile sets
        "worker_max_tasks_per_child": 1000,  # bounds what leaks
        "worker_max_memory_per_child": 600_000,  # KiB
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_redirect_stdouts": False,
    }


def _beat(url: str) -> dict[str, Any]:
    """Password and user name apart from the URL: a worker tells its configuration to whoever asks (Flower does), and
    of passwords Celery hides only what it knows, by their names or in the broker's URL."""
    parts = urlsplit(url)
    login, at, _ = parts.netloc.rpartition("@")
    given = {"username": unquote(parts.username or ""), "password": unquote(parts.password or "")}
    return {
        # one schedule in force however many beats run; another takes over within lock + loop seconds
        "beat_max_loop_interval": 2,
        "redbeat_redis_url": url.replace(f"{login}@", "", 1) if at else url,
        "redbeat_redis_options": {"socket_timeout": 30, **{name: text for name, text in given.items() if text}},
        "redbeat_key_prefix": "propintel:beat:",
        "redbeat_lock_timeout": 10,
    }
