"""The fleet's store when its server is killed and comes back: no request fails, limits and budgets hold by share."""

from __future__ import annotations

import collections
import itertools
import logging
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from app.keypool.figures import WAIT_BOUNDS_S
from app.keypool.keys import make_keys
from app.keypool.limits import LimitReading, MeterReading
from app.keypool.outcomes import Outcome
from app.keypool.stores.base import Ask, Budget, Cap, Lease, NoRoom, Settlement, Spent, Usage
from app.keypool.stores.fleet import FleetStore
from app.keypool.stores.redis import RedisStore
from app.keypool.stores.tally import Alone
from app.services.embedded_valkey import answers, tied_to_parent
from app.services.key_store import connect_store

pytestmark = [
    pytest.mark.redis_server,
    pytest.mark.skipif(
        shutil.which("redis-server") is None, reason="no redis-server on PATH: install Debian's package"
    ),
]
KEYS = make_keys(["sk-one-0123456789abcdef0123", "sk-two-0123456789abcdef0123"])
MINUTE_US = 60_000_000


class Server:
    """A redis-server that keeps nothing on disk, and is empty when it comes back."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self._port = str(probe.getsockname()[1])
        self._folder = folder
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.start()

    def start(self) -> None:
        command = ["redis-server", "--dir", str(self._folder), "--save", "", "--appendonly", "no"]
        command += ["--bind", "127.0.0.1", "--port", self._port]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(tied_to_parent(command), stdout=log, stderr=log)
        until(lambda: answers(self.url), 20)

    def kill(self) -> None:
        if self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait(10)

    def freeze(self) -> None:
        """It answers nobody, and forgets nothing."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self._process.pid, signal.SIGCONT)


def until(ready: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.01)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    found = Server(tmp_path)
    yield found
    found.kill()


@pytest.fixture
def open_store(server: Server) -> Iterator[Callable[..., FleetStore]]:
    opened: list[FleetStore] = []

    def make(**options: object) -> FleetStore:
        opened.append(FleetStore(KEYS, "round_robin", connect_store(server.url), **options))  # type: ignore[arg-type]
        return opened[-1]

    yield make
    for store in opened:
        store.close()


def sent(store: FleetStore, model: str = "m", **more: object) -> Lease:
    """One request, at its time."""
    lease = store.acquire(Ask(model, 10, 1_000_000, **more))  # type: ignore[arg-type]
    assert isinstance(lease, Lease), lease
    while lease.reserved:
        until(lambda at=lease.at_us: store.now_us() >= at, 2)  # type: ignore[misc]
        confirmed = store.confirm(lease)
        lease = confirmed if isinstance(confirmed, Lease) else lease
    return lease


def answered(store: FleetStore, rpm: float = 60_000, remaining: float | None = None, **more: object) -> Lease:
    """One request from its lease to its success; the response names the limit."""
    lease = sent(store, **more)
    left = rpm - 1 if remaining is None else remaining
    reading = MeterReading(rpm, left, round((rpm - left) * MINUTE_US / rpm))
    store.settle(lease, Settlement(Outcome.SUCCESS, limits=LimitReading(requests=reading)))
    return lease


def know(store: FleetStore, rpm: float = 60_000) -> None:
    """Both keys have answered, and the store has heard so from the server."""
    for _ in KEYS:
        answered(store, rpm)
    until(lambda: len(store.fleet.limits) == len(KEYS), 10)


