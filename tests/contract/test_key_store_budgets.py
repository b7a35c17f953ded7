"""The budgets of every key store: charges, refunds, and rejected requests."""

import pytest

from app.clock import ManualClock
from app.keypool.keys import make_keys
from app.keypool.outcomes import Outcome
from app.keypool.spending import Budget, Cap, Spent, Usage
from app.keypool.stores.base import KeyRequest, Lease, NoCapacity, Settlement, Store
from tests.plugins.redis_fixtures import MakeStore
from tests.plugins.store_steps import DAY, EMPTY, KEYS, ONLY_A, SECOND, A, answer, ask, of, refused, take, wait_until

NOT_SERVED = [
    Outcome.RATE_LIMITED,
    Outcome.TOO_LARGE,
    Outcome.QUOTA_EXHAUSTED,
    Outcome.NO_CAPACITY,
    Outcome.INVALID_KEY,
    Outcome.FORBIDDEN,
    Outcome.REGION_BLOCKED,
    Outcome.REQUEST_FAULT,
]
MAYBE_SERVED = [Outcome.SERVER_FAILURE, Outcome.ABANDONED]
#: Each cap admits exactly four requests of `paid()`.
CAPS = {"calls": Cap(calls=4), "tokens": Cap(tokens=40), "microusd": Cap(microusd=28)}


def paid(**more: object) -> KeyRequest:
    """Return a request for the batch "b". It is estimated to use 10 tokens and to cost 7 microdollars."""
    return ask(**{"microusd": 7, "batch": "b", **more})  # type: ignore[arg-type]


def admitted(store: Store, request: KeyRequest) -> int:
    for number in range(50):
        lease = store.acquire(request)
        if not isinstance(lease, Lease):
            return number
        store.settle(lease, Settlement(Outcome.SUCCESS))
    return 50


@pytest.mark.parametrize("scope", ["day", "key_day", "batch"])
@pytest.mark.parametrize("unit", CAPS)
def test_a_cap_admits_no_request_above_it(make_store: MakeStore, clock: ManualClock, scope: str, unit: str) -> None:
    store = make_store(make_keys(["sk-a"]), clock, budget=Budget(**{scope: CAPS[unit]}))
    clock.advance(3600)
    assert admitted(store, paid()) == 4
    refusal = refused(store, paid())
    assert (refusal.reason, refusal.detail) == ("budget", f"{scope} {unit}")
    assert store.spent() == store.spent("b") == Spent(4, 40, 28)


@pytest.mark.parametrize("unit", ["tokens", "microusd"])
def test_a_request_above_a_cap_is_refused_while_a_smaller_one_fits(
    make_store: MakeStore, clock: ManualClock, unit: str
) -> None:
    store = make_store(make_keys(["sk-a"]), clock, budget=Budget(day=CAPS[unit]))
    for _ in range(3):
        answer(store, request=paid())
    assert refused(store, paid(tokens=10.5, microusd=8)).detail == f"day {unit}"
    assert admitted(store, paid(tokens=5, microusd=3)) == 2


@pytest.mark.parametrize("scope", ["day", "key_day"])
@pytest.mark.parametrize("unit", CAPS)
def test_the_daily_budget_that_stopped_a_request_is_reported_until_midnight(
    make_store: MakeStore, clock: ManualClock, scope: str, unit: str
) -> None:
    """The report starts when the budget first stops a request. Later rejections do not prolong it."""
    store = make_store(make_keys(["sk-a"]), clock, budget=Budget(**{scope: CAPS[unit]}))
    clock.advance(3600)
    for _ in range(3 if unit != "calls" else 4):
        answer(store, request=paid())
    assert store.figures().stopped == {}
    assert refused(store, paid(tokens=10.5, microusd=8)).reason == "budget"
    stopped = {f"{scope} {unit}": getattr(CAPS[unit], unit)}
    assert store.figures().stopped == stopped
    assert refused(store, paid(tokens=40, microusd=28)).reason == "budget"
    clock.advance(23 * 3600 - 0.000001)
    assert store.figures().stopped == stopped
    clock.advance(0.000001)
    assert store.figures().stopped == {}


def test_a_batch_budget_and_a_skipped_key_are_not_reported_as_stopped(
    make_store: MakeStore, clock: ManualClock
) -> None:
    keys = make_keys(["sk-a", "sk-b"])
    store = make_store(keys, clock, budget=Budget(batch=Cap(calls=3), key_day=Cap(calls=2)))
    for _ in range(3):
        answer(store, request=paid())
    assert refused(store, paid()).detail == "batch calls"
    assert store.figures().stopped == {}


