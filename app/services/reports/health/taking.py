"""Takes in what the pool has counted, and makes of it and of the history the view that is judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from app.keypool.figures import CallFigures, ModelFigures, PoolFigures
from app.keypool.keys import ApiKey
from app.keypool.outcomes import Outcome
from app.keypool.spending import Budget, Cap
from app.property.storage.keys.history import KeyHistoryStore
from app.property.storage.keys.tables import Key
from app.property.storage.keys.usage import CountedKey, Demand, Uses
from app.services.openai_client_manager import OpenAIClientManager
from app.services.reports.health.view import BudgetUse, KeyView, PoolView

#: what is held against a key (see `usage.Uses`)
_FAILURES = frozenset(
    {
        Outcome.QUOTA_EXHAUSTED,
        Outcome.INVALID_KEY,
        Outcome.FORBIDDEN,
        Outcome.SERVER_FAILURE,
    }
)


def take_in(manager: OpenAIClientManager, history: KeyHistoryStore) -> PoolFigures | None:
    """Count what the fleet has done since the last time; -> its figures, None while they cannot be had.

    Those of one process alone, while Redis is away, would be taken for a store that lost its data.
    """

    figures: PoolFigures | None = None

    def read() -> list[CountedKey] | None:
        nonlocal figures
        found = manager.get_figures()
        figures = found if found.scope == "fleet" else None
        return counted(manager.keys, found) if figures is not None else None

    history.take_in(read)
    return figures


def counted(keys: Sequence[ApiKey], figures: PoolFigures) -> list[CountedKey]:
    """What the pool has counted, as the history takes it: a key by its id, mask and limit group, and the whole pool."""
    configured = {key.key_id: key for key in keys}
    calls: dict[str, dict[str, Uses]] = {}
    for one in figures.calls:
        calls.setdefault(one.key_id, {})[one.model] = _uses(one)
    return [
        CountedKey("", "", "", True, {model.model: _demand(model) for model in figures.models}),
        *(
            CountedKey(
                key_id,
                configured[key_id].mask if key_id in configured else "",
                figures.groups.get(key_id, key_id),
                key_id in configured,
                calls.get(key_id, {}),
                {str(name): n for name, n in figures.transitions.get(key_id, {}).items()},
            )
            for key_id in dict.fromkeys((*configured, *calls))
        ),
    ]


def view_of(
    manager: OpenAIClientManager,
    stats: Mapping[str, Any],
    history: KeyHistoryStore,
    budgets: Iterable[BudgetUse],
    at: datetime,
) -> PoolView:
    """The pool now: its keys' states from `stats` (of this manager), what befell them from the history.

    `at` is a moment before all of that was read.

    A key that another process has just taken out is left out: this one is about to read its keys again, and what was
    over would begin anew for seconds.
    """
    known = {key.key_id: key for key in history.known_keys()}
    keys = tuple(
        _key_view(key, str(stats["keys"][key.mask]["state"]), known.get(key.key_id))
        for key in manager.keys
        if key.mask in stats["keys"]  # else it came between the two questions
        and (key.key_id not in known or known[key.key_id].removed_at is None)
    )
    return PoolView(at, keys, tuple(budgets))


def budget_uses(stats: Mapping[str, Any], stopped: Mapping[str, int], budget: Budget) -> Iterator[BudgetUse]:
    """How much of each daily cap that is set is used: of the fleet, then of each key. `stopped` as in `PoolFigures`."""
    yield from _of_cap("day", budget.day, stats["spent_today"], stopped, None)
    for mask, figures in stats["keys"].items():
        if figures["state"] != "draining":
            yield from _of_cap("key_day", budget.key_day, figures["spent_today"], stopped, mask)


def _of_cap(
    name: Literal["day", "key_day"], cap: Cap, spent: Mapping[str, Any], stopped: Mapping[str, int], mask: str | None
) -> Iterator[BudgetUse]:
    def is_stopped(unit: str, cap: int) -> bool:
        return stopped.get(f"{name} {unit}", -1) >= cap  # a budget that was raised since then has room again

    if cap.calls is not None:
        yield BudgetUse(name, "calls", spent["calls"], cap.calls, mask, is_stopped("calls", cap.calls))
    if cap.tokens is not None:
        yield BudgetUse(name, "tokens", spent["tokens"], cap.tokens, mask, is_stopped("tokens", cap.tokens))
    if cap.microusd is not None:
        usd = cap.microusd / 1_000_000
        yield BudgetUse(name, "usd", spent["usd"], usd, mask, is_stopped("microusd", cap.microusd))


def _key_view(key: ApiKey, state: str, known: Key | None) -> KeyView:
    if known is None:
        return KeyView(key.key_id, key.mask, key.group, state)
    return KeyView(
        key_id=key.key_id,
        mask=key.mask,
        group=known.limit_group,
        state=state,
        first_seen_at=known.first_seen_at,
        opened_at=known.opened_at,
        died_at=known.died_at,
        quota_gone_at=known.quota_gone_at,
    )


def _uses(call: CallFigures) -> Uses:
    return Uses(
        requests=sum(call.outcomes.values()),
        successes=call.outcomes.get(Outcome.SUCCESS, 0),
        failures=sum(count for outcome, count in call.outcomes.items() if outcome in _FAILURES),
        rate_limits=call.outcomes.get(Outcome.RATE_LIMITED, 0),
        input_tokens=call.input_tokens,
        output_tokens=call.output_tokens,
        microusd=call.microusd,
        cached_tokens=call.cached_tokens,
    )


def _demand(model: ModelFigures) -> Demand:
    return Demand(
        sent=sum(model.waits),
        waited_us=model.waited_us,
        saturated_requests_us=model.saturated_us.get("requests", 0),
        saturated_tokens_us=model.saturated_us.get("tokens", 0),
        refusals=dict(model.refusals),
    )
