"""Purge all data about a page, a host, a property, an address, or a person from the database and Redis."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis

from app.errors.broker import BrokerUnavailableError
from app.errors.fetching import BlockedAddressError
from app.errors.storage import StoreError
from app.errors.targets import InvalidHostError, InvalidTargetError
from app.property.fetch.guard.check import check_url
from app.property.storage.database import Database
from app.property.storage.privacy.repository import PurgeStore
from app.property.storage.privacy.scope import PurgeKind
from app.property.storage.privacy.suppressions import host_of
from app.property.urls.site import is_public_suffix
from app.property.urls.targets import normalize_url
from app.redaction import redact
from app.redis.embedded_valkey import connect
from app.settings import Settings

log = logging.getLogger(__name__)

#: Redis key of the result of a Celery task, in which an error message may contain a URL.
_RESULT = "celery-task-meta-{}"
_AT_ONCE = 1000
_REWRITE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class PurgeResult:
    """The result of a purge or a dry run. `removed` is the number of rows deleted, or to be deleted, by table.

    `wiped` is True if the deleted data was also overwritten in the database's files.
    """

    kind: PurgeKind
    dry_run: bool
    removed: dict[str, int]
    wiped: bool

    def as_json(self) -> dict[str, Any]:
        return {"kind": str(self.kind), "dry_run": self.dry_run, "removed": self.removed, "wiped": self.wiped}


def purge(
    settings: Settings, database: Database, kind: PurgeKind, name: str, *, who: str, dry_run: bool
) -> PurgeResult:
    """Delete all data about `name`, or only count it in a dry run.

    Raises `InvalidTargetError` for an invalid URL or address, `InvalidHostError` for a host that is invalid or a public
    suffix, and `InvalidPersonError` for an unusable name. After these errors, nothing is deleted. After an error of the
    database, call this again. If Redis is unavailable, task results of purged jobs stay there for up to ten minutes.
    """
    name = _checked_host(name) if kind is PurgeKind.HOST else name
    purged = PurgeStore(database).purge(kind, name, who=who, dry_run=dry_run)
    if dry_run:
        return PurgeResult(kind, True, purged.removed, wiped=False)
    summary = ", ".join(f"{count} {what}" for what, count in purged.removed.items()) or "nothing was stored"
    log.warning("Purge of a %s by %s: %s", kind, who, summary, extra={"kind": str(kind), "who": who, **purged.removed})
    _forget_results(settings, purged.job_ids)
    return PurgeResult(kind, False, purged.removed, wiped=_wiped(database))


def _checked_host(name: str) -> str:
    text = name.strip()
    try:
        host = host_of(normalize_url(check_url(f"http://{text}/")))
    except (InvalidTargetError, BlockedAddressError):
        host = ""
    if not host or any(char in text.partition("]")[2 if text.startswith("[") else 0] for char in "/?#@:\\"):
        raise InvalidHostError(text[:200], "it is not a host name")
    if is_public_suffix(host):
        raise InvalidHostError(host, "its subdomains belong to different owners")
    return host


# --- data outside of the database's tables


def _forget_results(settings: Settings, job_ids: Sequence[str]) -> None:
    try:
        with connect(settings, within_seconds=3) as connection:
            for start in range(0, len(job_ids), _AT_ONCE):
                connection.delete(*(_RESULT.format(job_id) for job_id in job_ids[start : start + _AT_ONCE]))
            if job_ids:
                _rewrite(connection)
    except (BrokerUnavailableError, redis.RedisError) as exc:
        log.warning("Results of purged jobs stay in Redis for ten minutes at most: %s", redact(str(exc)))


def _rewrite(connection: redis.Redis) -> None:
    """Make Redis rewrite its append-only file, which still contains the deleted results."""
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
        log.info("Redis did not rewrite its append-only file: %s", redact(str(exc)))


def _wiped(database: Database) -> bool:
    try:
        return database.wipe_free_space()
    except StoreError as exc:
        log.warning("Purged data may remain in free space of the database's files: %s", redact(str(exc)))
        return False
