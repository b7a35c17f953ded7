"""Every key store charges a bulk (one provider batch) as a whole and settles it once."""

import pytest

from app.clock import ManualClock
from app.keypool.keys import ApiKey, make_keys
from app.keypool.outcomes import Outcome
from app.keypool.spending import Budget, Bulk, BulkResult, Cap, Spent
from app.keypool.stores.base import Lease, Store
from tests.plugins.redis_fixtures import MakeStore
from tests.plugins.store_steps import ask, refused

KEYS = make_keys(["sk-a", "sk-b"])


def bulk(key: ApiKey = KEYS[0], name: str = "one", **charges: Spent) -> Bulk:
    return Bulk(name, key.key_id, "gpt-x", charges or {"b": Spent(3, 300, 30), "c": Spent(1, 100, 10)})


def spent_by(store: Store, key: ApiKey = KEYS[0]) -> Spent:
    return next(found.spent_today for found in store.snapshot() if found.key_id == key.key_id)


def test_a_bulk_is_charged_once_to_the_day_the_key_and_each_batch(make_store: MakeStore, clock: ManualClock) -> None:
    """A process repeats a charge if the reply was lost, or if it stopped before it stored the charge."""
    store = make_store(KEYS, clock, budget=Budget(day=Cap(calls=4)))
    assert [store.charge_bulk(bulk()) for _ in range(3)] == [None] * 3
    assert store.spent() == spent_by(store) == Spent(4, 400, 40)
    assert (store.spent("b"), store.spent("c")) == (Spent(3, 300, 30), Spent(1, 100, 10))
    assert spent_by(store, KEYS[1]) == Spent()


@pytest.mark.parametrize(("unit", "fits"), [("calls", 4), ("tokens", 400), ("microusd", 40)])
@pytest.mark.parametrize("scope", ["day", "key_day"])
def test_a_bulk_is_charged_completely_or_not_at_all(
    make_store: MakeStore, clock: ManualClock, scope: str, unit: str, fits: int
) -> None:
    full = make_store(KEYS, clock, budget=Budget(**{scope: Cap(**{unit: fits})}), pool="full")
    assert full.charge_bulk(bulk()) is None
    exceeded = make_store(KEYS, clock, budget=Budget(**{scope: Cap(**{unit: fits - 1})}), pool="tight")
    assert exceeded.charge_bulk(bulk()) == f"{scope} {unit}"
    assert exceeded.spent() == exceeded.spent("b") == spent_by(exceeded) == Spent()
    assert exceeded.figures().stopped == {f"{scope} {unit}": fits - 1}


def test_a_bulk_respects_the_budget_of_each_batch(make_store: MakeStore, clock: ManualClock) -> None:
    store = make_store(KEYS, clock, budget=Budget(batch=Cap(calls=2)))
    assert store.charge_bulk(bulk(b=Spent(3, 1, 1), c=Spent(1, 1, 1))) == "batch calls"
    assert store.spent("c") == Spent()
    assert store.charge_bulk(bulk(**{"b": Spent(2, 1, 1), "": Spent(9, 1, 1)})) is None


def test_single_requests_and_bulks_share_a_budget(make_store: MakeStore, clock: ManualClock) -> None:
    store = make_store(KEYS, clock, budget=Budget(day=Cap(calls=5)))
    assert store.charge_bulk(bulk()) is None
    assert isinstance(store.acquire(ask()), Lease)
    assert refused(store, ask()).detail == "day calls"
    assert store.charge_bulk(bulk(name="two", b=Spent(1, 1, 1))) == "day calls"


def test_the_usage_replaces_the_charge_once(make_store: MakeStore, clock: ManualClock) -> None:
    store = make_store(KEYS, clock)
    store.charge_bulk(bulk())
    outcomes = {Outcome.SUCCESS: 2, Outcome.REQUEST_FAULT: 1}
    used = Spent(2, 150, 9, cached_tokens=64)
    result = BulkResult({"b": used}, outcomes, input_tokens=120, output_tokens=30)
    for _ in range(2):
        store.settle_bulk(bulk(), result)
    assert store.spent() == spent_by(store) == store.spent("b") == used
    assert store.spent("c") == Spent()
    figures = store.figures()
    (call,) = figures.calls
    assert (call.key_id, call.model, dict(call.outcomes)) == (KEYS[0].key_id, "gpt-x", outcomes)
    assert (call.input_tokens, call.output_tokens, call.microusd, call.cached_tokens) == (120, 30, 9, 64)
    shown = next(found for found in store.snapshot() if found.key_id == KEYS[0].key_id)
    assert (shown.requests, shown.successes, shown.failures, shown.in_flight) == (3, 3, 0, 0)
    assert store.charge_bulk(bulk()) is None
    assert store.spent() == used, "a settled bulk must not be charged again"


def test_a_bulk_is_settled_on_the_day_of_its_charge(make_store: MakeStore, clock: ManualClock) -> None:
    store = make_store(KEYS, clock)
    store.charge_bulk(bulk())
    clock.advance(24 * 3600)
    store.settle_bulk(bulk(), BulkResult({"b": Spent(2, 150, 9)}, {Outcome.SUCCESS: 2}, 120, 30))
    assert store.spent() == Spent()
    assert store.spent("b") == Spent(2, 150, 9)


def test_a_bulk_without_a_charge_refunds_nothing(make_store: MakeStore, clock: ManualClock) -> None:
    """A server that lost its data does not know the charge. Only the bulk's usage is counted there."""
    store = make_store(KEYS, clock)
    store.settle_bulk(bulk(), BulkResult({"b": Spent(1, 5, 1)}, {Outcome.SUCCESS: 1}, 4, 1))
    assert store.spent() == Spent(1, 5, 1)


def test_a_bulk_that_was_not_sent_costs_nothing(make_store: MakeStore, clock: ManualClock) -> None:
    store = make_store(KEYS, clock, budget=Budget(batch=Cap(calls=3)))
    assert store.charge_bulk(bulk(b=Spent(3, 300, 30))) is None
    store.settle_bulk(bulk(b=Spent(3, 300, 30)), BulkResult())
    assert store.spent() == store.spent("b") == spent_by(store) == Spent()
    assert store.figures().calls == ()
    assert store.charge_bulk(bulk(name="two", b=Spent(3, 300, 30))) is None


def test_a_bulk_changes_neither_key_state_nor_limits(make_store: MakeStore, clock: ManualClock) -> None:
    store = make_store(KEYS[:1], clock)
    store.charge_bulk(bulk())
    store.settle_bulk(bulk(), BulkResult({}, {Outcome.SERVER_FAILURE: 50}))
    (shown,) = store.snapshot()
    assert (shown.state, shown.failures) == ("closed", 50)
    assert isinstance(store.acquire(ask()), Lease)