def test_requests_go_on_while_the_server_is_away_and_it_is_said_once(
    server: Server, open_store: Callable[..., FleetStore], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    store = open_store()
    know(store)
    assert (store.scope, store.losses(), store.lost) == ("fleet", 0, False)
    server.kill()
    used = [answered(store).key_id for _ in range(20)]
    assert set(used) == {key.key_id for key in KEYS}
    assert (store.scope, store.losses(), store.lost) == ("process", 1, True)
    assert sum("key store in Redis is lost" in r.getMessage() for r in caplog.records) == 1


def test_the_fleet_is_back_within_two_seconds_of_its_server(
    server: Server, open_store: Callable[..., FleetStore], caplog: pytest.LogCaptureFixture
) -> None:
    """The server lost its data: it is told the limits, and what they are full of is assumed to be used."""
    caplog.set_level(logging.INFO)
    store = open_store()
    know(store, rpm=60)
    server.kill()
    store.acquire(Ask("m", 10, 0))
    server.start()
    until(lambda: not store.lost, 2)
    until(lambda: store.losses() == 1, 2)
    assert sum("key store in Redis is back" in r.getMessage() for r in caplog.records) == 1
    first = store.acquire(Ask("m", 10, 30_000_000))
    assert isinstance(first, Lease)
    assert first.reserved, "a bucket of which nothing is known is taken for low"
    assert not first.probe, "a key that has answered need not prove itself again"


def test_a_place_that_was_promised_holds_while_the_server_is_away(
    server: Server, open_store: Callable[..., FleetStore]
) -> None:
    store = open_store()
    know(store, rpm=600)
    for _ in KEYS:
        answered(store, rpm=600, remaining=0)
    until(lambda: isinstance(store.acquire(Ask("m", 10, 0)), NoRoom), 5)
    reserved = store.acquire(Ask("m", 10, 30_000_000))
    assert isinstance(reserved, Lease)
    assert reserved.reserved
    server.kill()
    sent = store.confirm(reserved)
    assert isinstance(sent, Lease)
    assert not sent.reserved
    store.settle(sent, Settlement(Outcome.SUCCESS))


def test_processes_share_a_limit_by_their_number(server: Server, open_store: Callable[..., FleetStore]) -> None:
    """Two processes, 600 requests a minute: alone, each lets its requests go 210 ms apart on one key."""
    first, second = open_store(), open_store()
    know(first, rpm=600)
    second.acquire(Ask("m", 10, 0))
    until(lambda: first.fleet.size == second.fleet.size == 2, 10)
    assert {first.fleet.rank, second.fleet.rank} == {0, 1}
    server.kill()
    barred = frozenset({KEYS[1].key_id})
    places: dict[FleetStore, list[int]] = {first: [], second: []}
    for _ in range(4):
        for store, at in places.items():
            lease = store.acquire(Ask("m", 10, 30_000_000, barred))
            assert isinstance(lease, Lease)
            at.append(lease.at_us)
    together = sorted(places[first][1:] + places[second][1:])
    assert min(b - a for a, b in itertools.pairwise(together)) > 80_000
    assert all(abs((at[3] - at[1]) / 2 - 210_000) < 1_000 for at in places.values())


def test_a_key_that_was_refused_stays_out_while_the_server_is_away(
    server: Server, open_store: Callable[..., FleetStore]
) -> None:
    """Also in a process that did not hear the refusal itself."""
    first, second = open_store(), open_store()
    lease = first.acquire(Ask("m", 10, 0))
    assert isinstance(lease, Lease)
    first.settle(lease, Settlement(Outcome.INVALID_KEY))
    answered(first)
    answered(second)
    until(lambda: lease.key_id in second.fleet.bad, 10)
    server.kill()
    assert {answered(second).key_id for _ in range(10)} == {KEYS[1].key_id}


def test_a_budget_holds_while_the_server_is_away_and_after_it_has_lost_its_data(
    server: Server, open_store: Callable[..., FleetStore]
) -> None:
    """Ten calls a day, four used, two processes: three more for each while alone, and none when all are back."""
    first, second = (open_store(budget=Budget(day=Cap(calls=10))) for _ in range(2))
    know(first)
    answered(first)
    answered(second)
    until(
        lambda: all(s.fleet.size == 2 and any(u.calls == 4 for u in s.fleet.spent.values()) for s in (first, second)),
        10,
    )
    server.kill()
    for store in (first, second):
        for _ in range(3):
            answered(store)
        refusal = store.acquire(Ask("m", 10, 0))
        assert isinstance(refusal, NoRoom)
        assert (refusal.reason, refusal.detail) == ("budget", "day calls")
    server.start()
    until(lambda: not (first.lost or second.lost), 4)
    until(lambda: first.spent().calls == 10, 5)
    refusal = second.acquire(Ask("m", 10, 0))
    assert isinstance(refusal, NoRoom)
    assert refusal.reason == "budget"


def test_a_server_that_lost_its_data_unnoticed_is_told_what_was_known(
    server: Server, open_store: Callable[..., FleetStore]
) -> None:
    """It was empty again before anybody asked: budgets, limits and proven keys come back with the next word."""
    store = open_store(budget=Budget(day=Cap(calls=5)))
    know(store)
    answered(store)
    answered(store)
    until(lambda: [u.calls for u in store.fleet.spent.values()] == [4], 10)
    with redis.Redis.from_url(server.url) as connection:
        connection.flushall()
        until(lambda: connection.zcard("{propintel}:pool:procs") == 1, 10)
    assert store.spent().calls == 4
    assert not answered(store).probe
    refusal = store.acquire(Ask("m", 10, 0))
    assert isinstance(refusal, NoRoom)
    assert refusal.reason == "budget"


def test_a_request_that_ends_while_the_server_is_away_is_counted_once(
    server: Server, open_store: Callable[..., FleetStore]
) -> None:
    """The server keeps its data here: what the lost store charged, it corrects when the settlement arrives."""
    store = open_store(budget=Budget(day=Cap(tokens=100_000)))
    know(store)
    leases = [store.acquire(Ask("m", 1_000, 1_000_000)) for _ in range(2)]
    until(lambda: [u.tokens for u in store.fleet.spent.values()] == [2_020], 5)
    server.freeze()
    assert isinstance(store.acquire(Ask("m", 10, 0)), Lease | NoRoom)
    assert store.lost
    assert isinstance(leases[0], Lease)
    store.settle(leases[0], Settlement(Outcome.SUCCESS, usage=Usage(50)))
    alone = store.spent().tokens
    server.thaw()
    until(lambda: not store.lost, 4)
    until(lambda: store.spent().tokens == 1_070 + (alone - 2_020), 5)


def total(store: FleetStore, figure: str) -> int:
    """Of all keys, as the statistics show it."""
    return sum(getattr(snapshot, figure) for snapshot in store.snapshot())


def ends(store: FleetStore, model: str = "m") -> dict[Outcome, int]:
    """How the requests of a model ended, all keys together."""
    found: collections.Counter[Outcome] = collections.Counter()
    for call in store.figures().calls:
        found.update(call.outcomes if call.model == model else {})
    return dict(found)


def test_what_was_counted_alone_reaches_the_fleet_once(server: Server, open_store: Callable[..., FleetStore]) -> None:
    """Two processes, each alone for a while: requests, their ends, tokens, waits, refusals, and what befell a key."""
    stores = [open_store(), open_store()]
    first = stores[0]
    know(first)
    answered(stores[1])
    until(lambda: all(store.fleet.size == 2 for store in stores) and ends(first) == {Outcome.SUCCESS: 3}, 10)
    server.freeze()
    for store in stores:
        for _ in range(4):
            used = Usage(20, 5, output_tokens=8)
            store.settle(sent(store), Settlement(Outcome.SUCCESS, usage=used, waited_us=300_000))
        store.settle(sent(store, "n"), Settlement(Outcome.RATE_LIMITED, pause_us=90_000_000))
        store.settle(sent(store, "n"), Settlement(Outcome.INVALID_KEY))
        refusal = store.acquire(Ask("n", 10, 0))
        assert isinstance(refusal, NoRoom)
        assert refusal.reason == "no_room"
        assert (store.lost, ends(store)) == (True, {Outcome.SUCCESS: 4})
    server.thaw()
    until(lambda: not any(store.lost for store in stores) and total(first, "requests") == 15, 6)
    time.sleep(0.3)  # time for a report that would come twice
    assert ends(first) == {Outcome.SUCCESS: 11}
    assert ends(first, "n") == {Outcome.RATE_LIMITED: 2, Outcome.INVALID_KEY: 2}
    assert [total(first, f) for f in ("requests", "successes", "failures", "rate_limits")] == [15, 11, 4, 2]
    found = first.figures()
    assert found == stores[1].figures()
    of_m = [call for call in found.calls if call.model == "m"]
    assert [sum(getattr(call, f) for call in of_m) for f in ("input_tokens", "output_tokens", "microusd")] == [
        96,
        64,
        40,
    ]
    befell = [what for key in found.transitions for what, times in key.counts.items() for _ in range(times)]
    assert sorted(befell) == ["cooling", "cooling", "dead", "dead"]
    m, n = found.models
    assert (m.waits[WAIT_BOUNDS_S.index(0.5)], m.waited_us, sum(m.waits)) == (8, 8 * 300_000, 11)
    assert n.refusals == {"no_room": 2}
    assert n.saturated_us == {"requests": 60_000_000}, "each had its half of the room"


def test_a_place_promised_before_the_loss_and_used_during_it_is_counted_once(
    server: Server, open_store: Callable[..., FleetStore]
) -> None:
    """Its confirmation lay with a server that was frozen, and comes back to life; its end arrives after the return."""
    store = open_store()
    know(store, rpm=600)
    for _ in KEYS:
        answered(store, rpm=600, remaining=0)
    store.settle(sent(store), Settlement(Outcome.SUCCESS))  # the server knows this script from now on
    until(lambda: ends(store) == {Outcome.SUCCESS: 5}, 5)
    reserved = store.acquire(Ask("m", 10, 30_000_000))
    assert isinstance(reserved, Lease)
    assert reserved.reserved
    until(lambda: store.now_us() >= reserved.at_us, 5)
    server.freeze()
    lease = store.confirm(reserved)
    assert isinstance(lease, Lease)
    store.settle(lease, Settlement(Outcome.SERVER_FAILURE))
    assert (store.lost, ends(store)) == (True, {})
    server.thaw()
    until(lambda: not store.lost and ends(store) == {Outcome.SUCCESS: 5, Outcome.SERVER_FAILURE: 1}, 6)
    time.sleep(0.3)  # time for a report that would come twice
    assert ends(store) == {Outcome.SUCCESS: 5, Outcome.SERVER_FAILURE: 1}
    assert [total(store, f) for f in ("requests", "successes", "failures")] == [6, 5, 1]


def test_a_request_of_the_share_that_ends_after_the_return_is_counted(
    server: Server, open_store: Callable[..., FleetStore]
) -> None:
    store = open_store()
    know(store)
    until(lambda: ends(store) == {Outcome.SUCCESS: 2}, 5)
    server.freeze()
    lease, stream = sent(store), sent(store)
    store.settle(stream, Settlement(Outcome.SUCCESS))
    server.thaw()
    until(lambda: not store.lost, 6)
    store.settle(lease, Settlement(Outcome.ABANDONED))
    store.spend(stream, Usage(30, 3, output_tokens=20))
    until(lambda: sum(c.output_tokens for c in store.figures().calls) == 20, 5)
    assert ends(store) == {Outcome.SUCCESS: 3, Outcome.ABANDONED: 1}
    assert [total(store, f) for f in ("requests", "successes", "failures", "in_flight")] == [4, 3, 0, 0]


def test_the_end_of_a_stream_that_a_frozen_server_heard_late_is_spent_once(
    server: Server, open_store: Callable[..., FleetStore]
) -> None:
    store = open_store()
    know(store)
    stream = answered(store)
    store.spend(answered(store), Usage(1))  # the server knows this script from now on
    until(lambda: ends(store) == {Outcome.SUCCESS: 4} and sum(c.input_tokens for c in store.figures().calls) == 1, 5)
    server.freeze()
    store.spend(stream, Usage(30, 3, output_tokens=20))
    until(lambda: store.lost, 5)
    server.thaw()
    until(lambda: not store.lost and any(c.output_tokens for c in store.figures().calls), 6)
    time.sleep(0.3)  # time for a second delivery
    assert sum(c.output_tokens for c in store.figures().calls) == 20
    assert sum(c.input_tokens for c in store.figures().calls) == 11


def test_a_report_that_arrives_twice_adds_nothing(server: Server) -> None:
    """Its sender heard no answer, and sends it again."""
    with connect_store(server.url) as connection:
        store = RedisStore(KEYS, "round_robin", connection)
        alone = Alone({"t:b": Spent(1, 20, 3)}, {"w:m": {"r:no_room": 4}}, {KEYS[0].key_id: 5})
        for _ in range(2):
            store.add_alone("a report", alone, losses=1)
        store.add_alone("another report", Alone(used_us={KEYS[0].key_id: 4}), losses=0)
        assert (store.losses(), store.spent("b")) == (1, Spent(1, 20, 3))
        assert [model.refusals for model in store.figures().models] == [{"no_room": 4}]
        assert store.snapshot()[0].last_used_us == 5


def test_a_batch_that_begins_while_the_server_is_away_has_its_share_alone(
    server: Server, open_store: Callable[..., FleetStore]
) -> None:
    first, second = (open_store(budget=Budget(batch=Cap(calls=4))) for _ in range(2))
    know(first)
    second.acquire(Ask("m", 10, 0))
    until(lambda: first.fleet.size == second.fleet.size == 2, 10)
    server.kill()
    for store in (first, second):
        for _ in range(2):
            answered(store, batch="new")
        refusal = store.acquire(Ask("m", 10, 0, batch="new"))
        assert isinstance(refusal, NoRoom)
        assert refusal.detail == "batch calls"
    server.start()
    until(lambda: first.spent("new") == second.spent("new") == Spent(4, 40, 0), 6)


def test_a_delivery_that_the_server_never_takes_holds_up_no_other(
    server: Server, open_store: Callable[..., FleetStore]
) -> None:
    store = open_store()
    know(store)
    lease = store.acquire(Ask("m", 10, 1_000_000))
    assert isinstance(lease, Lease)
    with redis.Redis.from_url(server.url) as connection:
        name = "{propintel}:pool:d:" + str(lease.day)
        kept = connection.hgetall(name)
        connection.delete(name)
        connection.set(name, "of another kind")
        store.spend(lease, Usage(99))
        store.settle(lease, Settlement(Outcome.SUCCESS))
        until(lambda: store.snapshot()[0].in_flight + store.snapshot()[1].in_flight == 0, 5)
        connection.delete(name)
        connection.hset(name, mapping=kept)
    assert not store.lost


def test_a_process_can_end_while_the_server_is_away(server: Server, open_store: Callable[..., FleetStore]) -> None:
    store = open_store()
    know(store)
    server.kill()
    store.acquire(Ask("m", 10, 0))
    before = time.monotonic()
    store.close()
    assert time.monotonic() - before < 2.5
    server.start()
    with redis.Redis.from_url(server.url) as connection:
        time.sleep(0.6)  # longer than the courier would wait before it tries again
        assert connection.dbsize() == 0, "nobody comes back"


def test_the_one_request_of_a_process_that_died_is_taken_over(
    server: Server, open_store: Callable[..., FleetStore]
) -> None:
    """A key that never answered waits for its one request no longer than the process that carries it lives."""
    dying, living = open_store(), open_store()
    for _ in KEYS:
        assert isinstance(dying.acquire(Ask("m", 10, 0)), Lease)
    with redis.Redis.from_url(server.url) as connection:
        until(lambda: connection.zcard("{propintel}:pool:procs") == 1, 5)
        (process,) = connection.zrange("{propintel}:pool:procs", 0, -1)
        dying.close()
        assert connection.zscore("{propintel}:pool:procs", process) is None
    assert not isinstance(living.acquire(Ask("m", 10, 1_000)), Lease)
    until(lambda: isinstance(living.acquire(Ask("m", 10, 1_000)), Lease), 15)
