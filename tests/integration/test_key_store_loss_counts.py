"""Counts that a process makes while the shared store is unavailable reach it later, exactly once."""

import collections
import time
from collections.abc import Callable

import pytest

from app.keypool.figures import WAIT_BOUNDS_S
from app.keypool.outcomes import Outcome
from app.keypool.spending import Spent, Usage
from app.keypool.stores.base import KeyRequest, Lease, NoCapacity, Settlement
from app.keypool.stores.fleet import FleetStore
from app.keypool.stores.redis import RedisStore
from app.keypool.stores.tally import OfflineActivity
from app.services.keys.store import connect_store
from tests.plugins.lossy_server import KEYS, LosesReplies, Server, answered, know, sent
from tests.plugins.waiting import wait_until

pytestmark = pytest.mark.redis_server


def total(store: FleetStore, figure: str) -> int:
    return sum(getattr(snapshot, figure) for snapshot in store.snapshot())


def ends(store: FleetStore, model: str = "m") -> dict[Outcome, int]:
    found: collections.Counter[Outcome] = collections.Counter()
    for call in store.figures().calls:
        found.update(call.outcomes if call.model == model else {})
    return dict(found)


def test_counts_of_offline_processes_reach_the_fleet_once(
    lossy_server: Server, open_fleet_store: Callable[..., FleetStore]
) -> None:
    stores = [open_fleet_store(), open_fleet_store()]
    first = stores[0]
    know(first)
    answered(stores[1])
    wait_until(lambda: all(store.fleet.size == 2 for store in stores) and ends(first) == {Outcome.SUCCESS: 3}, 60)
    lossy_server.freeze()
    for store in stores:
        for _ in range(4):
            used = Usage(20, 5, output_tokens=8, cached_tokens=6)
            store.settle(sent(store), Settlement(Outcome.SUCCESS, usage=used, waited_us=300_000))
        store.settle(sent(store, "n"), Settlement(Outcome.RATE_LIMITED, pause_us=90_000_000))
        store.settle(sent(store, "n"), Settlement(Outcome.INVALID_KEY))
        refusal = store.acquire(KeyRequest("n", 10, 0))
        assert isinstance(refusal, NoCapacity)
        assert refusal.reason == "no_capacity"
        assert (store.lost, ends(store)) == (True, {Outcome.SUCCESS: 4})
    lossy_server.thaw()
    wait_until(lambda: not any(store.lost for store in stores) and total(first, "requests") == 15, 60)
    time.sleep(0.3)  # a wrong second report would arrive in this time
    assert ends(first) == {Outcome.SUCCESS: 11}
    assert ends(first, "n") == {Outcome.RATE_LIMITED: 2, Outcome.INVALID_KEY: 2}
    assert [total(first, f) for f in ("requests", "successes", "failures", "rate_limits")] == [15, 11, 4, 2]
    found = first.figures()
    assert found == stores[1].figures()
    of_m = [call for call in found.calls if call.model == "m"]
    counted = ("input_tokens", "output_tokens", "microusd", "cached_tokens")
    assert [sum(getattr(call, f) for call in of_m) for f in counted] == [96, 64, 40, 48]
    assert first.spent().cached_tokens == 48
    states = [what for counts in found.transitions.values() for what, times in counts.items() for _ in range(times)]
    assert sorted(states) == ["cooling", "cooling", "dead", "dead"]
    m, n = found.models
    assert (m.waits[WAIT_BOUNDS_S.index(0.5)], m.waited_us, sum(m.waits)) == (8, 8 * 300_000, 11)
    assert n.refusals == {"no_capacity": 2}
    assert n.saturated_us == {"requests": 60_000_000}, "each process should have had half of the capacity"


