"""The pool's metrics include the time that each request waited, and every key has a unique mask."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import pytest

from app.clock import ManualClock
from app.keypool.keys import make_keys
from app.keypool.outcomes import Outcome
from app.keypool.pool import KeyPool
from app.keypool.retry_loop import RetryLoop, Terms
from app.keypool.transport import ThreadDriver, run_in_thread
from tests.plugins.pooled_sdk import RememberingStore
from tests.plugins.store_steps import EMPTY, SECOND, answer

BODY = {"model": "m", "messages": []}


@dataclass
class Provider(httpx2.BaseTransport):
    clock: ManualClock
    replies: Iterator[httpx2.Response | Exception]

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.clock.advance(7)
        reply = next(self.replies)
        if isinstance(reply, Exception):
            raise reply
        return reply


def sent(store: RememberingStore, pool: KeyPool, clock: ManualClock, *replies: httpx2.Response | Exception) -> None:
    request = httpx2.Request("POST", "http://api/chat", json=BODY)
    terms = Terms(30, monotonic_ns=lambda: clock.now_us() * 1000)
    run_in_thread(RetryLoop(pool, request, terms, ThreadDriver(clock, Provider(clock, iter(replies)))).run())


def test_a_request_waits_until_its_reservation(clock: ManualClock) -> None:
    keys = make_keys(["sk-a"])
    store = RememberingStore(keys, "round_robin", clock)
    answer(store, limits=EMPTY)
    sent(store, KeyPool(keys, store, "round_robin"), clock, httpx2.Response(200, json={}))
    assert sum(clock.slept) > 0
    assert store.settled[-1].waited_us == pytest.approx(sum(clock.slept) * SECOND, abs=2)


def test_the_wait_for_a_further_key_starts_after_the_last_attempt(clock: ManualClock) -> None:
    keys = make_keys(["sk-a", "sk-b"])
    store = RememberingStore(keys, "round_robin", clock)
    replies = [httpx2.ReadTimeout("no answer"), httpx2.Response(200, json={})]
    sent(store, KeyPool(keys, store, "round_robin"), clock, *replies)
    assert [(s.outcome, s.waited_us) for s in store.settled] == [
        (Outcome.SERVER_FAILURE, 0),
        (Outcome.SUCCESS, 100_000),
    ]


def test_every_key_has_a_unique_mask_including_keys_of_other_processes(clock: ManualClock) -> None:
    secrets = [f"sk-proj-{ends * 3}{middle * 20}0001" for ends, middle in ("aa", "ab", "ba", "bb")]
    in_use, *gone = (make_keys([secret]) for secret in secrets)
    former = [key for (key,) in gone]
    store = RememberingStore(former, "round_robin", clock)
    for _ in former:
        answer(store)
    pool = KeyPool(in_use, store, "round_robin")
    pool.replace_keys(in_use)
    masks = {snapshot.key_id: snapshot.mask for snapshot in pool.snapshots()}
    assert masks[in_use[0].key_id] == in_use[0].mask == former[0].mask
    assert masks[former[1].key_id] == former[1].mask == former[2].mask
    assert len(set(masks.values())) == len(masks) == 4
    assert list(pool.stats()["keys"]) == list(masks.values())
    assert set(store.figures().groups) == set(masks)
