"""The provider fails and recovers while many callers wait. Each caller gets an answer, with every kind of store."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import openai
import pytest

from app.clock import SystemClock
from app.keypool.keys import make_keys
from app.keypool.pool import KeyPool
from app.keypool.retry_loop import Terms
from app.keypool.transport import PooledTransport
from tests.plugins.pooled_sdk import MESSAGES, MODEL, PLACEHOLDER, WIDE
from tests.plugins.redis_fixtures import MakeStore
from tests.plugins.simulator_fixtures import KEYS

CALLERS = 20
#: An outage this long opens all circuits, and callers have to wait several times.
OUTAGE_SECONDS = 2.0


@pytest.mark.parametrize("known", [True, False], ids=["keys that answered before", "keys that never answered"])
def test_twenty_callers_survive_an_outage_of_all_keys(
    openai_simulator: Callable[..., Any], make_store: MakeStore, known: bool
) -> None:
    simulator = openai_simulator([{"key": key, **WIDE} for key in KEYS])
    keys = make_keys(simulator.keys)
    pool = KeyPool(keys, make_store(keys, SystemClock()), "round_robin")
    transport = PooledTransport(pool, SystemClock(), Terms(30))
    with httpx2.Client(transport=transport, trust_env=False, timeout=10) as http:
        client = openai.OpenAI(api_key=PLACEHOLDER, base_url=simulator.base_url, http_client=http, max_retries=0)

        def ask() -> float:
            client.chat.completions.create(model=MODEL, messages=MESSAGES)
            return time.monotonic()

        if known:
            for _ in KEYS:
                ask()
        for key in KEYS:
            simulator.set_key(key, behavior="flaky", failure_rate=1.0)
        back = threading.Timer(
            OUTAGE_SECONDS, lambda: [simulator.set_key(key, behavior="ok", failure_rate=0.0) for key in KEYS]
        )
        with ThreadPoolExecutor(CALLERS) as callers:
            asked = [callers.submit(ask) for _ in range(CALLERS)]
            back.start()
            answered = [one.result(timeout=300) for one in asked]
    assert len(answered) == CALLERS
    assert "closed" in {figures["state"] for figures in pool.stats()["keys"].values()}
    assert simulator.stats()["totals"]["ok"] == CALLERS + len(KEYS) * known