@pytest.mark.parametrize("scope", ["day", "key_day"])
def test_a_daily_budget_is_reset_at_utc_midnight(make_store: MakeStore, clock: ManualClock, scope: str) -> None:
    store = make_store(make_keys(["sk-a"]), clock, budget=Budget(**{scope: Cap(calls=2)}))
    assert admitted(store, paid()) == 2
    clock.advance(5 * 3600 + 0.25)
    assert refused(store, paid()) == NoCapacity(DAY - 5 * 3600 * SECOND - SECOND // 4, "budget", f"{scope} calls")
    clock.advance(19 * 3600 - 0.250001)
    assert refused(store, paid()).retry_after_us <= 1_000
    clock.advance(0.000001)
    assert store.spent() == Spent()
    assert admitted(store, paid()) == 2


def test_a_batch_s_budget_is_separate_and_not_reset_at_midnight(make_store: MakeStore, clock: ManualClock) -> None:
    store = make_store(make_keys(["sk-a"]), clock, budget=Budget(batch=Cap(calls=2)))
    assert admitted(store, paid()) == 2
    assert admitted(store, paid(batch="other")) == 2
    assert admitted(store, paid(batch="")) == 50
    clock.advance(86_400)
    assert refused(store, paid()).detail == "batch calls"
    assert (store.spent("b").calls, store.spent("nobody")) == (2, Spent())


def test_a_key_at_its_cap_is_skipped_while_another_is_below(make_store: MakeStore, clock: ManualClock) -> None:
    keys = make_keys(["sk-a", "sk-b"])
    store = make_store(keys, clock, budget=Budget(key_day=Cap(calls=3)))
    for _ in range(3):
        answer(store, request=paid(barred=frozenset({keys[1].key_id})))
    assert [answer(store, request=paid()).key_id for _ in range(3)] == [keys[1].key_id] * 3
    assert (refused(store, paid()).reason, refused(store, paid()).detail) == ("budget", "key_day calls")
    assert [of(store, k).spent_today for k in keys] == [Spent(3, 30, 21)] * 2
    assert [of(store, k).state for k in keys] == ["closed", "closed"]


def test_a_cap_on_one_key_leaves_another_key_s_outage_as_the_reason(make_store: MakeStore, clock: ManualClock) -> None:
    """Key B, which is below its cap, is tried although its circuit is open."""
    store = make_store(KEYS, clock, budget=Budget(key_day=Cap(calls=4)))
    clock.advance(3600)
    for _ in range(4):
        answer(store, request=ONLY_A)
    for _ in range(3):
        answer(store, Outcome.SERVER_FAILURE, unbilled=True)
    assert answer(store, Outcome.SERVER_FAILURE, unbilled=True).last_resort
    take(store)
    assert refused(store).reason == "circuit"


def test_a_cap_on_one_key_is_not_the_reason_if_another_key_only_waits(
    make_store: MakeStore, clock: ManualClock
) -> None:
    """The other key has capacity within seconds, so callers must retry then, not at midnight."""
    keys = make_keys(["sk-a", "sk-b"])
    store = make_store(keys, clock, budget=Budget(key_day=Cap(calls=2)))
    for _ in range(2):
        answer(store, request=paid(barred=frozenset({keys[1].key_id})))
    answer(store, request=paid(), limits=EMPTY)
    refusal = refused(store, paid())
    assert refusal.reason == "no_capacity"
    assert refusal.retry_after_us < 10 * SECOND


@pytest.mark.parametrize("outcome", NOT_SERVED)
def test_requests_that_the_provider_refused_cost_nothing(pair: Store, clock: ManualClock, outcome: Outcome) -> None:
    """A second report refunds nothing. The refund is credited to the day of the charge, even after midnight."""
    answer(pair, request=paid())
    lease = take(pair, paid())
    assert pair.spent() == pair.spent("b") == Spent(2, 20, 14)
    for _ in range(2):
        pair.settle(lease, Settlement(outcome))
        assert pair.spent() == pair.spent("b") == Spent(1, 10, 7)
        assert [seen.spent_today for seen in pair.snapshot()] == [Spent(1, 10, 7), Spent()]
    clock.advance(86_399)
    lease = take(pair, paid())
    clock.advance(1)
    assert (pair.spent(), pair.spent("b")) == (Spent(), Spent(2, 20, 14))
    pair.settle(lease, Settlement(outcome))
    assert (pair.spent(), pair.spent("b")) == (Spent(), Spent(1, 10, 7))
    assert [seen.spent_today for seen in pair.snapshot()] == [Spent(), Spent()]


@pytest.mark.parametrize("outcome", MAYBE_SERVED)
def test_requests_that_may_have_been_served_are_charged(store: Store, outcome: Outcome) -> None:
    answer(store, outcome, paid())
    assert store.spent() == store.spent("b") == of(store, A).spent_today == Spent(1, 10, 7)


def test_a_reservation_costs_nothing_until_its_request_is_sent(make_store: MakeStore, clock: ManualClock) -> None:
    """If a reservation were charged, a process that died before it sent the request would use up budget."""
    store = make_store(make_keys(["sk-a"]), clock, budget=Budget(day=Cap(calls=2)))
    answer(store, request=paid(), limits=EMPTY)
    released, sent, too_late = (take(store, paid(max_wait_us=30 * SECOND)) for _ in range(3))
    for _ in range(2):
        store.give_back(released)
    assert store.spent() == store.spent("b") == Spent(1, 10, 7)
    clock.advance(30)
    assert isinstance(store.confirm(sent), Lease)
    assert store.spent() == store.spent("b") == Spent(2, 20, 14)
    assert store.confirm(too_late) is None, "another request has used up the budget"
    assert refused(store, paid(max_wait_us=30 * SECOND)).detail == "day calls"
    assert store.spent() == Spent(2, 20, 14)


def test_a_reservation_is_charged_to_the_day_on_which_its_request_is_sent(store: Store, clock: ManualClock) -> None:
    wait_until(clock, (clock.now_us() // DAY + 1) * DAY - SECOND)
    answer(store, request=paid(), limits=EMPTY)
    place = take(store, paid(max_wait_us=30 * SECOND))
    clock.advance(2)
    assert isinstance(store.confirm(place), Lease)
    assert store.spent() == Spent(1, 10, 7), "the request must be charged to the new day"


@pytest.mark.parametrize("usage", [Usage(25, 18), Usage(3, 1), Usage(0, 0), Usage(25, 11, 5, 16)])
def test_a_response_s_usage_replaces_the_estimate(store: Store, usage: Usage) -> None:
    answer(store, request=paid(), usage=usage)
    used = Spent(1, usage.tokens, usage.microusd, usage.cached_tokens)
    assert store.spent() == store.spent("b") == of(store, A).spent_today == used


def test_a_failure_without_cost_is_refunded(store: Store) -> None:
    """Requests that the provider neither answers nor bills, as in an outage, must not use up a budget."""
    for _ in range(3):
        answer(store, Outcome.SERVER_FAILURE, paid(), counts=False, unbilled=True)
    assert store.spent() == store.spent("b") == of(store, A).spent_today == Spent()
    answer(store, Outcome.SERVER_FAILURE, paid(), counts=False)
    assert store.spent() == Spent(1, 10, 7)


def test_the_usage_of_a_stream_counts_once_if_reported_twice(store: Store) -> None:
    lease, other = answer(store, request=paid()), answer(store, request=paid())
    for _ in range(2):
        store.end_stream(lease, Usage(25, 18, 5, 16))
    store.end_stream(other, Usage(1, 1))
    store.end_stream(lease, Usage(25, 18, 5, 16))
    assert store.spent() == store.spent("b") == of(store, A).spent_today == Spent(2, 26, 19, 16)
    assert [(call.output_tokens, call.microusd) for call in store.figures().calls] == [(5, 19)]


def test_usage_above_the_estimate_uses_up_a_cap_and_usage_below_frees_it(
    make_store: MakeStore, clock: ManualClock
) -> None:
    store = make_store(make_keys(["sk-a"]), clock, budget=Budget(day=Cap(tokens=40)))
    answer(store, request=paid(), usage=Usage(35, 7))
    assert refused(store, paid()).detail == "day tokens"
    lease = answer(store, request=paid(tokens=5))
    store.end_stream(lease, Usage(1, 1))
    assert admitted(store, paid(tokens=1)) == 4


def test_a_refusal_for_budget_changes_neither_capacity_nor_rotation(make_store: MakeStore, clock: ManualClock) -> None:
    keys = make_keys(["sk-a", "sk-b"])
    store = make_store(keys, clock, budget=Budget(batch=Cap(calls=1)))
    answer(store, request=paid())
    before = store.snapshot()
    for _ in range(5):
        refused(store, paid())
    assert store.snapshot() == before
    assert answer(store).key_id == keys[1].key_id
