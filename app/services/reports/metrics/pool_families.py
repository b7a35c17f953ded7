"""The pool's metrics, from what its store has counted and what its keys are doing now. Keys go by their masks."""

from __future__ import annotations

from itertools import accumulate
from typing import get_args

from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

from app.keypool.figures import WAIT_BOUNDS_S, ModelFigures, Transition, Unit
from app.keypool.outcomes import Outcome
from app.keypool.snapshots import State
from app.keypool.stores.base import Reason
from app.services.keys.view import KeyReport, amounts
from app.services.reports.metrics.specs import KEY, LIMIT_GROUP, MODEL, Label, Samples, Spec

_LIMIT_UNIT = Label("unit", get_args(Unit))
_BUDGET_UNIT = Label("unit", ("calls", "tokens", "usd"))

REQUESTS = Spec(
    "counter",
    "propintel_openai_requests",
    "Requests to the API that have ended, by how: success, rate_limited, quota_exhausted, invalid_key and so on.",
    (KEY, MODEL, Label("outcome", tuple(Outcome))),
)
TOKENS = Spec(
    "counter",
    "propintel_openai_tokens",
    "Tokens that responses said were used: input or output.",
    (KEY, MODEL, Label("kind", ("input", "output"))),
)
CACHED = Spec(
    "counter",
    "propintel_openai_cached_tokens",
    "Tokens of input that came from the provider's prompt cache; propintel_openai_tokens_total counts them as input.",
    (KEY, MODEL),
)
COST = Spec("counter", "propintel_openai_cost_usd", "Estimated cost of requests in US dollars.", (KEY, MODEL))
TRANSITIONS = Spec(
    "counter",
    "propintel_openai_key_transitions",
    "What befell a key: its circuit went open or closed, it is dead (401), has no_quota, or is cooling after a 429.",
    (KEY, Label("to", get_args(Transition))),
)
STATE = Spec(
    "gauge",
    "propintel_openai_key_state",
    "1 for the state a key is in: closed (in rotation), open, half_open, dead, no_quota, cooling, disabled, draining.",
    (KEY, LIMIT_GROUP._replace(follows=True), Label("state", get_args(State))),
)
IN_FLIGHT = Spec("gauge", "propintel_openai_key_in_flight", "Requests under way with a key.", (KEY,))
CONFIGURED = Spec("gauge", "propintel_openai_keys_configured", "Keys that are configured.")
HEALTHY = Spec(
    "gauge", "propintel_openai_keys_healthy", "Keys that take requests now; one that rests after a 429 does not."
)
LIMIT = Spec(
    "gauge",
    "propintel_openai_limit",
    "A limit as the API told it: requests or tokens a minute. limit_group is the key's mask if it shares with none.",
    (LIMIT_GROUP, MODEL, _LIMIT_UNIT),
)
ROOM = Spec(
    "gauge",
    "propintel_openai_room",
    "What is left of a limit now: requests or tokens.",
    (LIMIT_GROUP, MODEL, _LIMIT_UNIT),
)
WAIT = Spec(
    "histogram",
    "propintel_openai_wait_seconds",
    "Seconds that sent requests had waited for their key.",
    (MODEL,),
    WAIT_BOUNDS_S,
)
REFUSALS = Spec(
    "counter",
    "propintel_openai_refusals",
    "Requests that got no key in time, by reason: no_room, quota, dead, circuit, forbidden, barred, budget, disabled.",
    (MODEL, Label("reason", get_args(Reason))),
)
SATURATED = Spec(
    "counter",
    "propintel_openai_saturated_seconds",
    "Seconds during which no key had room for a request of the size that asked, by the limit in the way: requests or "
    "tokens.",
    (MODEL, _LIMIT_UNIT),
)
LOSSES = Spec(
    "counter",
    "propintel_openai_store_losses",
    "Times a process lost the pool's Redis and went on alone.",
)
SHARED = Spec(
    "gauge", "propintel_openai_pool_shared", "1 if the pool's figures are the fleet's; 0 while no Redis answers."
)
SPENT = Spec("gauge", "propintel_spent_today", "Model calls, tokens and US dollars used this UTC day.", (_BUDGET_UNIT,))
BUDGET_LIMIT = Spec(
    "gauge",
    "propintel_budget_limit",
    "A configured budget, in calls, tokens or US dollars: of all together (day), or of each key (key_day).",
    (Label("budget", ("day", "key_day")), _BUDGET_UNIT),
)
BUDGET_LEFT = Spec(
    "gauge", "propintel_budget_left", "What is left of a budget now.", (Label("budget", ("day",)), _BUDGET_UNIT)
)
KEY_LEFT = Spec(
    "gauge", "propintel_budget_key_left", "What is left of a key's budget this UTC day.", (KEY, _BUDGET_UNIT)
)

