"""Strategies are found by their names. Between equal keys, the choice is random."""

from collections import Counter

import pytest

from app.errors import ConfigurationError
from app.keypool.stores.scripts import SEEDS
from app.keypool.strategies import load_strategy
from tests.plugins.lua_rules import LuaRules


def test_an_unknown_strategy_is_an_error_that_lists_the_valid_ones() -> None:
    with pytest.raises(ConfigurationError, match="least_used, most_headroom, random, round_robin") as caught:
        load_strategy("fastest")
    assert caught.value.facts["variable"] == "OPENAI_KEY_ROTATION_STRATEGY"


@pytest.mark.parametrize("position", [0, 1, 2, 15, 999])
def test_chance_is_uniform_for_every_key(rules: LuaRules, position: int) -> None:
    assert sorted(rules.chance_of(seed, position) for seed in range(SEEDS)) == [n / SEEDS for n in range(SEEDS)]


@pytest.mark.parametrize("keys", [2, 3, 5, 16])
def test_each_of_several_keys_has_the_lowest_chance_about_equally_often(rules: LuaRules, keys: int) -> None:
    winners = (min(range(keys), key=lambda position: rules.chance_of(seed, position)) for seed in range(SEEDS))
    wins = Counter(winners)
    assert len(wins) == keys
    assert all(abs(won * keys / SEEDS - 1) < 0.04 for won in wins.values()), wins


def test_the_winner_does_not_determine_the_second_place(rules: LuaRules) -> None:
    orders = Counter(tuple(sorted(range(3), key=lambda p: rules.chance_of(seed, p))) for seed in range(SEEDS))
    assert len(orders) == 6
    assert all(abs(times * 6 / SEEDS - 1) < 0.03 for times in orders.values()), orders
