"""Every key store counts a call once if it is repeated after a lost reply."""

from __future__ import annotations

from typing import Any

from app.clock import ManualClock
from app.keypool.keys import make_keys
from app.keypool.outcomes import Outcome
from app.keypool.spending import Budget, Cap, Spent
from app.keypool.stores.base import Lease, NoCapacity, Settlement
from tests.plugins.redis_fixtures import Backend, MakeStore
from tests.plugins.store_steps import MINUTE, NO_ROOM, SECOND, answer, ask, limits, take


def test_a_repeated_admission_returns_the_same_lease(make_store: MakeStore, clock: ManualClock) -> None:
    """A client library may repeat a script whose reply was lost with the connection."""
    keys = make_keys(["sk-a", "sk-b"])
    store: Any = make_store(keys, clock)
    for _ in keys:
        answer(store, limits=limits(600, 600))
    first, again = store.acquire(ask(), "x"), store.acquire(ask(), "x")
    assert isinstance(first, Lease)
    assert first == again
    assert sum(key.in_flight for key in store.snapshot()) == 1
    store.settle(first, Settlement(Outcome.SUCCESS))
    assert sum(key.requests for key in store.snapshot()) == 3


def test_a_repeated_reservation_returns_the_same_time(make_store: MakeStore, clock: ManualClock) -> None:
    store: Any = make_store(make_keys(["sk-a"]), clock)
    answer(store, limits=NO_ROOM)
    first, again = (store.acquire(ask(max_wait_us=MINUTE), "x") for _ in range(2))
    assert first.reserved
    assert first == again


def test_a_repeated_confirmation_needs_no_capacity_and_no_budget(make_store: MakeStore, clock: ManualClock) -> None:
    store = make_store(make_keys(["sk-a"]), clock, budget=Budget(day=Cap(calls=2)))
    answer(store, limits=NO_ROOM)
    reserved = take(store, ask(max_wait_us=MINUTE))
    clock.advance((reserved.at_us - clock.now_us()) / SECOND)
    sent = [store.confirm(reserved) for _ in range(3)]
    assert all(isinstance(one, Lease) for one in sent)
    assert store.spent().calls == 2


def test_an_admission_that_arrives_after_its_undo_is_refused(
    make_store: MakeStore, backend: Backend, clock: ManualClock
) -> None:
    """The request was in transit when the caller gave up."""
    if backend.connection is None:
        return  # a memory store has no connection
    store: Any = make_store(make_keys(["sk-a"]), clock)
    answer(store)
    before = store.spent()
    store.undo("x")
    assert store.acquire(ask(), "x") == NoCapacity(0, "barred")
    assert store.spent() == before == Spent(1, 10, 0)


def test_the_hundred_newest_models_are_stored(make_store: MakeStore, clock: ManualClock) -> None:
    store = make_store(make_keys(["sk-a"]), clock)
    for n in range(60):
        answer(store, request=ask(model=f"m-{n}"))
        clock.advance(0.001)
    assert len(store.figures().models) == 60
    for n in range(60, 130):
        answer(store, request=ask(model=f"m-{n}"))
        clock.advance(0.001)
    assert {model.model for model in store.figures().models} == {f"m-{n}" for n in range(30, 130)}
