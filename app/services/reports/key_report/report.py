"""Build, log, export, and store the key report: the specification's stats, advice, and firing alerts."""

import json
import logging
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from app.plurals import counted
from app.property.storage.keys.tables import Alert
from app.redis.embedded_valkey import quick_connection
from app.services.reports.key_report.advice import Advice
from app.settings import Settings

log = logging.getLogger(__name__)

#: Maximum number of alerts, and of pieces of advice, in a report. A report must be short, because it is a task's
#: result.
MOST_ALERTS = 10
MOST_ADVICE = 10
_ALERT_FIELDS = ("kind", "subject", "severity", "message", "fired_at")
MOST_UNHEALTHY = 20
_KEY = "{propintel}:key-report"
KEPT_SECONDS = 30 * 86_400
_TIMEOUT_SECONDS = 2.0
#: States of unhealthy keys. States that need an operator come first, and temporary states last.
_OUT_OF_ROTATION = ("dead", "no_quota", "open", "half_open", "cooling")


def make_report(stats: Mapping[str, Any], advice: Sequence[Advice], firing: Sequence[Alert]) -> dict[str, Any]:
    """Add advice and alerts to `stats`, the `data` of the specification's stats response.

    At most `MOST_ADVICE` pieces of advice and `MOST_ALERTS` alerts are added. `alerts_firing` is the number of all
    firing alerts.
    """
    alerts = [alert.as_json() for alert in firing[:MOST_ALERTS]]
    return {
        **stats,
        "advice": [piece.as_json() for piece in advice[:MOST_ADVICE]],
        "alerts": [{name: alert[name] for name in _ALERT_FIELDS} for alert in alerts],
        "alerts_firing": len(firing),
    }


def summary_of(report: Mapping[str, Any]) -> str:
    """Return one line such as `OpenAI keys: 2 of 3 healthy, 9 requests, 3 failures, strategy random`.

    The numbers of disabled keys and of firing alerts are appended if they are not 0.
    """
    requests = sum(key["requests"] for key in report["keys"].values())
    failures = sum(key["failures"] for key in report["keys"].values())
    line = f"OpenAI keys: {report['healthy_keys']} of {report['total_keys']} healthy, {counted(requests, 'request')}, "
    line += f"{counted(failures, 'failure')}, strategy {report['rotation_strategy']}"
    if disabled := sum(key["state"] == "disabled" for key in report["keys"].values()):
        line += f", {disabled} disabled by an operator"
    firing = report["alerts_firing"]
    return f"{line}, {firing} {'alert' if firing == 1 else 'alerts'} firing" if firing else line


def log_report(report: Mapping[str, Any]) -> None:
    """Log the summary, a line for each disabled, failing, or rate-limited key, and advice that is a warning."""
    log.info(summary_of(report))
    for mask, figures in report["keys"].items():
        if line := _line(mask, figures):
            log.log(logging.INFO if figures["state"] == "disabled" else logging.WARNING, line)
    log_advice(report)


def log_advice(report: Mapping[str, Any]) -> None:
    for piece in report["advice"]:
        if piece["severity"] == "warning":
            log.warning("Advice: %s", piece["sentence"])


def _line(mask: str, figures: Mapping[str, Any]) -> str | None:
    match figures["state"]:
        case "open" | "half_open":
            return f"Circuit breaker opened for OpenAI key {mask} after {counted(figures['failures'], 'failure')}"
        case "cooling":
            return f"Rate limited on OpenAI key {mask} backing off for {figures['resting_seconds']}s"
        case "dead":
            return f"OpenAI key {mask} was refused (401): out of rotation until it is replaced"
        case "no_quota":
            return f"OpenAI key {mask} has no quota left: its limit group is out of rotation"
        case "disabled":
            return f"OpenAI key {mask} is disabled by an operator: it gets no request until it is enabled"
    return None


def keep_report(settings: Settings, report: Mapping[str, Any], at: datetime) -> None:
    """Store the report in Redis. Raises `BrokerUnavailableError` if Redis does not answer."""
    content = json.dumps(shown(report, at))
    with quick_connection(settings, _TIMEOUT_SECONDS) as connection:
        connection.set(_KEY, content, ex=KEPT_SECONDS)


def newest_report(settings: Settings) -> dict[str, Any] | None:
    """Return the newest report (see `shown`), or None. Raises `BrokerUnavailableError` if Redis does not answer."""
    with quick_connection(settings, _TIMEOUT_SECONDS) as connection:
        content = connection.get(_KEY)
    return json.loads(content) if content is not None else None


def shown(report: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """Return a short form of the report, which was made at `at`, in JSON types.

    `unhealthy` has at most `MOST_UNHEALTHY` keys, ordered by state. `unhealthy_left_off` is the number of omitted keys.
    """
    unhealthy = [
        {"key": mask, "state": figures["state"], "failures": figures["failures"]}
        for mask, figures in report["keys"].items()
        if figures["state"] in _OUT_OF_ROTATION
    ]
    unhealthy.sort(key=lambda key: _OUT_OF_ROTATION.index(key["state"]))
    return {
        "reported_at": at.isoformat(),
        "healthy_keys": report["healthy_keys"],
        "total_keys": report["total_keys"],
        "unhealthy": unhealthy[:MOST_UNHEALTHY],
        "unhealthy_left_off": max(0, len(unhealthy) - MOST_UNHEALTHY),
        "summary": summary_of(report),
        "advice": report["advice"],
    }


def export_report(report: Mapping[str, Any], path: Path, at: datetime) -> None:
    """Write the report to a JSON file atomically. Log an error instead of raising it.

    The file is `{"reported_at", "data": the specification's stats, "advice", "alerts",
    "alerts_firing"}`.
    """
    added = ("advice", "alerts", "alerts_firing")
    data = {name: value for name, value in report.items() if name not in added}
    content = {"reported_at": at.isoformat(timespec="seconds"), "data": data, **{name: report[name] for name in added}}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
            json.dump(content, file, indent=2)
        Path(file.name).replace(path)
    except OSError as exc:
        log.error("OPENAI_STATS_FILE %s could not be written (%s)", path, exc.strerror or type(exc).__name__)
