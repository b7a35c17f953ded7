"""While the shared key store's server is killed and restarted, no request fails, and limits and budgets hold."""

import itertools
import logging
import time
from collections.abc import Callable

import pytest
import redis

from app.keypool.outcomes import Outcome
from app.keypool.spending import Budget, Cap, Spent, Usage
from app.keypool.stores.base import KeyRequest, Lease, NoCapacity, Settlement, day_of
from app.keypool.stores.fleet import FleetStore
from tests.plugins.lossy_server import KEYS, Server, answered, know, sent
from tests.plugins.waiting import wait_until

pytestmark = pytest.mark.redis_server


def test_no_request_fails_while_the_server_is_down_and_the_fleet_is_back_within_two_seconds_of_it(
    lossy_server: Server, open_fleet_store: Callable[..., FleetStore], caplog: pytest.LogCaptureFixture
) -> None:
    """The loss of the server is logged once. It restarts without data, so all limits count as used up."""
    caplog.set_level(logging.INFO)
    store = open_fleet_store()
    know(store, rpm=60)
    assert (store.scope, store.losses(), store.lost) == ("fleet", 0, False)
    lossy_server.kill()
    assert {answered(store, rpm=60).key_id for _ in KEYS} == {key.key_id for key in KEYS}
    assert (store.scope, store.losses(), store.lost) == ("process", 1, True)
    lossy_server.start()
    wait_until(lambda: not store.lost, 60)
    wait_until(lambda: store.losses() == 1, 60)
    for words in ("key store in Redis is lost", "key store in Redis is back"):
        assert sum(words in r.getMessage() for r in caplog.records) == 1
    first = store.acquire(KeyRequest("m", 10, 30_000_000))
    assert isinstance(first, Lease)
    assert first.reserved, "an unknown bucket was not assumed to be low"
    assert not first.probe, "a key that had answered was probed again"


def test_processes_without_the_server_share_a_limit_equally_and_avoid_a_refused_key(
    lossy_server: Server, open_fleet_store: Callable[..., FleetStore]
) -> None:
    """Two processes share 600 requests per minute. While the server is down, each uses a key every 210 ms."""
    good, bad = (key.key_id for key in KEYS)
    first, second = stores = open_fleet_store(), open_fleet_store()
    know(first, rpm=600)
    first.settle(sent(first, barred=frozenset({good})), Settlement(Outcome.INVALID_KEY))
    second.acquire(KeyRequest("m", 10, 0))
    wait_until(lambda: all(store.fleet.size == 2 and bad in store.fleet.bad for store in stores), 60)
    assert {first.fleet.rank, second.fleet.rank} == {0, 1}
    lossy_server.kill()
    places: dict[FleetStore, list[int]] = {first: [], second: []}
    for _ in range(8):
        for store, at in places.items():
            lease = store.acquire(KeyRequest("m", 10, 30_000_000))
            assert isinstance(lease, Lease)
            assert lease.key_id == good
            at.append(lease.at_us)
    # the shortest gap counts, because a busy machine may delay requests
    spaces = [min(b - a for a, b in itertools.pairwise(at[1:])) for at in places.values()]
    assert all(abs(space - 210_000) < 1_000 for space in spaces)


def _refused_for(store: FleetStore, batch: str = "") -> tuple[str, str]:
    refusal = store.acquire(KeyRequest("m", 10, 0, batch=batch))
    assert isinstance(refusal, NoCapacity)
    return refusal.reason, refusal.detail


def test_budgets_hold_while_the_server_is_down_and_after_it_has_lost_its_data(
    lossy_server: Server, open_fleet_store: Callable[..., FleetStore]
) -> None:
    """Four of ten daily calls are used. Offline, each process may make three more, two of them for a new batch."""
    budget = Budget(day=Cap(calls=10), batch=Cap(calls=4))
    first, second = stores = open_fleet_store(budget=budget), open_fleet_store(budget=budget)
    know(first)
    answered(first)
    answered(second)
    wait_until(lambda: all(s.fleet.size == 2 and 4 in {u.calls for u in s.fleet.spent.values()} for s in stores), 60)
    lossy_server.kill()
    for store in stores:
        for _ in range(2):
            answered(store, batch="new")
        assert _refused_for(store, "new") == ("budget", "batch calls")
        answered(store)
        assert _refused_for(store) == ("budget", "day calls")
    lossy_server.start()
    wait_until(lambda: not (first.lost or second.lost), 60)
    wait_until(lambda: first.spent().calls == 10 and first.spent("new") == second.spent("new") == Spent(4, 40, 0), 60)
    assert _refused_for(second) == ("budget", "day calls")