def place(store: FleetStore) -> Lease:
    """Return a reservation whose time has come."""
    lease = store.acquire(KeyRequest("m", 10, 30_000_000))
    while isinstance(lease, Lease) and not lease.reserved:
        store.settle(lease, Settlement(Outcome.SUCCESS))
        lease = store.acquire(KeyRequest("m", 10, 30_000_000))
    assert isinstance(lease, Lease)
    wait_until(lambda: store.now_us() >= lease.at_us, 60)
    return lease


def test_a_reservation_made_before_a_loss_and_used_during_it_is_counted_once(
    lossy_server: Server, open_fleet_store: Callable[..., FleetStore]
) -> None:
    """The frozen server handles the confirmation when it is back. The settlement arrives after the confirmation."""
    store = open_fleet_store()
    know(store, rpm=600)
    known = store.confirm(place(store))
    assert isinstance(known, Lease), "the confirmation failed"
    store.settle(known, Settlement(Outcome.SUCCESS))
    reserved = place(store)
    wait_until(lambda: ends(store) == {Outcome.SUCCESS: total(store, "requests")}, 60)
    before = total(store, "requests")
    lossy_server.freeze()
    lease = store.confirm(reserved)
    assert isinstance(lease, Lease)
    store.settle(lease, Settlement(Outcome.SERVER_FAILURE))
    assert (store.lost, ends(store)) == (True, {})
    lossy_server.thaw()
    expected = {Outcome.SUCCESS: before, Outcome.SERVER_FAILURE: 1}
    wait_until(lambda: not store.lost and ends(store) == expected, 60)
    time.sleep(0.3)  # a wrong second report would arrive in this time
    assert ends(store) == expected
    assert [total(store, f) for f in ("requests", "successes", "failures")] == [before + 1, before, 1]


def test_the_end_of_a_stream_that_a_frozen_server_handles_late_is_charged_once(
    lossy_server: Server, open_fleet_store: Callable[..., FleetStore]
) -> None:
    store = open_fleet_store()
    know(store)
    stream = answered(store)
    store.end_stream(answered(store), Usage(1))  # makes the server cache this Lua script
    wait_until(
        lambda: ends(store) == {Outcome.SUCCESS: 4} and sum(c.input_tokens for c in store.figures().calls) == 1, 5
    )
    lossy_server.freeze()
    store.end_stream(stream, Usage(30, 3, output_tokens=20))
    wait_until(lambda: store.lost, 60)
    lossy_server.thaw()
    wait_until(lambda: not store.lost and any(c.output_tokens for c in store.figures().calls), 60)
    time.sleep(0.3)  # a second delivery would arrive in this time
    assert sum(c.output_tokens for c in store.figures().calls) == 20
    assert sum(c.input_tokens for c in store.figures().calls) == 11


def test_a_request_that_starts_in_one_loss_and_ends_in_the_next_or_later_is_counted(
    lossy_server: Server, open_fleet_store: Callable[..., FleetStore]
) -> None:
    store = open_fleet_store()
    know(store)
    wait_until(lambda: ends(store) == {Outcome.SUCCESS: 2}, 60)
    lossy_server.freeze()
    during, after, stream, late = (sent(store) for _ in range(4))
    lossy_server.thaw()
    wait_until(lambda: not store.lost, 60)
    lossy_server.freeze()
    second = sent(store)
    assert store.lost
    store.settle(during, Settlement(Outcome.SUCCESS, usage=Usage(20, 5, output_tokens=8)))
    store.settle(stream, Settlement(Outcome.SUCCESS))
    store.end_stream(stream, Usage(40, 3, output_tokens=9))
    store.settle(late, Settlement(Outcome.SUCCESS))
    lossy_server.thaw()
    wait_until(lambda: not store.lost, 60)
    store.settle(second, Settlement(Outcome.SUCCESS))
    store.settle(after, Settlement(Outcome.ABANDONED))
    store.end_stream(late, Usage(30, 3, output_tokens=20))
    wait_until(lambda: sum(call.output_tokens for call in store.figures().calls) == 9 + 8 + 20, 60)
    assert ends(store) == {Outcome.SUCCESS: 6, Outcome.ABANDONED: 1}
    assert store.spent() == Spent(7, 2 * 10 + 20 + 40 + 30 + 2 * 10, 11)
    assert [total(store, f) for f in ("requests", "successes", "in_flight")] == [7, 6, 0]


