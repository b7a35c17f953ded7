"""Real processes share one key pool, its probes, and its limits, despite crashes and wrong clocks."""

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import redis

from app.keypool.keys import make_keys
from app.redis.embedded_valkey import ending_with_parent
from tests.plugins.redis_fixtures import TAG
from tests.plugins.store_steps import MINUTE, SECOND

A, B = make_keys(["sk-a", "sk-b"])
NOT_B = {"barred": [B.key_id]}
#: Short times for an open circuit and a probe, because tests wait for them.
POLICY = {"open_us": SECOND // 2, "probe_lease_us": SECOND}
_pools = itertools.count()


class Peer:
    def __init__(self, url: str) -> None:
        command = ending_with_parent([sys.executable, "-m", "tests.plugins.store_process", url])
        root = Path(__file__).parents[2]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, cwd=root, text=True, stdin=pipe, stdout=pipe)

    def send(self, do: str, **arguments: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self.process.stdin.flush()

    def reply(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the process ended with {self.process.wait(120)}"
        return json.loads(line)

    def does(self, do: str, **arguments: Any) -> Any:
        self.send(do, **arguments)
        return self.reply()

    def asks(self, times: int = 1, **of_ask: Any) -> Any:
        return self.does("acquire", times=times, seconds=0, at=0, **of_ask)

    def takes(self, **of_ask: Any) -> Any:
        (reply,) = self.asks(**of_ask)
        assert reply["kind"] == "Lease", reply
        return reply

    def settles(
        self, lease: Any, outcome: str, pause_us: int | None = None, rpm: float = 0, remaining: float = 0
    ) -> Any:
        return self.does(
            "settle", lease_id=lease["lease_id"], outcome=outcome, pause_us=pause_us, rpm=rpm, remaining=remaining
        )

    def end(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=300)


@pytest.fixture(scope="module", params=["valkey", pytest.param("redis", marks=pytest.mark.every_server)])
def server(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue({"valkey": "embedded_valkey_url", "redis": "redis_server_url"}[request.param])


@pytest.fixture(scope="module")
def fleet(server: str) -> Iterator[list[Peer]]:
    peers = [Peer(server) for _ in range(8)]
    try:
        for peer in peers:
            assert peer.reply() == "ready"
        yield peers
    finally:
        for peer in peers:
            peer.end()


@pytest.fixture
def extra(server: str) -> Iterator[Peer]:
    """Start another process, which a test may kill or give a wrong clock."""
    peer = Peer(server)
    assert peer.reply() == "ready"
    yield peer
    peer.end()


def share_a_pool(peers: Sequence[Peer], calls_a_day: int | None = None, **policy: int) -> None:
    prefix = f"{TAG}:processes{next(_pools)}"
    for peer in peers:
        peer.does("open", prefix=prefix, keys=["sk-a", "sk-b"], policy=POLICY | policy, calls_a_day=calls_a_day)


def all_at_once(peers: Sequence[Peer], times: int, seconds: float = 0, **of_ask: Any) -> list[Any]:
    """Start all `peers` together. Each makes at least `times` requests, for at least `seconds`. Return their leases."""
    at = time.monotonic() + 0.05
    for peer in peers:
        peer.send("acquire", times=times, seconds=seconds, at=at, **of_ask)
    replies = [reply for peer in peers for reply in peer.reply()]
    assert len(replies) >= times * len(peers)
    leases = [reply for reply in replies if reply["kind"] == "Lease"]
    assert len({lease["lease_id"] for lease in leases}) == len(leases)
    return leases


def deepest(leases: Sequence[Any], per_minute: float) -> float:
    """Return the highest level of a bucket that drains at this rate, if each request arrives at its lease's time."""
    full_at, most = 0.0, 0.0
    for at_us in sorted(lease["at_us"] for lease in leases):
        full_at = max(full_at, at_us) + MINUTE / per_minute
        most = max(most, (full_at - at_us) * per_minute / MINUTE)
    return most


def test_a_half_open_key_gets_one_probe_from_the_whole_fleet(fleet: list[Peer]) -> None:
    """All processes request leases continuously, before and after the circuit becomes half open."""
    share_a_pool(fleet, probe_lease_us=60 * SECOND)
    first = fleet[0]
    first.settles(first.takes(barred=[A.key_id]), "success")
    first.settles(first.takes(**NOT_B), "success")
    for number in range(3):
        change = first.settles(first.takes(**NOT_B), "server_failure")
        assert change["opened_after"] == (3 if number == 2 else None)
    leases = all_at_once(fleet, 20, seconds=0.9, **NOT_B)
    assert [lease["key_id"] for lease in leases] == [A.key_id]
    assert {key["state"] for key in fleet[-1].does("look")["keys"]} == {"closed", "half_open"}
    (holder,) = [peer for peer in fleet if _closes(peer, leases[0])]
    assert holder.process.poll() is None
    assert len(all_at_once(fleet, 5, **NOT_B)) == 40


def _closes(peer: Peer, lease: Any) -> bool:
    if not peer.does("holds", lease_id=lease["lease_id"]):
        return False
    assert peer.settles(lease, "success")["closed"]
    return True


@pytest.mark.parametrize("max_wait_us", [0, SECOND])
def test_the_fleet_never_exceeds_a_buckets_capacity(fleet: list[Peer], max_wait_us: int) -> None:
    """At 1,200 requests per minute, a bucket holds 20. A reserved request counts at its reserved time."""
    share_a_pool(fleet)
    first = fleet[0]
    first.settles(first.takes(**NOT_B), "success", rpm=1200, remaining=1200)
    leases = all_at_once(fleet, 50, max_wait_us=max_wait_us, **NOT_B)
    assert 15 <= len(leases) < 400
    assert any(lease["reserved"] for lease in leases) == (max_wait_us > 0)
    assert 10 < deepest(leases, 1200) <= 20


def test_a_fleet_budget_is_exact(fleet: list[Peer]) -> None:
    share_a_pool(fleet, calls_a_day=37)
    first = fleet[0]
    for key in (A, B):
        first.settles(first.takes(barred=[k.key_id for k in (A, B) if k != key]), "success")
    assert len(all_at_once(fleet, 20)) == 35
    assert {peer.does("look")["spent"]["calls"] for peer in fleet} == {37}


def test_a_probe_of_a_killed_process_expires(fleet: list[Peer], extra: Peer) -> None:
    share_a_pool([*fleet, extra])
    lost = extra.takes(**NOT_B)
    extra.end()
    found = all_at_once(fleet, 1, seconds=POLICY["probe_lease_us"] / SECOND + 0.5, **NOT_B)
    times = [lost["at_us"], *sorted(lease["at_us"] for lease in found)]
    assert len(times) > 1
    assert all(later - earlier >= SECOND for earlier, later in pairwise(times))


def test_reservations_of_a_killed_process_expire_at_their_time(fleet: list[Peer], extra: Peer) -> None:
    """Each reservation takes 0.1 s of capacity. A second after the last reserved time, all capacity is free again."""
    share_a_pool([*fleet, extra])
    extra.settles(extra.takes(**NOT_B), "success", rpm=600, remaining=600)
    reserved = [lease for lease in extra.asks(40, max_wait_us=5 * SECOND, **NOT_B) if lease["reserved"]]
    assert len(reserved) > 10
    last = max(lease["at_us"] for lease in reserved)
    extra.end()
    began = fleet[0].does("look")["now_us"]
    leases = all_at_once(fleet, 1, seconds=(last - began) / SECOND + 1.5, **NOT_B)
    after = [lease["at_us"] for lease in leases if lease["at_us"] >= last]
    assert len([at_us for at_us in after if at_us < min(after) + SECOND]) >= 8


@pytest.mark.parametrize("wrong_by_s", [3600, -3600])
def test_a_hosts_wrong_clock_changes_nothing(fleet: list[Peer], extra: Peer, server: str, wrong_by_s: int) -> None:
    """Only the server's clock is used, so all hosts get the same results."""
    extra.does("shift_clocks", seconds=wrong_by_s)
    right = fleet[0]
    pair = [extra, right]
    share_a_pool(pair, calls_a_day=7)
    for peer, key in zip(pair, (A, B), strict=True):
        other = [k.key_id for k in (A, B) if k != key]
        peer.settles(peer.takes(barred=other), "success", rpm=600, remaining=590)
    with redis.Redis.from_url(server) as connection:
        seconds, microseconds = connection.time()
        seen = [peer.does("look")["now_us"] for peer in pair]
    assert all(abs(now - seconds * SECOND - microseconds) < 60 * SECOND for now in seen)
    places = [peer.takes(max_wait_us=2 * SECOND) for peer in (*pair, *pair)]
    times = [place["at_us"] - places[0]["at_us"] for place in places]
    assert all(abs(times[n] - times[n - 1]) < 60 * SECOND for n in range(1, 4))
    sent = [
        peer.does("confirm", lease_id=place["lease_id"]) if place["reserved"] else place
        for peer, place in zip((*pair, *pair), places, strict=True)
    ]
    assert [reply["kind"] for reply in sent] == ["Lease"] * 4
    late = [reply["at_us"] - place["at_us"] for reply, place in zip(sent, places, strict=True)]
    assert all(abs(by) < 60 * SECOND for by in late)
    for peer, lease in zip((*pair, *pair), sent, strict=True):
        assert peer.settles(lease, "rate_limited", pause_us=20 * SECOND)["cooled_us"] in {None, 20 * SECOND}
    refusals = [peer.asks()[0] for peer in pair]
    assert [refusal["reason"] for refusal in refusals] == ["no_capacity"] * 2
    assert all(0 < refusal["retry_after_us"] <= 21 * SECOND for refusal in refusals)
    figures = [peer.does("look") for peer in pair]
    rests = [[key.pop("rests_us") for key in seen["keys"]] for seen in figures]
    assert all(abs(one - other) < 60 * SECOND for one, other in zip(*rests, strict=True))
    assert figures[0]["keys"] == figures[1]["keys"]
    assert figures[0]["spent"] == figures[1]["spent"]