def test_a_server_that_lost_its_data_unnoticed_gets_it_back(
    lossy_server: Server, open_fleet_store: Callable[..., FleetStore]
) -> None:
    """The next heartbeat restores budgets, limits, and the record of verified keys."""
    store = open_fleet_store(budget=Budget(day=Cap(calls=5)))
    know(store)
    answered(store)
    store.settle(sent(store), Settlement(Outcome.SUCCESS, usage=Usage(10, 0, 0, 8)))
    wait_until(lambda: [(u.calls, u.cached_tokens) for u in store.fleet.spent.values()] == [(4, 8)], 60)
    with redis.Redis.from_url(lossy_server.url) as connection:
        connection.flushall()
        wait_until(lambda: connection.zcard("{propintel}:pool:procs") == 1, 60)
    assert (store.spent().calls, store.spent().cached_tokens) == (4, 8)
    assert not answered(store).probe
    assert _refused_for(store) == ("budget", "day calls")


def test_a_request_that_ends_while_the_server_is_down_is_counted_once(
    lossy_server: Server, open_fleet_store: Callable[..., FleetStore]
) -> None:
    """The frozen server keeps its data, with an estimated charge. A later settlement corrects the charge."""
    store = open_fleet_store(budget=Budget(day=Cap(tokens=100_000)))
    know(store)
    leases = [sent(store, tokens=1_000) for _ in range(2)]
    wait_until(lambda: [u.tokens for u in store.fleet.spent.values()] == [2_020], 60)
    lossy_server.freeze()
    assert isinstance(store.acquire(KeyRequest("m", 10, 0)), Lease | NoCapacity)
    assert store.lost
    store.settle(leases[0], Settlement(Outcome.SUCCESS, usage=Usage(50, cached_tokens=16)))
    alone = store.spent().tokens
    lossy_server.thaw()
    wait_until(lambda: not store.lost, 60)
    wait_until(lambda: store.spent().tokens == 1_070 + (alone - 2_020), 60)
    assert store.spent().cached_tokens == 16


@pytest.mark.parametrize(
    ("stop", "resume"),
    [
        ("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"),  # as a replica, the server rejects writes but keeps its data
        ("CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0"),  # without a replica, writes fail
    ],
)
def test_a_report_that_fails_is_delivered_when_the_server_is_back(
    lossy_server: Server, open_fleet_store: Callable[..., FleetStore], stop: str, resume: str
) -> None:
    """The report of the success, sent in the background, may be the first request that fails."""
    store = open_fleet_store()
    know(store)
    lease = sent(store, tokens=10)
    before = sum(key.successes for key in store.snapshot())
    with redis.Redis.from_url(lossy_server.url) as connection:
        connection.execute_command(*stop.split())
        store.settle(lease, Settlement(Outcome.SUCCESS))
        wait_until(lambda: store.lost, 60)
        connection.execute_command(*resume.split())
    wait_until(lambda: not store.lost, 60)
    wait_until(lambda: sum(key.successes for key in store.snapshot()) == before + 1, 60)
    assert sum(key.in_flight for key in store.snapshot()) == 0


def test_a_report_that_the_server_never_accepts_delays_no_other(
    lossy_server: Server, open_fleet_store: Callable[..., FleetStore]
) -> None:
    store = open_fleet_store()
    know(store)
    lease = store.acquire(KeyRequest("m", 10, 1_000_000))
    assert isinstance(lease, Lease)
    with redis.Redis.from_url(lossy_server.url) as connection:
        name = "{propintel}:pool:d:" + str(day_of(lease.at_us))
        kept = connection.hgetall(name)
        connection.delete(name)
        connection.set(name, "of another kind")
        store.end_stream(lease, Usage(99))
        store.settle(lease, Settlement(Outcome.SUCCESS))
        wait_until(lambda: store.snapshot()[0].in_flight + store.snapshot()[1].in_flight == 0, 60)
        connection.delete(name)
        connection.hset(name, mapping=kept)
    assert not store.lost


def test_a_process_can_end_while_the_server_is_away(
    lossy_server: Server, open_fleet_store: Callable[..., FleetStore]
) -> None:
    store = open_fleet_store()
    know(store)
    lossy_server.kill()
    store.acquire(KeyRequest("m", 10, 0))
    before = time.monotonic()
    store.close()
    assert time.monotonic() - before < 20
    lossy_server.start()
    with redis.Redis.from_url(lossy_server.url) as connection:
        time.sleep(0.6)  # longer than the outbox's retry delay
        assert connection.dbsize() == 0, "a closed process wrote to the server"


def test_the_only_request_of_a_crashed_process_is_taken_over(
    lossy_server: Server, open_fleet_store: Callable[..., FleetStore]
) -> None:
    """An unverified key gets one request at a time. Other requests wait for it only while its process lives."""
    dying, living = open_fleet_store(), open_fleet_store()
    for _ in KEYS:
        assert isinstance(dying.acquire(KeyRequest("m", 10, 0)), Lease)
    with redis.Redis.from_url(lossy_server.url) as connection:
        wait_until(lambda: connection.zcard("{propintel}:pool:procs") == 1, 60)
        (process,) = connection.zrange("{propintel}:pool:procs", 0, -1)
        dying.close()
        assert connection.zscore("{propintel}:pool:procs", process) is None
    assert not isinstance(living.acquire(KeyRequest("m", 10, 1_000)), Lease)
    wait_until(lambda: isinstance(living.acquire(KeyRequest("m", 10, 1_000)), Lease), 60)