def test_a_reservation_of_one_loss_whose_time_comes_in_the_next_costs_nothing(
    lossy_server: Server, open_fleet_store: Callable[..., FleetStore]
) -> None:
    store = open_fleet_store()
    know(store, rpm=600)
    lossy_server.freeze()
    reserved = store.acquire(paid := KeyRequest("m", 10, 30_000_000, batch="b", microusd=7))
    while isinstance(reserved, Lease) and not reserved.reserved:
        # a request that fails by the caller's fault is not charged either
        store.settle(reserved, Settlement(Outcome.REQUEST_FAULT))
        reserved = store.acquire(paid)
    assert isinstance(reserved, Lease)
    assert store.spent("b") == Spent()
    lossy_server.thaw()
    wait_until(lambda: not store.lost and store.spent("b") == Spent(), 60)
    lossy_server.freeze()
    store.settle(sent(store), Settlement(Outcome.SUCCESS))
    assert store.lost
    assert store.confirm(reserved) is None
    lossy_server.thaw()
    wait_until(lambda: not store.lost and store.spent("b") == Spent(), 60)


def _lost(loses_replies: LosesReplies, store: FleetStore, step: Callable[[], object]) -> object:
    """Return the result of `step`, during which the server gets requests but its replies are lost."""
    loses_replies.lose = True
    try:
        return step()
    finally:
        loses_replies.lose = False
        wait_until(lambda: not store.lost, 60)


def test_an_admission_whose_reply_is_lost_is_charged_once_and_blocks_no_key(
    loses_replies: LosesReplies, open_fleet_store: Callable[..., FleetStore]
) -> None:
    """The server and the process both admit the request. The server's admission is then withdrawn."""
    store = open_fleet_store(loses_replies.url)
    paid = KeyRequest("m", 10, 0, batch="b", microusd=7)
    beside = [store.acquire(paid) for _ in KEYS]
    assert all(isinstance(lease, Lease) and lease.probe for lease in beside)
    for lease in beside:
        assert isinstance(lease, Lease)
        store.settle(lease, Settlement(Outcome.SERVER_FAILURE, unbilled=True))
    mine = _lost(loses_replies, store, lambda: store.acquire(paid))
    assert isinstance(mine, Lease)
    store.settle(mine, Settlement(Outcome.SUCCESS, usage=Usage(10, 7)))
    # Until both corrections have arrived, only one of the two values is right.
    wait_until(
        lambda: (total(store, "in_flight"), store.spent("b")) == (0, Spent(1, 10, 7)), 6, lambda: str(store.spent("b"))
    )
    assert all(isinstance(store.acquire(KeyRequest("m", 10, 0, frozenset({key.key_id}))), Lease) for key in KEYS)


def test_a_report_that_arrives_twice_counts_once(lossy_server: Server) -> None:
    """The sender did not get the reply, so it sent the report again."""
    with connect_store(lossy_server.url) as connection:
        store = RedisStore(KEYS, "round_robin", connection)
        alone = OfflineActivity({"t:b": Spent(1, 20, 3, 16)}, {"w:m": {"r:no_capacity": 4}}, {KEYS[0].key_id: 5})
        for _ in range(2):
            store.add_offline("a report", alone, losses=1)
        store.add_offline("another report", OfflineActivity(used_us={KEYS[0].key_id: 4}), losses=0)
        assert (store.losses(), store.spent("b")) == (1, Spent(1, 20, 3, 16))
        assert [model.refusals for model in store.figures().models] == [{"no_capacity": 4}]
        assert store.snapshot()[0].last_used_us == 5
