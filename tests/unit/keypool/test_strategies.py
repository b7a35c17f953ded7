"""Every strategy that there is, found by its name."""

from __future__ import annotations

import pytest

from app.errors import ConfigurationError
from app.keypool.admission import Candidate, LookAgain, Refuse, Take, decide
from app.keypool.strategies import KeyView, load_strategy, strategy_names

NOW = 1_000_000


def _candidates(*views: KeyView) -> list[Candidate]:
    return [Candidate(f"key{i}", NOW, view) for i, view in enumerate(views)]


def _taken(name: str, views: list[KeyView], chances: list[float]) -> str:
    decision = decide(_candidates(*views), NOW, 0, load_strategy(name), chances)
    assert isinstance(decision, Take)
    return decision.key_id


def test_the_strategies_of_the_specification_and_ours() -> None:
    assert strategy_names() == ("least_used", "most_headroom", "random", "round_robin")


def test_an_unknown_strategy_is_an_error_that_lists_the_valid_ones() -> None:
    with pytest.raises(ConfigurationError, match="least_used, most_headroom, random, round_robin") as caught:
        load_strategy("fastest")
    assert caught.value.facts["variable"] == "OPENAI_KEY_ROTATION_STRATEGY"


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
def test_no_strategy_takes_a_key_that_has_no_room(name: str) -> None:
    best = Candidate("resting", NOW + 5, KeyView(0, 0, 1.0))
    worst = Candidate("ready", NOW, KeyView(99, 99, 0.0))
    assert decide([best, worst], NOW, 1_000_000, load_strategy(name), [0.0, 0.9]) == Take("ready", NOW)


def test_with_no_room_now_the_first_to_have_some_is_reserved() -> None:
    view = KeyView(0, 0, 0.0)
    candidates = [Candidate("later", NOW + 900, view), Candidate("sooner", NOW + 400, view)]
    assert decide(candidates, NOW, 400, load_strategy("round_robin"), [0, 0]) == Take("sooner", NOW + 400)
    assert decide(candidates, NOW, 399, load_strategy("round_robin"), [0, 0]) == Refuse(NOW + 400)


def test_an_answer_under_way_is_waited_for_unless_another_key_is_about_to_have_room() -> None:
    view = KeyView(0, 0, 0.0)
    awaited = Candidate("awaited", None, view)
    far, near = Candidate("far", NOW + 10_000_000, view), Candidate("near", NOW + 1_000, view)
    score = load_strategy("round_robin")
    assert isinstance(decide([awaited, far], NOW, 20_000_000, score, [0, 0]), LookAgain)
    assert decide([awaited, near], NOW, 20_000_000, score, [0, 0]) == Take("near", NOW + 1_000)


def test_without_any_candidate_there_is_nothing_to_wait_for() -> None:
    assert decide([], NOW, 1_000, load_strategy("round_robin"), []) == Refuse(None)
