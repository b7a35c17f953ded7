"""How each strategy chooses between usable keys."""

import pytest

from app.clock import ManualClock
from app.keypool.keys import make_keys
from tests.plugins.redis_fixtures import MakeStore
from tests.plugins.store_steps import answer, ask, limits


def test_round_robin_rotates_in_configured_order(make_store: MakeStore, clock: ManualClock) -> None:
    keys = make_keys(["sk-a", "sk-b", "sk-c"])
    store = make_store(keys, clock)
    order = [answer(store).key_id for _ in range(6)]
    assert order == [k.key_id for k in keys] * 2


def test_least_used_ignores_requests_that_are_two_hours_old(make_store: MakeStore, clock: ManualClock) -> None:
    """The use in the last hour is estimated: this clock hour counts fully, the previous one in part."""
    keys = make_keys(["sk-a", "sk-b"])
    store = make_store(keys, clock, "least_used")
    for _ in range(10):
        answer(store, request=ask(barred=frozenset({keys[1].key_id})))
    assert {answer(store).key_id for _ in range(9)} == {keys[1].key_id}
    clock.advance(7200)
    assert {answer(store).key_id for _ in range(4)} == {k.key_id for k in keys}


def test_older_requests_within_the_hour_count_less(make_store: MakeStore, clock: ManualClock) -> None:
    """After half an hour, ten requests of the previous clock hour count as five."""
    keys = make_keys(["sk-a", "sk-b"])
    store = make_store(keys, clock, "least_used")
    for _ in range(10):
        answer(store, request=ask(barred=frozenset({keys[1].key_id})))
    clock.advance(5400)
    order = [answer(store).key_id for _ in range(12)]
    assert order[:5] == [keys[1].key_id] * 5
    assert keys[0].key_id in order[5:]


@pytest.mark.parametrize("strategy", ["round_robin", "random", "least_used", "most_headroom"])
def test_every_strategy_uses_every_key(make_store: MakeStore, clock: ManualClock, strategy: str) -> None:
    keys = make_keys(["sk-a", "sk-b", "sk-c"])
    store = make_store(keys, clock, strategy)
    assert {answer(store).key_id for _ in range(40)} == {k.key_id for k in keys}


def test_most_headroom_chooses_the_key_with_the_most_capacity(make_store: MakeStore, clock: ManualClock) -> None:
    keys = make_keys(["sk-a", "sk-b"])
    store = make_store(keys, clock, "most_headroom")
    answer(store, request=ask(barred=frozenset({keys[1].key_id})), limits=limits(6_000, 5_950))
    answer(store, request=ask(barred=frozenset({keys[0].key_id})), limits=limits(6_000, 5_990))
    assert {answer(store).key_id for _ in range(5)} == {keys[1].key_id}


def test_many_keys_are_used_in_rotation(make_store: MakeStore, clock: ManualClock) -> None:
    store = make_store(make_keys([f"sk-{n}" for n in range(60)]), clock)
    order = []
    for _ in range(180):
        order.append(answer(store).key_id)
        clock.advance(0.01)
    assert len(set(order[60:120])) == len(set(order[120:])) == 60
