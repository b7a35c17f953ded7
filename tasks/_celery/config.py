"""Celery's configuration: queues, priorities, and timeouts. It must be the same in every process of the fleet."""

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
#: A job's lane is a queue that depends on the job's position in its batch: each number is the first position after the
#: lane. Within a priority level, workers serve the lanes round-robin, so a small batch does not wait behind a huge one.
LANES = {
    SCRAPE_QUEUE: 20,
    f"{SCRAPE_QUEUE}.medium": 200,
    f"{SCRAPE_QUEUE}.large": 2000,
    f"{SCRAPE_QUEUE}.bulk": sys.maxsize,
}
#: The queue for delivering webhooks. Every worker that runs jobs also serves it.
CALLBACK_QUEUE = "callbacks"
#: The queue for reports, alerts, recovery, and retention, which a backlog of jobs must not delay.
MAINTENANCE_QUEUE = "maintenance"
#: The queue for batches of model requests. Uploading or downloading a batch may take minutes.
MODEL_BATCH_QUEUE = "model-batches"
ALL_QUEUES = (MAINTENANCE_QUEUE, CALLBACK_QUEUE, MODEL_BATCH_QUEUE, *LANES)

#: The message header with the interval of a scheduled task, in seconds.
INTERVAL_HEADER = "propintel_interval_seconds"

#: The priorities of messages: 0 is the most urgent, 9 the least. Without `priority_steps`, Celery has only four levels
#: on Redis.
PRIORITIES = range(10)
DEFAULT_PRIORITY = 5

#: A task that runs longer than this gets `SoftTimeLimitExceeded`. After `TIME_LIMIT`, its process is killed.
SOFT_TIME_LIMIT = timedelta(seconds=270)
TIME_LIMIT = timedelta(seconds=300)
#: An unacknowledged message is delivered again after this time. It must exceed the time limit and every countdown.
VISIBILITY_TIMEOUT = timedelta(seconds=1800)


def lane_of(job: Job) -> str:
    """Return the queue for a job's message: the first lane if the job has run before, so it does not wait twice."""
    if job.started_at is not None:
        return SCRAPE_QUEUE
    return next(lane for lane, end in LANES.items() if job.position < end)


def message_priority(job: Job) -> int:
    """Return the message's priority: one level more urgent if the job has run before, so it does not wait twice."""
    return job.priority if job.started_at is None else max(PRIORITIES[0], job.priority - 1)


def celery_config(settings: Settings) -> dict[str, Any]:
    url = broker_url(settings)
    return {**_broker(url), **_results(url), **_delivery(), **_worker(settings), **_beat(url)}


def kombu_url(url: str) -> str:
    """Convert a Redis URL to the form that kombu and Celery's result backend need: `redis+socket://` for a Unix socket.

    For TLS, add `ssl_cert_reqs=required`, because kombu and Celery do not verify certificates by default.
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
        "broker_connection_max_retries": None,  # unlimited; the default gives up after 100 tries
        "broker_channel_error_retry": True,  # without this, a full or read-only Redis ends the worker
        "broker_transport_options": {
            "visibility_timeout": VISIBILITY_TIMEOUT.total_seconds(),
            "unacked_restore_interval": 10,
            "unacked_restore_throttle": 1,
            "socket_timeout": 30,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 25,
            "priority_steps": list(PRIORITIES),
            "queue_order_strategy": "round_robin",
        },
        # give up soon when the broker is unavailable, so that sending raises an error instead of hanging
        "task_publish_retry_policy": {"max_retries": 3, "interval_start": 0.1, "interval_step": 0.3, "interval_max": 1},
    }


def _results(url: str) -> dict[str, Any]:
    return {
        "result_backend": kombu_url(url),
        "result_expires": timedelta(minutes=10),  # the jobs table keeps results for longer
        "result_extended": False,
        "task_serializer": "json",
        "result_serializer": "json",
        "event_serializer": "json",
        "accept_content": ["json"],
        "enable_utc": True,
        "timezone": "UTC",
    }


def _queue(name: str) -> Queue:
    return Queue(name, Exchange(name, type="direct"), routing_key=name)  # type: ignore[no-untyped-call]


def _delivery() -> dict[str, Any]:
    return {
        "task_queues": [_queue(name) for name in ALL_QUEUES],
        "task_default_queue": SCRAPE_QUEUE,
        "task_default_priority": DEFAULT_PRIORITY,
        "task_routes": {
            "tasks.health.*": {"queue": MAINTENANCE_QUEUE},
            "tasks.alerts.*": {"queue": MAINTENANCE_QUEUE},
            "tasks.recovery.*": {"queue": MAINTENANCE_QUEUE},
            "tasks.pages.*": {"queue": MAINTENANCE_QUEUE},
            "tasks.watches.*": {"queue": MAINTENANCE_QUEUE},
            "tasks.batches.*": {"queue": MAINTENANCE_QUEUE},
            "tasks.changes.*": {"queue": MAINTENANCE_QUEUE},
            "tasks.delivery.*": {"queue": CALLBACK_QUEUE},
            "tasks.model_batches.look_at_batches": {"queue": MAINTENANCE_QUEUE},
            "tasks.model_batches.tend_batches": {"queue": MODEL_BATCH_QUEUE},
        },
        "task_create_missing_queues": False,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_retry_on_worker_lost": True,  # a redelivery counts as a retry, so that it cannot loop forever
        "task_soft_time_limit": SOFT_TIME_LIMIT.total_seconds(),
        "task_time_limit": TIME_LIMIT.total_seconds(),
        "task_track_started": True,
        "task_send_sent_event": True,
    }


def _worker(settings: Settings) -> dict[str, Any]:
    return {
        "worker_concurrency": settings.jobs.worker_concurrency,  # if None, one process per processor
        "worker_prefetch_multiplier": 1,
        "worker_send_task_events": True,
        "worker_soft_shutdown_timeout": 10.0,  # needs REMAP_SIGTERM=SIGQUIT, which the Procfile sets
        "worker_max_tasks_per_child": 1000,
        "worker_max_memory_per_child": 600_000,  # KiB
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_redirect_stdouts": False,
    }


def _beat(url: str) -> dict[str, Any]:
    """Return beat's configuration. The user name and password of the Redis URL become separate options.

    A worker sends its configuration to Flower. Celery hides passwords only in the broker's URL and in options with
    known names, so `redbeat_redis_url` must contain no password.
    """
    parts = urlsplit(url)
    login, at, _ = parts.netloc.rpartition("@")
    given = {"username": unquote(parts.username or ""), "password": unquote(parts.password or "")}
    return {
        # Only one beat is active. If it crashes, another takes over within the lock timeout plus the loop interval.
        "beat_max_loop_interval": 2,
        "redbeat_redis_url": url.replace(f"{login}@", "", 1) if at else url,
        "redbeat_redis_options": {"socket_timeout": 30, **{name: text for name, text in given.items() if text}},
        "redbeat_key_prefix": "propintel:beat:",
        "redbeat_lock_timeout": 10,
    }
