"""In a long-running script, the client manager follows changes of the keys file until it is closed."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import openai
import pytest

from app.keypool.keys import make_keys
from app.services.openai_client_manager import (
    OpenAIClientManager,
    get_openai_client,
    get_openai_client_manager,
    install_manager,
)
from tests.plugins.pooled_sdk import MESSAGES, MODEL, WIDE
from tests.plugins.simulator_fixtures import KEYS, SimulatorHandle
from tests.plugins.waiting import wait_until


@pytest.fixture(autouse=True)
def _no_manager() -> Iterator[None]:
    install_manager(None)
    yield
    install_manager(None)


@pytest.fixture
def managers() -> Iterator[Callable[[], OpenAIClientManager]]:
    given: list[OpenAIClientManager] = []

    def get() -> OpenAIClientManager:
        given.append(get_openai_client_manager())
        return given[-1]

    yield get
    for manager in given:
        manager.close()


def reloaders() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "key-reloader"]


def ask() -> None:
    client = get_openai_client()
    assert client is not None
    client.chat.completions.create(model="gpt-4.1-mini", messages=[{"role": "user", "content": "hello"}])


def test_a_script_uses_the_current_keys_of_its_file(
    tmp_path: Path,
    openai_simulator: Callable[..., SimulatorHandle],
    managers: Callable[[], OpenAIClientManager],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    simulator, file = openai_simulator(), tmp_path / "keys"
    file.write_text(f"{KEYS[0]}\n")
    monkeypatch.setenv("OPENAI_API_KEYS_FILE", str(file))
    monkeypatch.setenv("OPENAI_BASE_URL", simulator.base_url)
    monkeypatch.setenv("PROPINTEL_HOME", str(tmp_path / "home"))
    manager = managers()
    assert managers() is manager
    assert len(reloaders()) == 1
    ask()
    file.write_text(f"{KEYS[1]}\n")
    wait_until(lambda: manager.keys == make_keys([KEYS[1]]), 120)
    ask()
    assert [simulator.stats_of(key)["ok"] for key in KEYS[:2]] == [1, 1]
    manager.close()
    assert reloaders() == []
    manager.close()


async def _ask(client: openai.AsyncOpenAI) -> str | None:
    reply = await client.chat.completions.create(model=MODEL, messages=MESSAGES)
    return reply.choices[0].message.content


def test_the_async_variant_rotates_keys_and_respects_max_retries(
    openai_simulator: Callable[..., SimulatorHandle],
) -> None:
    bad = [{"key": key, **WIDE, "behavior": "no_quota"} for key in KEYS[:2]]
    simulator = openai_simulator([*bad, {"key": KEYS[2], **WIDE}])
    with OpenAIClientManager(make_keys(simulator.keys), base_url=simulator.base_url) as manager:
        with pytest.raises(openai.RateLimitError):
            asyncio.run(manager.aexecute_with_retry(_ask, max_retries=1))
        assert simulator.stats()["totals"]["requests"] == 2
        assert asyncio.run(manager.aexecute_with_retry(_ask))
        with pytest.raises(ValueError, match="max_retries"):
            asyncio.run(manager.aexecute_with_retry(_ask, max_retries=-1))


def test_a_stream_that_outlives_its_client_is_no_failure_of_a_key(
    openai_simulator: Callable[..., SimulatorHandle],
) -> None:
    simulator = openai_simulator([{"key": KEYS[0], **WIDE}])

    async def late(manager: OpenAIClientManager) -> None:
        stream = await manager.aexecute_with_retry(
            lambda client: client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
        )
        with contextlib.suppress(openai.APIError, httpx2.HTTPError):
            async for _ in stream:
                pass

    with OpenAIClientManager(make_keys(simulator.keys), base_url=simulator.base_url) as manager:
        for _ in range(3):
            asyncio.run(late(manager))
        (key,) = manager.get_stats()["keys"].values()
    assert (key["failures"], key["circuit_open"]) == (0, False)
