"""Processes that share a Redis never exceed a configured budget of calls, tokens, or dollars together."""

import multiprocessing
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import openai
import pytest
import redis

from app.keypool.retry_loop import spending_batch
from app.services.keys import store
from app.services.openai_client_manager import build_manager
from app.services.runtime.resources import open_resources
from app.services.scraping.run import Run
from app.settings import Settings
from tests.plugins.simulator_fixtures import SimulatorHandle

PROCESSES, CALLS_EACH = 4, 6


def settings(simulator: SimulatorHandle, **more: Any) -> dict[str, Any]:
    """Return arguments for `Settings` that can be pickled for another process."""
    return {"openai_api_keys": ",".join(simulator.keys), "openai_base_url": simulator.base_url, **more}


def meet_at(start: Any) -> None:
    globals()["START"] = start


def ask_often(given: dict[str, Any], batch: str) -> list[str]:
    spending_batch.set(batch)
    store._TIMEOUT_SECONDS = 60.0  # in a process of its own
    found = []
    with build_manager(Settings.of(**given)) as manager:
        client = manager.get_client()
        assert client is not None
        globals()["START"].wait(60)
        for number in range(CALLS_EACH):
            try:
                client.chat.completions.create(
                    model="gpt-4.1-mini", messages=[{"role": "user", "content": f"{batch} {number}"}], max_tokens=10
                )
            except openai.RateLimitError as exc:
                found.append(exc.message if exc.code == "budget_exceeded" else f"unexpected: {exc.message}")
            else:
                found.append("answered")
    return found


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessPoolExecutor]:
    """Yield a pool of processes that wait for each other before they make calls."""
    apart = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, apart, meet_at, (apart.Barrier(PROCESSES),)) as processes:
        yield processes


@pytest.mark.parametrize(
    ("cap", "allowed"),
    [
        ({"budget_daily_model_calls": 7}, 7),
        ({"budget_batch_model_calls": 7}, 7),
        ({"budget_key_daily_model_calls": 3}, 6),
    ],
    ids=["day", "batch", "each of two keys"],
)
def test_concurrent_processes_never_exceed_a_budget_together(
    openai_simulator: Any, embedded_valkey_url: str, processes: ProcessPoolExecutor, cap: dict[str, int], allowed: int
) -> None:
    with redis.Redis.from_url(embedded_valkey_url) as connection:
        connection.flushdb()
    simulator = openai_simulator()
    given = settings(simulator, redis_url=embedded_valkey_url, openai_max_wait_seconds=20, **cap)
    runs = list(processes.map(ask_often, [given] * PROCESSES, ["b"] * PROCESSES, timeout=300))
    found = Counter(answer for run in runs for answer in run)
    assert simulator.stats()["totals"]["requests"] == allowed
    assert found.pop("answered") == allowed
    (refusal,) = found
    assert next(iter(cap)).upper() in refusal
    assert found[refusal] == PROCESSES * CALLS_EACH - allowed


def test_a_scrape_without_a_batch_is_charged_to_no_batch(
    tmp_path: Path, openai_simulator: Any, property_site: str
) -> None:
    given = settings(openai_simulator(), propintel_home=tmp_path, fetch_allowed_private_networks="127.0.0.0/8")
    with open_resources(Settings.of(**given, budget_batch_model_calls=1)) as resources:
        told = [
            resources.scraper.scrape(f"{property_site}/homes/{number}", Run(batch=batch)).model_note
            for number, batch in enumerate(("b", "", "b", "other", "b"), start=1)
        ]
        client = resources.manager.get_client()
        assert client is not None
        assert client.chat.completions.create(model="gpt-4.1-mini", messages=[{"role": "user", "content": "hello"}])
    assert ["BUDGET_BATCH_MODEL_CALLS" in (note or "") for note in told] == [False, False, True, False, True]
