"""Every strategy that there is, found by its name, and what admission makes of its ranking."""

from __future__ import annotations

from collections import Counter
from itertools import count

import pytest

from app.errors import ConfigurationError
from app.keypool.admission import ANSWER_US, SEEDS, Candidate, LookAgain, Refuse, Take, chance_of, decide
from app.keypool.strategies import KeyView, load_strategy, strategy_in_lua, strategy_names

NOW = 1_000_000
SOME = KeyView(0, 0, 0.0)


def _taken(name: str, views: list[KeyView], chances: list[float]) -> str:
    candidates = [
        Candidate(f"key{i}", NOW, view, chance) for i, view, chance in zip(count(), views, chances, strict=False)
    ]
    assert len(candidates) == len(views) == len(chances)
    decision = decide(candidates, NOW, 0, load_strategy(name))
    assert isinstance(decision, Take)
    return decision.key_id


def test_the_strategies_of_the_specification_and_ours() -> None:
    assert strategy_names() == ("least_used", "most_headroom", "random", "round_robin")


def test_an_unknown_strategy_is_an_error_that_lists_the_valid_ones() -> None:
    with pytest.raises(ConfigurationError, match="least_used, most_headroom, random, round_robin") as caught:
        load_strategy("fastest")
    assert caught.value.facts["variable"] == "OPENAI_KEY_ROTATION_STRATEGY"
    with pytest.raises(ConfigurationError, match="least_used, most_headroom, random, round_robin"):
        strategy_in_lua("fastest")


def test_round_robin_takes_the_key_whose_turn_is_longest_ago() -> None:
    views = [KeyView(7, 0, 1.0), KeyView(5, 0, 1.0), KeyView(6, 0, 1.0)]
    assert _taken("round_robin", views, [0.0, 0.0, 0.0]) == "key1"


def test_round_robin_starts_in_configured_order() -> None:
    assert _taken("round_robin", [KeyView(0, 0, 1.0)] * 3, [0.9, 0.5, 0.1]) == "key0"


def test_random_follows_chance_alone() -> None:
    views = [KeyView(0, 9, 0.1), KeyView(5, 0, 1.0), KeyView(6, 0, 1.0)]
    assert _taken("random", views, [0.2, 0.1, 0.3]) == "key1"


def test_least_used_takes_the_key_with_the_fewest_requests() -> None:
    assert _taken("least_used", [KeyView(0, 3, 1.0), KeyView(0, 2, 0.0)], [0.0, 0.99]) == "key1"


def test_most_headroom_takes_the_key_with_most_room() -> None:
    assert _taken("most_headroom", [KeyView(0, 0, 0.4), KeyView(0, 99, 0.6)], [0.0, 0.99]) == "key1"


@pytest.mark.parametrize("name", strategy_names())
def test_equal_keys_are_taken_in_configured_order_or_by_chance(name: str) -> None:
    by_chance = name != "round_robin"
    assert _taken(name, [KeyView(3, 3, 0.5)] * 3, [0.9, 0.1, 0.5]) == ("key1" if by_chance else "key0")
    assert _taken(name, [KeyView(3, 3, 0.5)] * 3, [0.5, 0.5, 0.5]) == "key0"


@pytest.mark.parametrize("name", strategy_names())
def test_no_strategy_takes_a_key_that_has_no_room(name: str) -> None:
    best = Candidate("resting", NOW + 5, KeyView(0, 0, 1.0), 0.0)
    worst = Candidate("ready", NOW, KeyView(99, 99, 0.0), 0.9)
    assert decide([best, worst], NOW, 1_000_000, load_strategy(name)) == Take("ready", NOW)


@pytest.mark.parametrize("name", strategy_names())
def test_a_key_that_awaits_its_answer_is_neither_taken_nor_reserved(name: str) -> None:
    """Its one request is out: `at_us` is when that one's lease ends, and the answer may say anything."""
    best = Candidate("asked", NOW, KeyView(0, 0, 1.0), 0.0, awaits_answer=True)
    worst = Candidate("ready", NOW, KeyView(99, 99, 0.0), 0.9)
    assert decide([best, worst], NOW, 1_000_000, load_strategy(name)) == Take("ready", NOW)
    assert isinstance(decide([best], NOW, 1_000_000, load_strategy(name)), LookAgain)


