"""One pool for several providers: each key is sent only to its own base URL."""

import asyncio
from collections.abc import Callable
from typing import Any

import openai
import pytest

from app.keypool.keys import make_keys
from app.services.openai_client_manager import OpenAIClientManager

_ROOM = {"rpm": 60_000, "tpm": 100_000_000}
_MESSAGES = [{"role": "user", "content": "hello"}]
_FIRST, _SECOND = "sk-simulator-first-0000000001", "sk-simulator-second-000000002"


@pytest.fixture
def providers(openai_simulator: Callable[..., Any]) -> list[Any]:
    return [openai_simulator([{"key": key, **_ROOM}]) for key in (_FIRST, _SECOND)]


def _manager(default: Any, *urls: str) -> OpenAIClientManager:
    return OpenAIClientManager(
        make_keys([_FIRST, _SECOND], base_urls=urls), base_url=default.base_url, max_wait_seconds=5
    )


def _answered(provider: Any) -> int:
    return int(provider.stats()["totals"]["ok"])


def _ask(client: openai.OpenAI) -> str | None:
    return client.chat.completions.create(model="gpt-4.1-mini", messages=_MESSAGES).choices[0].message.content  # type: ignore[arg-type]


def test_each_key_is_sent_to_its_own_base_url(providers: list[Any], caplog: pytest.LogCaptureFixture) -> None:
    """Two providers may use the same organization name without sharing limits."""
    first, second = providers
    with _manager(first, "", second.base_url) as manager:
        client = manager.get_client()
        assert client is not None
        assert all(_ask(client) for _ in range(6))
        states = [key["state"] for key in manager.get_stats()["keys"].values()]
    assert states == ["closed", "closed"]
    assert [_answered(provider) for provider in providers] == [3, 3]
    assert "OPENAI_KEY_GROUPS" not in caplog.text


def test_async_clients_and_streams_use_each_keys_base_url(providers: list[Any]) -> None:
    first, second = providers

    async def scenario(client: openai.AsyncOpenAI) -> list[str]:
        found = []
        for _ in range(4):
            stream = await client.chat.completions.create(model="gpt-4.1-mini", messages=_MESSAGES, stream=True)  # type: ignore[call-overload]
            found.append("".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]))
        return found

    with _manager(first, first.base_url, second.base_url) as manager:
        assert all(asyncio.run(manager.aexecute_with_retry(scenario)))
    assert [_answered(provider) for provider in providers] == [2, 2]


def test_a_client_with_another_base_url_sends_no_key_of_a_different_provider(providers: list[Any]) -> None:
    """Only the key without a base URL is sent to the client's URL, whose server refuses the key."""
    first, second = providers
    with _manager(first, "", f"{second.base_url}/of/another") as manager:
        client = manager.get_client()
        assert client is not None
        elsewhere = client.with_options(base_url=second.base_url)
        with pytest.raises(openai.AuthenticationError):
            _ask(elsewhere)
    assert [_answered(provider) for provider in providers] == [0, 0]
