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
from typing import get_args

from prometheus_client.metrics_core import Metric

from app.keypool.figures import WAIT_BOUNDS_S, CallFigures, Room, Transition, Unit
from app.keypool.outcomes import Outcome
from app.keypool.snapshots import State
from app.keypool.stores.base import Reason
from app.property.storage.jobs.figures import JobFigures
from app.property.storage.keys.alerts import Severity
from app.property.storage.tables import ACTIVE
from app.property.storage.watches.budget import Charge
from app.property.storage.watches.models import WatchStatus
from app.services.keys.view import KeyReport, amounts
from app.services.reports.health.alarms import Kind
from app.services.reports.metrics.specs import KEY, LIMIT_GROUP, MODEL, Label, Samples, Spec

_LIMIT = (LIMIT_GROUP, MODEL, Label("unit", get_args(Unit)))
_BUDGET_UNIT = Label("unit", ("calls", "tokens", "usd"))


def _gauge(name: str, text: str, labels: tuple[Label, ...] = ()) -> Spec:
    return Spec("gauge", name, text, labels)


def _counter(name: str, text: str, labels: tuple[Label, ...] = ()) -> Spec:
    return Spec("counter", name, text, labels)


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


CONFIGURED = _gauge("propintel_openai_keys_configured", "Keys that are configured.")
SHARED = _gauge("propintel_openai_pool_shared", "1 if the pool's figures are the fleet's; 0 while no Redis answers.")
POOL: dict[Spec, Callable[[KeyReport], Samples]] = {
    _counter(
        "propintel_openai_requests",
        "Requests to the API that have ended, by how: success, rate_limited, quota_exhausted, invalid_key and so on.",
        (KEY, MODEL, Label("outcome", tuple(Outcome))),
    ): _requests,
    _counter(
        "propintel_openai_tokens",
        "Tokens that responses said were used.",
        (KEY, MODEL, Label("kind", ("input", "output"))),
    ): _tokens,
    _counter(
        "propintel_openai_cached_tokens", "Input tokens that came from the provider's cache.", (KEY, MODEL)
    ): _per_call(lambda call: call.cached_tokens),
    _counter("propintel_openai_cost_usd", "Estimated cost of requests in US dollars.", (KEY, MODEL)): (
        _per_call(lambda call: call.microusd / 1_000_000)
    ),
    _counter(
        "propintel_openai_key_transitions",
        "What befell a key: its circuit went open or closed, it is dead (401), has no_quota, or is cooling (429).",
        (KEY, Label("to", get_args(Transition))),
    ): lambda report: {
        (report.masks[key], to): n for key, counts in report.figures.transitions.items() for to, n in counts.items()
    },
    _gauge(
        "propintel_openai_key_state",
        "1 for the state a key is in: closed (in use), open, half_open, dead, no_quota, cooling, disabled, draining.",
        (KEY, LIMIT_GROUP._replace(follows=True), Label("state", get_args(State))),
    ): _states,
    _gauge("propintel_openai_key_in_flight", "Requests under way with a key.", (KEY,)): (
        lambda report: {(report.masks[s.key_id],): s.in_flight for s in report.snapshots}
    ),
    CONFIGURED: lambda _: {},
    _gauge("propintel_openai_keys_healthy", "Keys that take requests now; one resting after a 429 does not."): (
        lambda report: {(): sum(s.is_healthy and s.state != "draining" for s in report.snapshots)}
    ),
    _gauge(
        "propintel_openai_limit",
        "A limit as the API told it: requests or tokens a minute. limit_group is the mask of a key that shares none.",
        _LIMIT,
    ): _per_room(lambda room: room.per_minute),
    _gauge("propintel_openai_room", "What is left of a limit now: requests or tokens.", _LIMIT): (
        _per_room(lambda room: room.left)
    ),
    Spec(
        "histogram",
        "propintel_openai_wait_seconds",
        "Seconds that sent requests had waited for their key.",
        (MODEL,),
        WAIT_BOUNDS_S,
    ): _waits,
    _counter(
        "propintel_openai_refusals",
        "Requests that got no key in time: no_room, quota, dead, circuit, forbidden, barred, budget, disabled.",
        (MODEL, Label("reason", get_args(Reason))),
    ): lambda report: {(m.model, why): n for m in report.figures.models for why, n in m.refusals.items()},
    _counter(
        "propintel_openai_saturated_seconds",
        "Seconds in which no key had room for a request of the size that asked, by the limit: requests or tokens.",
        (MODEL, _LIMIT[-1]),
    ): lambda report: {(m.model, unit): us / 1e6 for m in report.figures.models for unit, us in m.saturated_us.items()},
    _counter("propintel_openai_store_losses", "Times a process lost the pool's Redis and went on alone."): (
        lambda report: {(): report.losses}
    ),
    SHARED: lambda _: {(): 1.0},
    _gauge(
        "propintel_spent_today", "Model calls, tokens and US dollars used this UTC day.", (_BUDGET_UNIT,)
    ): lambda report: {(unit,): used for unit, used in amounts(report.spent).items()},
    _gauge(
        "propintel_budget_limit",
        "A configured budget, in calls, tokens or US dollars: of all together (day), or of each key (key_day).",
        (Label("budget", ("day", "key_day")), _BUDGET_UNIT),
    ): _budget_limits,
    _gauge(
        "propintel_budget_left", "What is left of a budget.", (Label("budget", ("day",)), _BUDGET_UNIT)
    ): _budget_left,
    _gauge("propintel_budget_key_left", "What is left of a key's budget this UTC day.", (KEY, _BUDGET_UNIT)): _key_left,
}
JOBS: dict[Spec, Callable[[JobFigures], Samples]] = {
    _gauge("propintel_jobs", "Jobs that are not over, by state.", (Label("state", ACTIVE),)): (
        lambda figures: {(state,): count for state, count in figures.counts.items()}
    ),
    _gauge(
        "propintel_oldest_queued_job_age_seconds",
        "How long the queued job that waits longest has waited for a worker; 0 if none is queued.",
    ): lambda figures: {(): figures.oldest_queued_seconds},
    _gauge(
        "propintel_model_requests",
        "Questions that wait for a batch: parked (to be sent) or sent.",
        (Label("state", ("parked", "sent")),),
    ): lambda figures: {("parked",): figures.requests.parked, ("sent",): figures.requests.sent},
    _gauge(
        "propintel_oldest_model_request_age_seconds",
        "How long the oldest question that waits for a batch has waited; 0 if none does.",
    ): lambda figures: {(): figures.requests.oldest_seconds},
    _gauge("propintel_model_batches", "Batches of the model that are made or under way."): (
        lambda figures: {(): figures.model_batches}
    ),
    _gauge(
        "propintel_watches",
        "Watches by status: waiting for their time, due, put_off (a day's budget had no room), under_way or paused.",
        (Label("status", tuple(WatchStatus)),),
    ): lambda figures: {(str(status),): count for status, count in figures.watches.items()},
    _gauge(
        "propintel_watch_spent_today",
        "Requests for pages and calls of models (page or model_call) that watches were charged for this UTC day.",
        (Label("what", tuple(Charge)),),
    ): lambda figures: (
        {("page",): figures.watch_day.pages, ("model_call",): figures.watch_day.model_calls}
        if figures.watch_day
        else {}
    ),
}
QUEUE = _gauge(
    "propintel_queue_messages", "Messages that wait in a queue of the broker.", (Label("queue", others="queues"),)
)
FIRST_SEEN = _gauge(
    "propintel_openai_key_first_seen_timestamp_seconds",
    "When a key was first seen in the configuration, in seconds since the epoch.",
    (KEY,),
)
FIRING = _gauge(
    "propintel_alerts_firing",
    "Subjects for which an alert is firing, by its kind.",
    (Label("alert", tuple(Kind)), Label("severity", tuple(Severity))),
)


def pool_families(configured: int | None, report: KeyReport | None) -> list[Metric]:
    """Return every family of the pool. `configured` is the number of keys, None if they cannot be used.

    Without keys that can be used nobody has looked whether the pool is shared.
    """
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
