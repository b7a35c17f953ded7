"""The metrics that are read where they are kept: in the key pool's store, in the database, and in the broker.

Each spec has the function that reads its samples. A source that does not answer has no samples: zeros would look as if
all counters had begun anew. Keys go by their masks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from prometheus_client.metrics_core import Metric

from app.keypool.figures import CallFigures, Room
from app.property.storage.jobs.figures import JobFigures
from app.services.keys.view import KeyReport, amounts
from app.services.reports.metrics.specs import SPECS, Samples, Spec


def _per_call(value: Callable[[CallFigures], float]) -> Callable[[KeyReport], Samples]:
    """Return what reads a figure by key and model."""
    return lambda report: {(report.masks[call.key_id], call.model): value(call) for call in report.figures.calls}


def _per_room(value: Callable[[Room], float]) -> Callable[[KeyReport], Samples]:
    """Return what reads a figure of limits. A key that shares none is its own group, under its id, never shown."""
    return lambda report: {
        (report.masks.get(room.group, room.group), room.model, room.unit): value(room) for room in report.figures.rooms
    }


def _requests(report: KeyReport) -> Samples:
    calls = report.figures.calls
    return {(report.masks[c.key_id], c.model, out.value): n for c in calls for out, n in c.outcomes.items()}


def _tokens(report: KeyReport) -> Samples:
    return {
        (report.masks[call.key_id], call.model, kind): tokens
        for call in report.figures.calls
        for kind, tokens in (("input", call.input_tokens), ("output", call.output_tokens))
    }


def _states(report: KeyReport) -> Samples:
    masks, groups = report.masks, report.figures.groups
    named = ((s, groups.get(s.key_id, s.key_id)) for s in report.snapshots)
    return {(masks[s.key_id], masks.get(group, group), s.state): 1.0 for s, group in named}


def _waits(report: KeyReport) -> Samples:
    models = report.figures.models
    return {(m.model,): (list(map(float, accumulate(m.waits))), m.waited_us / 1_000_000) for m in models}


def _budget_limits(report: KeyReport) -> Samples:
    budgets = {"day": report.budget.day, "key_day": report.budget.key_day}
    return {(name, unit): cap for name, caps in budgets.items() for unit, cap in amounts(caps).items()}


def _budget_left(report: KeyReport) -> Samples:
    spent = amounts(report.spent)
    return {("day", unit): max(0.0, cap - spent[unit]) for unit, cap in amounts(report.budget.day).items()}


def _key_left(report: KeyReport) -> Samples:
    return {
        (report.masks[s.key_id], unit): max(0.0, cap - amounts(s.spent_today)[unit])
        for s in report.snapshots
        for unit, cap in amounts(report.budget.key_day).items()
        if s.state != "draining"
    }


CONFIGURED = SPECS["openai_keys_configured"]
SHARED = SPECS["openai_pool_shared"]
POOL: dict[Spec, Callable[[KeyReport], Samples]] = {
    SPECS["openai_requests"]: _requests,
    SPECS["openai_tokens"]: _tokens,
    SPECS["openai_cached_tokens"]: _per_call(lambda call: call.cached_tokens),
    SPECS["openai_cost_usd"]: _per_call(lambda call: call.microusd / 1_000_000),
    SPECS["openai_key_transitions"]: lambda report: {
        (report.masks[key], to): n for key, counts in report.figures.transitions.items() for to, n in counts.items()
    },
    SPECS["openai_key_state"]: _states,
    SPECS["openai_key_in_flight"]: lambda report: {(report.masks[s.key_id],): s.in_flight for s in report.snapshots},
    CONFIGURED: lambda _: {},
    SPECS["openai_keys_healthy"]: (
        lambda report: {(): sum(s.is_healthy and s.state != "draining" for s in report.snapshots)}
    ),
    SPECS["openai_limit"]: _per_room(lambda room: room.per_minute),
    SPECS["openai_room"]: _per_room(lambda room: room.left),
    SPECS["openai_wait_seconds"]: _waits,
    SPECS["openai_refusals"]: lambda report: {
        (m.model, why): n for m in report.figures.models for why, n in m.refusals.items()
    },
    SPECS["openai_saturated_seconds"]: lambda report: {
        (m.model, unit): us / 1e6 for m in report.figures.models for unit, us in m.saturated_us.items()
    },
    SPECS["openai_store_losses"]: lambda report: {(): report.losses},
    SHARED: lambda _: {(): 1.0},
    SPECS["spent_today"]: lambda report: {(unit,): used for unit, used in amounts(report.spent).items()},
    SPECS["budget_limit"]: _budget_limits,
    SPECS["budget_left"]: _budget_left,
    SPECS["budget_key_left"]: _key_left,
}
JOBS: dict[Spec, Callable[[JobFigures], Samples]] = {
    SPECS["jobs"]: lambda figures: {(state,): count for state, count in figures.counts.items()},
    SPECS["oldest_queued_job_age_seconds"]: lambda figures: {(): figures.oldest_queued_seconds},
    SPECS["model_requests"]: lambda figures: {("parked",): figures.requests.parked, ("sent",): figures.requests.sent},
    SPECS["oldest_model_request_age_seconds"]: lambda figures: {(): figures.requests.oldest_seconds},
    SPECS["model_batches"]: lambda figures: {(): figures.model_batches},
    SPECS["watches"]: lambda figures: {(str(status),): count for status, count in figures.watches.items()},
    SPECS["watch_spent_today"]: lambda figures: (
        {("page",): figures.watch_day.pages, ("model_call",): figures.watch_day.model_calls}
        if figures.watch_day
        else {}
    ),
}
QUEUE = SPECS["queue_messages"]
FIRST_SEEN = SPECS["openai_key_first_seen_timestamp_seconds"]
FIRING = SPECS["alerts_firing"]


def pool_families(configured: int | None, report: KeyReport | None) -> list[Metric]:
    """Return every family of the pool. `configured` is the number of keys, None if they cannot be used. Without keys
    that can be used nobody has looked whether the pool is shared."""
    samples = {spec: read(report) for spec, read in POOL.items()} if report is not None else {}
    if configured is not None:
        samples = {SHARED: {(): 0.0}, **samples, CONFIGURED: {(): float(configured)}}
    return [spec.family(samples.get(spec)) for spec in POOL]


def job_families(figures: JobFigures | None, messages: Mapping[str, int] | None) -> list[Metric]:
    """Return those of the database and of the broker; None for one that does not answer."""
    waits = {(queue,): float(count) for queue, count in messages.items()} if messages is not None else None
    jobs = [spec.family(read(figures) if figures else None) for spec, read in JOBS.items()]
    return [*jobs, QUEUE.family(waits)]


@dataclass(frozen=True, slots=True)
class HealthFigures:
    """What the database knows of the keys: `first_seen` by key id; `firing` has alert and severity of each subject."""

    first_seen: Mapping[str, datetime]
    firing: Sequence[tuple[str, str]]


def health_families(figures: HealthFigures | None, masks: Mapping[str, str]) -> list[Metric]:
    """Return those of keys and alerts. Keys that `masks` does not name were taken out long ago and are left out."""
    if figures is None:
        return [FIRST_SEEN.family(), FIRING.family()]
    seen = {(masks[key_id],): at.timestamp() for key_id, at in figures.first_seen.items() if key_id in masks}
    return [FIRST_SEEN.family(seen), FIRING.family(Counter(figures.firing))]
