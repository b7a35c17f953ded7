"""The pool's figures are converted to counts for the key history and to used budgets for alarms."""

from dataclasses import replace
from typing import Any

from app.keypool.figures import CallFigures, ModelFigures, PoolFigures
from app.keypool.keys import make_keys
from app.keypool.outcomes import Outcome
from app.keypool.spending import Budget, Cap
from app.property.storage.keys.usage import Demand, Uses
from app.services.reports.key_report.pool_monitor import budget_uses, counted
from app.services.reports.key_report.view import BudgetUse

(KEY,) = make_keys(["sk-proj-aaaaaaaaaaaaaaaaaaaa1111"])
SPENT = {"calls": 5, "tokens": 70, "usd": 0.25}
_STATES = {"a": "closed", "b": "draining"}
STATS = {"spent_today": SPENT, "keys": {k: {"state": of, "spent_today": SPENT} for k, of in _STATES.items()}}


def figures(**values: Any) -> PoolFigures:
    return replace(PoolFigures("fleet", {}, (), {}, (), (), stopped={}), **values)


def test_only_some_outcomes_count_as_failures_of_a_key() -> None:
    """Aborted, faulty, and too large requests, and requests from unsupported regions, are not failures of the key."""
    outcomes = dict.fromkeys(Outcome, 1)
    found = counted([KEY], figures(calls=(CallFigures(KEY.key_id, "m", outcomes, 7, 8, 9, 6),)))
    assert found[1].calls == {"m": Uses(len(Outcome), 1, 4, 1, 7, 8, 9, 6)}


def test_keys_have_group_and_transitions_and_removed_keys_are_marked() -> None:
    calls = (CallFigures("gone", "m", {Outcome.SUCCESS: 2}, 0, 0, 0),)
    opened = {KEY.key_id: {"open": 3}}
    found = counted([KEY], figures(groups={KEY.key_id: "org-1"}, calls=calls, transitions=opened))
    _, mine, gone = found
    assert (mine.key_id, mine.mask, mine.group, mine.configured) == (KEY.key_id, KEY.mask, "org-1", True)
    assert (mine.calls, mine.transitions) == ({}, {"open": 3})
    assert (gone.key_id, gone.configured, gone.calls) == ("gone", False, {"m": Uses(requests=2, successes=2)})


def test_a_model_has_its_waits_refusals_and_saturation() -> None:
    model = ModelFigures("m", {"no_capacity": 2}, (3, 0, 4), 1_500, {"tokens": 900})
    (pool,) = counted([], figures(models=(model,)))
    assert (pool.key_id, pool.calls) == ("", {"m": Demand(7, 1_500, 0, 900, {"no_capacity": 2})})


def test_only_configured_caps_are_reported() -> None:
    budget = Budget(day=Cap(calls=10, microusd=500_000), key_day=Cap(tokens=100))
    assert list(budget_uses(STATS, {}, budget)) == [
        BudgetUse("day", "calls", 5, 10),
        BudgetUse("day", "usd", 0.25, 0.5),
        BudgetUse("key_day", "tokens", 70, 100, "a"),
    ]
    assert list(budget_uses(STATS, {}, Budget())) == []


def test_a_budget_that_stopped_a_request_is_marked_until_it_is_raised() -> None:
    budget = Budget(day=Cap(calls=10, tokens=100, microusd=500_000), key_day=Cap(tokens=100))
    stopped = {"day tokens": 99, "day microusd": 500_000, "key_day tokens": 120}
    uses = list(budget_uses(STATS, stopped, budget))
    assert [(use.budget, use.unit) for use in uses if use.stopped] == [("day", "usd"), ("key_day", "tokens")]
