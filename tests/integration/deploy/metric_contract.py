"""The metrics that rules and dashboard may speak of: names, kinds, labels, and the values of labels that have few.

Names, kinds and labels are those that the door exports; `outcome` and `reason` of the pool come from its own words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from app.keypool.figures import Transition, Unit
from app.keypool.outcomes import Outcome
from app.keypool.stores.base import Reason
from app.property.store import RecoveryReason
from app.services.metrics.exposition import ALL

_STATES = frozenset({"closed", "open", "half_open", "dead", "no_quota", "cooling", "disabled", "draining"})
_MONEY = frozenset({"calls", "tokens", "usd"})
_DELIVERIES = frozenset({"delivered", "failed"})
#: (name, label): all values that it may have
_VALUES: dict[tuple[str, str], frozenset[str]] = {
    ("propintel_openai_requests_total", "outcome"): frozenset(Outcome),
    ("propintel_openai_tokens_total", "kind"): frozenset({"input", "output"}),
    ("propintel_openai_key_transitions_total", "to"): frozenset(get_args(Transition)),
    ("propintel_openai_key_state", "state"): _STATES,
    ("propintel_openai_limit", "unit"): frozenset(get_args(Unit)),
    ("propintel_openai_room", "unit"): frozenset(get_args(Unit)),
    ("propintel_openai_refusals_total", "reason"): frozenset(get_args(Reason)),
    ("propintel_openai_saturated_seconds_total", "unit"): frozenset(get_args(Unit)),
    ("propintel_spent_today", "unit"): _MONEY,
    ("propintel_budget_limit", "budget"): frozenset({"day", "key_day"}),
    ("propintel_budget_limit", "unit"): _MONEY,
    ("propintel_budget_left", "budget"): frozenset({"day"}),
    ("propintel_budget_left", "unit"): _MONEY,
    ("propintel_budget_key_left", "unit"): _MONEY,
    ("propintel_jobs", "state"): frozenset({"queued", "running", "deferred", "done", "failed", "cancelled"}),
    ("propintel_scrape_source_up", "source"): frozenset({"redis", "database", "broker"}),
    ("propintel_job_seconds", "outcome"): frozenset({"done", "failed", "deferred", "retried", "lost"}),
    ("propintel_jobs_finished_total", "outcome"): frozenset({"done", "failed"}),
    ("propintel_jobs_recovered_total", "reason"): frozenset(RecoveryReason),
    ("propintel_model_answers_total", "outcome"): frozenset({"asked", "batch", "kept", "failed", "no_key", "budget"}),
    ("propintel_model_batch_requests_total", "outcome"): frozenset({"answered", "failed", "returned", "lost"}),
    ("propintel_model_requests", "state"): frozenset({"parked", "sent"}),
    ("propintel_callbacks_total", "outcome"): _DELIVERIES,
    ("propintel_alert_notifications_total", "outcome"): _DELIVERIES | {"given_up"},
    ("propintel_change_deliveries_total", "outcome"): _DELIVERIES,
    ("propintel_alerts_firing", "severity"): frozenset({"warning", "critical"}),
}


@dataclass(frozen=True)
class Metric:
    """One metric; `labels` maps each label to all its values, or to None if they are not a closed set."""

    name: str
    kind: str
    labels: dict[str, frozenset[str] | None]


def metrics() -> dict[str, Metric]:
    """By name, as an exposition has them: a histogram is here under its own name."""
    return {
        spec.shown: Metric(spec.shown, spec.kind, {label: _VALUES.get((spec.shown, label)) for label in spec.labels})
        for spec in ALL
    }


def queried() -> dict[str, Metric]:
    """By the names that queries have: a histogram's are its buckets, sum and count. `up` is Prometheus' own."""
    found = {"up": Metric("up", "gauge", {})}
    for name, metric in metrics().items():
        if metric.kind != "histogram":
            found[name] = metric
            continue
        found[f"{name}_bucket"] = Metric(f"{name}_bucket", "counter", {**metric.labels, "le": None})
        found |= {f"{name}_{part}": Metric(f"{name}_{part}", "counter", metric.labels) for part in ("sum", "count")}
    return found


#: of the target, not of the metric
TARGET_LABELS = frozenset({"job", "instance", "pod"})