POOL = (
    REQUESTS, TOKENS, CACHED, COST, TRANSITIONS, STATE, IN_FLIGHT, CONFIGURED, HEALTHY, LIMIT, ROOM, WAIT, REFUSALS,
    SATURATED, LOSSES, SHARED, SPENT, BUDGET_LIMIT, BUDGET_LEFT, KEY_LEFT,
)  # fmt: skip


def pool_families(configured: int | None, report: KeyReport | None) -> list[Metric]:
    """Every family of the pool. `configured` is the number of keys, None if they cannot be used.

    Without a report all but that and "not shared" is unknown and has no samples: zeros would look as if all counters
    had begun anew. Without keys that can be used nobody has looked whether the pool is shared.
    """
    samples: dict[Spec, Samples] = {}
    if configured is not None:
        samples = {CONFIGURED: {(): float(configured)}, SHARED: {(): 0.0}}
    if report is not None:
        samples |= {SHARED: {(): 1.0}, **_of_keys(report), **_counted(report), **_limits(report), **_budgets(report)}
    families = [spec.family(samples.get(spec)) for spec in POOL if spec is not WAIT]
    return [*families, _waits(report.figures.models if report is not None else ())]


def _of_keys(report: KeyReport) -> dict[Spec, Samples]:
    masks = report.masks
    states, in_flight, healthy = {}, {}, 0
    for s in report.snapshots:
        group = report.figures.groups.get(s.key_id, s.key_id)
        states[masks[s.key_id], masks.get(group, group), s.state] = 1.0
        in_flight[(masks[s.key_id],)] = float(s.in_flight)
        healthy += s.is_healthy and s.state != "draining"
    return {STATE: states, IN_FLIGHT: in_flight, HEALTHY: {(): float(healthy)}, LOSSES: {(): float(report.losses)}}


def _counted(report: KeyReport) -> dict[Spec, Samples]:
    masks, figures = report.masks, report.figures
    requests: dict[tuple[str, ...], float] = {}
    tokens: dict[tuple[str, ...], float] = {}
    cached: dict[tuple[str, ...], float] = {}
    cost: dict[tuple[str, ...], float] = {}
    for call in figures.calls:
        key = masks[call.key_id]
        requests |= {(key, call.model, outcome.value): float(count) for outcome, count in call.outcomes.items()}
        tokens[key, call.model, "input"] = float(call.input_tokens)
        tokens[key, call.model, "output"] = float(call.output_tokens)
        cached[key, call.model] = float(call.cached_tokens)
        cost[key, call.model] = call.microusd / 1_000_000
    changes = {(masks[key], to): float(n) for key, counts in figures.transitions.items() for to, n in counts.items()}
    refusals = {(m.model, reason): float(count) for m in figures.models for reason, count in m.refusals.items()}
    saturated = {(m.model, unit): us / 1_000_000 for m in figures.models for unit, us in m.saturated_us.items()}
    return {
        REQUESTS: requests,
        TOKENS: tokens,
        CACHED: cached,
        COST: cost,
        TRANSITIONS: changes,
        REFUSALS: refusals,
        SATURATED: saturated,
    }


def _limits(report: KeyReport) -> dict[Spec, Samples]:
    """A key that shares its limits with no other is its own group, under its id, which is not shown."""
    rooms = {(report.masks.get(room.group, room.group), room.model, room.unit): room for room in report.figures.rooms}
    return {
        LIMIT: {labels: room.per_minute for labels, room in rooms.items()},
        ROOM: {labels: room.left for labels, room in rooms.items()},
    }


def _budgets(report: KeyReport) -> dict[Spec, Samples]:
    spent, capped, key_capped = amounts(report.spent), amounts(report.budget.day), amounts(report.budget.key_day)
    key_left: dict[tuple[str, ...], float] = {}
    for s in report.snapshots:
        used = amounts(s.spent_today)
        for unit, cap in key_capped.items():
            if s.state != "draining":
                key_left[report.masks[s.key_id], unit] = max(0.0, cap - used[unit])
    return {
        SPENT: {(unit,): used for unit, used in spent.items()},
        BUDGET_LIMIT: {
            **{("day", unit): cap for unit, cap in capped.items()},
            **{("key_day", unit): cap for unit, cap in key_capped.items()},
        },
        BUDGET_LEFT: {("day", unit): max(0.0, cap - spent[unit]) for unit, cap in capped.items()},
        KEY_LEFT: key_left,
    }


def _waits(models: tuple[ModelFigures, ...]) -> Metric:
    family = WAIT.family()
    bounds = [*map(floatToGoString, WAIT_BOUNDS_S), "+Inf"]
    for figures in models:
        labels = {"model": figures.model}
        for bound, count in zip(bounds, accumulate(figures.waits), strict=True):
            family.samples.append(Sample(f"{WAIT.name}_bucket", {**labels, "le": bound}, float(count)))
        family.samples.append(Sample(f"{WAIT.name}_count", labels, float(sum(figures.waits))))
        family.samples.append(Sample(f"{WAIT.name}_sum", labels, figures.waited_us / 1_000_000))
    return family
