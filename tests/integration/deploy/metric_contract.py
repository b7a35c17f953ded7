"""The metrics that rules and dashboard may speak of: names, kinds, labels, and the values of labels that have few.

The one place that knows them in these tests. `outcome` and `reason` of the pool come from its own words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import get_args

from app.keypool.figures import Transition, Unit
from app.keypool.outcomes import Outcome
from app.keypool.stores.base import Reason

#: name{labels} kind
_METRICS = """
propintel_openai_requests_total{key,model,outcome} counter
propintel_openai_tokens_total{key,model,kind} counter
propintel_openai_cost_usd_total{key,model} counter
propintel_openai_key_transitions_total{key,to} counter
propintel_openai_key_state{key,limit_group,state} gauge
propintel_openai_key_in_flight{key} gauge
propintel_openai_key_first_seen_timestamp_seconds{key} gauge
propintel_openai_keys_configured gauge
propintel_openai_keys_healthy gauge
propintel_openai_limit{limit_group,model,unit} gauge
propintel_openai_room{limit_group,model,unit} gauge
propintel_openai_wait_seconds{model} histogram
propintel_openai_refusals_total{model,reason} counter
propintel_openai_saturated_seconds_total{model,unit} counter
propintel_openai_store_losses_total counter
propintel_openai_pool_shared gauge
propintel_spent_today{unit} gauge
propintel_budget_limit{budget,unit} gauge
propintel_budget_left{budget,unit} gauge
propintel_budget_key_left{key,unit} gauge
propintel_jobs{state} gauge
propintel_oldest_queued_job_age_seconds gauge
propintel_queue_messages{queue} gauge
propintel_jobs_finished_total{outcome,error} counter
propintel_job_deferrals_total{reason} counter
propintel_job_retries_total{reason} counter
propintel_job_seconds{outcome} histogram
propintel_jobs_recovered_total counter
propintel_pages_total{outcome} counter
propintel_fetch_seconds histogram
propintel_fields_total{source} counter
propintel_model_values_dropped_total counter
propintel_model_answers_total{outcome} counter
propintel_model_call_seconds{model} histogram
propintel_batches_completed_total counter
propintel_callbacks_total{outcome} counter
propintel_health_report_timestamp_seconds gauge
propintel_alerts_firing{alert,severity} gauge
propintel_alert_notifications_total{outcome} counter
propintel_http_requests_total{method,route,status} counter
propintel_http_request_seconds{method,route} histogram
propintel_build_info{version} gauge
"""
_STATES = frozenset({"closed", "open", "half_open", "dead", "no_quota", "cooling", "draining"})
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
    ("propintel_budget_limit", "budget"): frozenset({"day"}),
    ("propintel_budget_limit", "unit"): _MONEY,
    ("propintel_budget_left", "budget"): frozenset({"day"}),
    ("propintel_budget_left", "unit"): _MONEY,
    ("propintel_budget_key_left", "unit"): _MONEY,
    ("propintel_jobs", "state"): frozenset({"queued", "running", "deferred", "done", "failed", "cancelled"}),
    ("propintel_jobs_finished_total", "outcome"): frozenset({"done", "failed"}),
    ("propintel_model_answers_total", "outcome"): frozenset({"asked", "kept", "failed", "no_key", "budget"}),
    ("propintel_callbacks_total", "outcome"): _DELIVERIES,
    ("propintel_alert_notifications_total", "outcome"): _DELIVERIES | {"given_up"},
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
    found = {}
    for name, labels, kind in re.findall(r"^(\w+)(?:\{([\w,]*)\})? (\w+)$", _METRICS, flags=re.MULTILINE):
        names = labels.split(",") if labels else []
        found[name] = Metric(name, kind, {label: _VALUES.get((name, label)) for label in names})
    return found


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
