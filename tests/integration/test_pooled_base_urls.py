"""One pool over several providers: each key is sent to its own base URL, and to no other."""

from __future__ import annotations

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
    """Two, each of which knows one key and refuses any other."""
    return [openai_simulator([{"key": key, **_ROOM}]) for key in (_FIRST, _SECOND)]


def _manager(default: Any, *urls: str) -> OpenAIClientManager:
    return OpenAIClientManager(
        make_keys([_FIRST, _SECOND], base_urls=urls), base_url=default.base_url, max_wait_seconds=5
    )


def _answered(provider: Any) -> int:
    return int(provider.stats()["totals"]["ok"])


def _ask(client: openai.OpenAI) -> str | None:
    return client.chat.completions.create(model="gpt-4.1-mini", messages=_MESSAGES).choices[0].message.content  # type: ignore[arg-type]


def test_each_key_is_sent_to_its_own_place(providers: list[Any], caplog: pytest.LogCaptureFixture) -> None:
    """The organization of one provider is none of the other's, by the same name or not."""
    first, second = providers
    with _manager(first, "", second.base_url) as manager:
        client = manager.get_client()
        assert client is not None
        assert all(_ask(client) for _ in range(6))
        states = [key["state"] for key in manager.get_stats()["keys"].values()]
    assert states == ["closed", "closed"]
    assert [_answered(provider) for provider in providers] == [3, 3]
    assert "OPENAI_KEY_GROUPS" not in caplog.text


def test_so_it_is_for_async_clients_and_streams(providers: list[Any]) -> None:
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


def test_a_client_that_was_pointed_elsewhere_takes_no_key_of_another_place_there(providers: list[Any]) -> None:
    """It would be good there, and is not tried; the one without a place of its own is, and is refused."""
    first, second = providers
    with _manager(first, "", f"{second.base_url}/of/another") as manager:
        client = manager.get_client()
        assert client is not None
        elsewhere = client.with_options(base_url=second.base_url)
        with pytest.raises(openai.AuthenticationError):
            _ask(elsewhere)
    assert [_answered(provider) for provider in providers] == [0, 0]
