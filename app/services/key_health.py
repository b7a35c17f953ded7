"""The health report of the pool: collect what the processes publish, log it, export it.

Each process counts for itself and publishes its stats to Redis after a job; the report is their sum.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import redis

from app.services.embedded_valkey import redis_url
from app.services.openai_client_manager import build_manager
from app.settings import Settings

log = logging.getLogger(__name__)

_NAME = "{propintel}:key-stats"
#: A process that has published nothing for a day is gone, and its figures with it.
_TTL_SECONDS = 86_400
#: A cooldown that was published longer ago than this is over (specification: 60 seconds).
_COOLDOWN_SECONDS = 60.0


def publish(stats: dict[str, Any], connection: redis.Redis, now: datetime | None = None) -> None:
    """Store this process' stats where every door finds them. Figures and masks only, never a key.

    Nothing fails for it: without Redis a warning is logged and the next call tries again.
    """
    entry = {"at": (now or datetime.now(UTC)).timestamp(), "stats": stats}
    try:
        with connection.pipeline(transaction=False) as pipe:
            pipe.hset(_NAME, f"{socket.gethostname()}:{os.getpid()}", json.dumps(entry))
            pipe.expire(_NAME, _TTL_SECONDS)
            pipe.execute()
    except redis.RedisError as exc:
        log.warning("Key statistics could not be published (%s)", type(exc).__name__)


def fleet_stats(settings: Settings, now: datetime | None = None) -> dict[str, Any]:
    """The `data` of the specification's stats response, summed over all processes that publish.

    Without a broker the configured keys with nothing counted, `scope` "process".
    """
    with build_manager(settings) as manager:
        own = manager.get_stats()
    url = redis_url(settings)
    if url is None:
        return own
    try:
        with redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5) as connection:
            entries = _live_entries(connection, (now or datetime.now(UTC)).timestamp())
    except redis.RedisError as exc:
        log.warning("Key statistics of other processes could not be read (%s)", type(exc).__name__)
        return own
    return merge_stats(own, entries, (now or datetime.now(UTC)).timestamp())


def _live_entries(connection: redis.Redis, now: float) -> list[dict[str, Any]]:
    """What was published within a day; what is older is deleted."""
    found = {name: json.loads(value) for name, value in connection.hgetall(_NAME).items()}
    stale = [name for name, entry in found.items() if now - entry["at"] >= _TTL_SECONDS]
    if stale:
        connection.hdel(_NAME, *stale)
    return [entry for name, entry in found.items() if name not in stale]


def merge_stats(own: dict[str, Any], entries: Iterable[dict[str, Any]], now: float) -> dict[str, Any]:
    """`own` (all configured keys) with every process' counts added; a key's state is what was said of it last.

    `entries` are what `publish` stored, `now` is seconds since the epoch. Keys that are no longer configured are left
    out.
    """
    fresh = sorted((e for e in entries if now - e["at"] < _TTL_SECONDS), key=lambda e: float(e["at"]))
    keys = {mask: dict(figures) for mask, figures in own["keys"].items()}
    for entry in fresh:
        for mask, figures in entry["stats"]["keys"].items():
            if mask in keys and figures["requests"]:
                _add(keys[mask], figures, recent=now - entry["at"] < _COOLDOWN_SECONDS)
    healthy = sum(1 for k in keys.values() if not k["circuit_open"] and not k["rate_limited"])
    return {**own, "healthy_keys": healthy, "keys": keys, "scope": "fleet"}


def _add(total: dict[str, Any], figures: dict[str, Any], *, recent: bool) -> None:
    for name in ("requests", "successes", "failures"):
        total[name] += figures[name]
    total["last_used"] = max(filter(None, (total["last_used"], figures["last_used"])), default=None)
    total["circuit_open"] = figures["circuit_open"]
    total["rate_limited"] = figures["rate_limited"] and recent
    resting = figures["state"] == "cooling" and not recent
    total["state"] = "closed" if resting else figures["state"]


def log_report(stats: dict[str, Any]) -> None:
    """One summary line, and one line per key that takes no traffic."""
    requests = sum(k["requests"] for k in stats["keys"].values())
    failures = sum(k["failures"] for k in stats["keys"].values())
    log.info(
        "OpenAI keys: %d of %d healthy, %d requests, %d failures, strategy %s",
        stats["healthy_keys"],
        stats["total_keys"],
        requests,
        failures,
        stats["rotation_strategy"],
    )
    for mask, figures in stats["keys"].items():
        if figures["circuit_open"] or figures["rate_limited"]:
            log.warning("OpenAI key %s is %s after %d failures", mask, figures["state"], figures["failures"])


def export_report(stats: dict[str, Any], path: Path, now: datetime | None = None) -> None:
    """Write the report to a JSON file, whole or not at all: `{"reported_at": ..., "data": stats}`.

    Nothing fails for it: a file that cannot be written is logged.
    """
    report = {"reported_at": (now or datetime.now(UTC)).isoformat(timespec="seconds"), "data": stats}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
            json.dump(report, file, indent=2)
        Path(file.name).replace(path)
    except OSError as exc:
        log.error("OPENAI_STATS_FILE %s could not be written (%s)", path, exc.strerror or type(exc).__name__)