@pytest.mark.parametrize("name", strategy_names())
def test_a_key_too_small_for_the_request_is_only_used_if_all_are(name: str) -> None:
    small = Candidate("small", NOW, KeyView(0, 0, 1.0), 0.0, fits=False)
    large = Candidate("large", NOW, KeyView(99, 99, 0.0), 0.9)
    score = load_strategy(name)
    assert decide([small, large], NOW, 0, score) == Take("large", NOW)
    assert decide([small], NOW, 0, score) == Take("small", NOW)
    resting = Candidate("large", NOW + 900, KeyView(99, 99, 0.0), 0.9)
    assert decide([small, resting], NOW, 900, score) == Take("large", NOW + 900)
    assert decide([small, resting], NOW, 899, score) == Refuse(NOW + 900)
    asked = Candidate("large", NOW + 900, SOME, 0.9, awaits_answer=True)
    assert decide([small, asked], NOW, 0, score) == Take("small", NOW), "nothing is known of the other one's answer"


def test_with_no_room_now_the_first_to_have_some_is_reserved() -> None:
    candidates = [Candidate("later", NOW + 900, SOME, 0), Candidate("sooner", NOW + 400, SOME, 0)]
    assert decide(candidates, NOW, 400, load_strategy("round_robin")) == Take("sooner", NOW + 400)
    assert decide(candidates, NOW, 399, load_strategy("round_robin")) == Refuse(NOW + 400)


def test_a_fresh_answer_under_way_is_waited_for_unless_another_key_is_about_to_have_room() -> None:
    awaited = Candidate("awaited", NOW + 120_000_000, SOME, 0, awaits_answer=True, fresh=True)
    far, near = Candidate("far", NOW + 10_000_000, SOME, 0), Candidate("near", NOW + 1_000, SOME, 0)
    score = load_strategy("round_robin")
    assert isinstance(decide([awaited, far], NOW, 20_000_000, score), LookAgain)
    assert decide([awaited, near], NOW, 20_000_000, score) == Take("near", NOW + 1_000)


def test_an_answer_that_has_taken_long_is_waited_for_only_where_there_is_nothing_else() -> None:
    """Then a look now and then will do, for the answer may never come."""
    slow = Candidate("slow", NOW + 120_000_000, SOME, 0, awaits_answer=True)
    fresh = Candidate("fresh", NOW + 120_000_000, SOME, 0, awaits_answer=True, fresh=True)
    far = Candidate("far", NOW + 10_000_000, SOME, 0)
    score = load_strategy("round_robin")
    assert decide([slow, far], NOW, 20_000_000, score) == Take("far", NOW + 10_000_000)
    alone, soon = decide([slow], NOW, 20_000_000, score), decide([slow, fresh], NOW, 20_000_000, score)
    assert isinstance(alone, LookAgain)
    assert isinstance(soon, LookAgain)
    assert alone.pause_us > soon.pause_us


def test_who_cannot_wait_comes_back_when_the_answer_should_be_there() -> None:
    awaited = Candidate("awaited", NOW + 120_000_000, SOME, 0, awaits_answer=True, fresh=True)
    score = load_strategy("round_robin")
    assert decide([awaited], NOW, 0, score) == Refuse(NOW + ANSWER_US)
    assert decide([awaited, Candidate("b", NOW + 600_000, SOME, 0)], NOW, 0, score) == Refuse(NOW + 600_000)


def test_without_any_candidate_there_is_nothing_to_wait_for() -> None:
    assert decide([], NOW, 1_000, load_strategy("round_robin")) == Refuse(None)


@pytest.mark.parametrize("position", [0, 1, 2, 15, 999])
def test_chance_is_uniform_for_every_key(position: int) -> None:
    """Over all draws each value comes exactly once."""
    assert sorted(chance_of(seed, position) for seed in range(SEEDS)) == [n / SEEDS for n in range(SEEDS)]


@pytest.mark.parametrize("keys", [2, 3, 5, 16])
def test_each_of_several_keys_has_the_lowest_chance_about_equally_often(keys: int) -> None:
    """Over all draws each key's share is within 4 % of an equal one (five keys are the worst case up to 16)."""
    winners = (min(range(keys), key=lambda position: chance_of(seed, position)) for seed in range(SEEDS))
    wins = Counter(winners)
    assert len(wins) == keys
    assert all(abs(won * keys / SEEDS - 1) < 0.04 for won in wins.values()), wins


def test_who_wins_says_nothing_of_who_is_next() -> None:
    """Of three keys, the second place is shared equally by the two that did not win."""
    orders = Counter(tuple(sorted(range(3), key=lambda p: chance_of(seed, p))) for seed in range(SEEDS))
    assert len(orders) == 6
    assert all(abs(times * 6 / SEEDS - 1) < 0.03 for times in orders.values()), orders
