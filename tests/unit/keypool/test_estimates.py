"""The estimate of input tokens, after what the provider was seen to charge."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plugins.lua_rules import NOW_US, LuaRules

LARGEST, SMALLEST = 4.0, 0.25


def charged_tokens(rules: LuaRules, meter: Any, times: int, corrected_us: float = 0.0) -> Any:
    """Charge `times` requests of 100 tokens at one moment; -> the lease of the last of them."""
    for _ in range(times):
        rules.charge_meter(meter, 100, NOW_US, 0)
    rules.correct(meter, corrected_us)
    return rules.table({"tokens": 100, "input": 100, "t": rules.charge(meter)})


def said(rules: LuaRules, tokens_used: float) -> Any:
    """60,000 a minute: a token comes back each millisecond."""
    return rules.reading(60_000, 60_000 - tokens_used, tokens_used * 1_000)


def sampled(rules: LuaRules, ratio: float, meter: Any, used: float, lease: Any) -> float:
    return rules.sampled(ratio, meter, said(rules, used), lease, NOW_US)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("ratio", "used", "after"),
    [
        (1.0, 150, 1.01),
        (1.0, 100, 1.0),
        (1.0, 50, 0.99),
        (1.0, 5_000, 1.02),
        (1.0, 0, 0.98),
        (LARGEST, 5_000, LARGEST),
        (SMALLEST, 0, SMALLEST),
    ],
)
def test_a_bucket_that_was_full_tells_what_one_answer_was_charged(
    rules: LuaRules, ratio: float, used: float, after: float
) -> None:
    """The estimate moves towards it by at most 2 %, and never beyond its bounds."""
    meter = rules.meter(60_000, 60_000)
    lease = charged_tokens(rules, meter, 1)
    assert sampled(rules, ratio, meter, used, lease) == pytest.approx(after)


def test_from_a_deeper_bucket_only_many_charges_together_tell(rules: LuaRules) -> None:
    """Thirty requests since the last sample, each of 150 tokens where 100 were thought: half of the largest step."""
    meter = rules.meter(60_000, 60_000)
    first = charged_tokens(rules, meter, 1)
    assert sampled(rules, 1.0, meter, 100, first) == 1
    soon = rules.copy(meter)
    assert sampled(rules, 1.0, soon, 100 + 29 * 150, charged_tokens(rules, soon, 29)) == 1
    for corrected_us in (0.0, 700_000.0):
        late = rules.copy(meter)
        lease = charged_tokens(rules, late, 30, corrected_us)
        after = sampled(rules, 1.0, late, 100 + 30 * 150, lease)
        assert after == pytest.approx(1.15), "corrections meanwhile change nothing of what was charged"
        assert sampled(rules, after, late, 100 + 30 * 150, lease) == after, "the same news counts once"


def test_a_bucket_whose_beginning_nobody_saw_is_only_remembered(rules: LuaRules) -> None:
    meter = rules.meter(60_000, 60_000)
    assert sampled(rules, 1.0, meter, 9_000, charged_tokens(rules, meter, 40)) == 1
    assert sampled(rules, 1.0, meter, 9_000 + 30 * 100, charged_tokens(rules, meter, 30)) == pytest.approx(1)


def test_nothing_is_learned_of_tokens_without_a_limit_or_an_estimate(rules: LuaRules) -> None:
    meter = rules.meter(60_000, 60_000)
    lease = charged_tokens(rules, meter, 1)
    for unknown in (rules.copy(lease, input=0), rules.copy(lease, t=rules.charge())):
        assert sampled(rules, 1.0, meter, 5_000, unknown) == 1
    assert sampled(rules, 1.0, rules.meter(), 5_000, lease) == 1
