"""The health report of the pool: collect it from the store, log it, export it."""

from __future__ import annotations

import json
import logging
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.services.key_view import KeyView
from app.settings import Settings

log = logging.getLogger(__name__)


def fleet_stats(settings: Settings) -> dict[str, Any]:
    """The `data` of the specification's stats response for the whole fleet.

    Without a Redis, or while it does not answer, the configured keys, and `scope` is "process".
    """
    with closing(KeyView(settings)) as view:
        return view.stats()


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
