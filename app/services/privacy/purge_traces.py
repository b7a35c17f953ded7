"""What a purge leaves outside of tables, and how it is removed there: results in Redis, and what a database keeps in
its files when rows are deleted.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

import redis

from app.errors.broker import BrokerUnavailableError
from app.errors.storage import StoreError
from app.property.storage.database import Database
from app.redaction import redact
from app.redis.embedded_valkey import connect
from app.settings import Settings

log = logging.getLogger(__name__)

#: where Celery keeps how a task ended: with an error's message, and so perhaps a URL
_RESULT = "celery-task-meta-{}"
_AT_ONCE = 1000
_REWRITE_SECONDS = 10.0


def forget_results(settings: Settings, job_ids: Sequence[str]) -> None:
    """Remove what Redis has of these jobs. While it is away that stays there for ten minutes at most, by itself."""
    try:
        with connect(settings, within_seconds=3) as connection:
            for start in range(0, len(job_ids), _AT_ONCE):
                connection.delete(*(_RESULT.format(job_id) for job_id in job_ids[start : start + _AT_ONCE]))
            if job_ids:
                _rewrite(connection)
    except (BrokerUnavailableError, redis.RedisError) as exc:
        log.warning("Results of purged jobs stay in Redis for ten minutes at most: %s", redact(str(exc)))


def _rewrite(connection: redis.Redis) -> None:
    """Have Redis write its append-only file anew, which holds what was deleted; a server that others run may refuse."""
    try:
        if not connection.info("persistence").get("aof_enabled"):
            return
        connection.bgrewriteaof()
        until = time.monotonic() + _REWRITE_SECONDS
        while time.monotonic() < until:
            state = connection.info("persistence")
            if not (state.get("aof_rewrite_in_progress") or state.get("aof_rewrite_scheduled")):
                return
            time.sleep(0.05)
    except redis.ResponseError as exc:
        log.info("Redis keeps its append-only file as it is: %s", redact(str(exc)))


def wiped(database: Database) -> bool:
    """Whether what was deleted is overwritten in the database's files as well."""
    try:
        return database.wipe_free_space()
    except StoreError as exc:
        log.warning("What was purged may still stand in free space of the database's files: %s", redact(str(exc)))
        return False
