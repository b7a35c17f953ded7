"""A guessed rate limit has an initial value, falls after a 429, and rises with use."""

from typing import Any

import pytest

from tests.plugins.lua_rules import NOW_US, LuaRules

SECOND = 1_000_000


def guess(rules: LuaRules, count: float = 0, cut_us: int = 0) -> Any:
    return rules.table({"n": count, "at": NOW_US if count else 0, "cut": cut_us})


@pytest.mark.parametrize(
    ("sent", "left"),
    [(20, 0.85), (3, 0.5), (0, 0.5)],
    ids=["it was nearly right", "a third was accepted at most", "nothing was"],
)
def test_a_429_cuts_the_rate_more_if_less_was_accepted(rules: LuaRules, sent: int, left: float) -> None:
    found = guess(rules, sent + 1, cut_us=NOW_US - 2 * SECOND)
    assert rules.refused_rate(found, 600, NOW_US, NOW_US) == 600 * left


def test_requests_before_a_cut_or_soon_after_it_do_not_cut_again(rules: LuaRules) -> None:
    for sent_us, left in ((-SECOND, 1), (SECOND // 2, 1), (SECOND // 2 + 1, 0.85)):
        found = guess(rules, 20, cut_us=NOW_US)
        assert rules.refused_rate(found, 600, NOW_US + sent_us, NOW_US + SECOND) == 600 * left


def test_a_used_rate_rises_faster_with_more_time_since_the_last_429(rules: LuaRules) -> None:
    for since, share in ((5, 0.01), (10, 0.02)):
        found = guess(rules, 20, cut_us=NOW_US - since * SECOND)
        assert rules.raised_rate(found, 600, NOW_US) == pytest.approx(600 * (1 + share / 10))
    assert rules.raised_rate(guess(rules, 20, cut_us=NOW_US - 10_000 * SECOND), 600, NOW_US) == 600 * 1.2


def test_a_slow_rate_rises_by_successes_instead_of_seconds(rules: LuaRules) -> None:
    assert rules.raised_rate(guess(rules, 4, cut_us=NOW_US - 30 * SECOND), 6, NOW_US) == pytest.approx(6 * 1.03)


def test_an_unused_rate_stays(rules: LuaRules) -> None:
    """Ten requests in two seconds are half of 600 a minute. Only more than half counts as use of the rate."""
    assert rules.raised_rate(guess(rules, 10, cut_us=NOW_US - 60 * SECOND), 600, NOW_US) == 600
    assert rules.raised_rate(guess(rules, 10.1, cut_us=NOW_US - 60 * SECOND), 600, NOW_US) > 600
