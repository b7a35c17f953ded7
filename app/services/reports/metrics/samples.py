"""Build samples of metrics from figures of the key pool's store, the database, and the broker.

Samples are keyed by metric name (`instruments.SPECS`), and show OpenAI keys only as masks. An unavailable source has no
samples, because zeros would look like a reset of all counters.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from app.property.storage.jobs.figures import JobFigures
from app.services.keys.view import KeyReport, amounts
from app.services.reports.metrics.instruments import Samples


def pool_samples(configured: int | None, report: KeyReport | None) -> dict[str, Samples]:
    """Return the pool's samples. `configured` is the number of configured keys, or None if they are unusable.

    If the keys are unusable and there is no report, `openai_pool_shared` is unknown and has no sample.
    """
    found: dict[str, Samples] = {}
    if configured is not None:
        found |= {"openai_pool_shared": {(): 0.0}, "openai_keys_configured": {(): float(configured)}}
    if report is None:
        return found
    masks, groups, snapshots = report.masks, report.figures.groups, report.snapshots
    calls, models = report.figures.calls, report.figures.models
    # a key without a limit group is its own group, whose name is the key's id, which must not be exported
    capacities = [c._replace(group=masks.get(c.group, c.group)) for c in report.figures.capacities]
    group_of = {s.key_id: groups.get(s.key_id, s.key_id) for s in snapshots}
    spent, day, key_day = amounts(report.spent), amounts(report.budget.day), amounts(report.budget.key_day)
    return found | {
        "openai_requests": {
            (masks[call.key_id], call.model, outcome.value): count
            for call in calls
            for outcome, count in call.outcomes.items()
        },
        "openai_tokens": {
            (masks[call.key_id], call.model, kind): tokens
            for call in calls
            for kind, tokens in (("input", call.input_tokens), ("output", call.output_tokens))
        },
        "openai_cached_tokens": {(masks[call.key_id], call.model): call.cached_tokens for call in calls},
        "openai_cost_usd": {(masks[call.key_id], call.model): call.microusd / 1_000_000 for call in calls},
        "openai_key_transitions": {
            (masks[key_id], to): count
            for key_id, counts in report.figures.transitions.items()
            for to, count in counts.items()
        },
        "openai_key_state": {
            (masks[s.key_id], masks.get(group_of[s.key_id], group_of[s.key_id]), s.state): 1.0 for s in snapshots
        },
        "openai_key_in_flight": {(masks[s.key_id],): s.in_flight for s in snapshots},
        "openai_keys_healthy": {(): sum(s.is_healthy for s in report.configured)},
        "openai_limit": {(c.group, c.model, c.unit): c.per_minute for c in capacities},
        "openai_capacity": {(c.group, c.model, c.unit): c.left for c in capacities},
        "openai_wait_seconds": {
            (model.model,): (list(map(float, accumulate(model.waits))), model.waited_us / 1_000_000) for model in models
        },
        "openai_refusals": {(model.model, why): n for model in models for why, n in model.refusals.items()},
        "openai_saturated_seconds": {
            (model.model, unit): us / 1_000_000 for model in models for unit, us in model.saturated_us.items()
        },
        "openai_store_losses": {(): report.losses},
        "openai_pool_shared": {(): 1.0},
        "spent_today": {(unit,): used for unit, used in spent.items()},
        "budget_limit": {
            (budget, unit): cap for budget, caps in (("day", day), ("key_day", key_day)) for unit, cap in caps.items()
        },
        "budget_left": {("day", unit): max(0.0, cap - spent[unit]) for unit, cap in day.items()},
        "budget_key_left": {
            (masks[s.key_id], unit): max(0.0, cap - amounts(s.spent_today)[unit])
            for s in report.configured
            for unit, cap in key_day.items()
        },
    }


def job_samples(figures: JobFigures | None, messages: Mapping[str, int] | None) -> dict[str, Samples]:
    """Return the samples of the database and the broker. For an unavailable source, the argument is None."""
    found: dict[str, Samples] = {}
    if messages is not None:
        found["queue_messages"] = {(queue,): count for queue, count in messages.items()}
    if figures is not None:
        requests, day = figures.requests, figures.watch_day
        found |= {
            "jobs": {(state,): count for state, count in figures.counts.items()},
            "oldest_queued_job_age_seconds": {(): figures.oldest_queued_seconds},
            "model_requests": {("parked",): requests.parked, ("sent",): requests.sent},
            "oldest_model_request_age_seconds": {(): requests.oldest_seconds},
            "model_batches": {(): figures.model_batches},
            "watches": {(str(status),): count for status, count in figures.watches.items()},
            "watch_spent_today": {("page",): day.pages, ("model_call",): day.model_calls} if day else {},
        }
    return found


@dataclass(frozen=True, slots=True)
class HealthFigures:
    """The database's figures: when each key id was first seen, and (kind, severity) of each firing alert."""

    first_seen: Mapping[str, datetime]
    firing: Sequence[tuple[str, str]]


def health_samples(figures: HealthFigures | None, masks: Mapping[str, str]) -> dict[str, Samples]:
    """Return the samples of keys and alerts. Keys without a mask were removed long ago, and are omitted."""
    if figures is None:
        return {}
    seen = {(masks[key_id],): at.timestamp() for key_id, at in figures.first_seen.items() if key_id in masks}
    return {"openai_key_first_seen_timestamp_seconds": seen, "alerts_firing": Counter(figures.firing)}
