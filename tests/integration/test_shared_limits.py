"""Keys of one organization are detected from responses and reported once, with the setting that groups them."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import openai
import pytest

from app.keypool.keys import make_keys
from app.services.openai_client_manager import OpenAIClientManager
from tests.plugins.simulator_fixtures import KEYS, SimulatorHandle

ASK: Any = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "hello"}]}


def simulator_keys(*homes: tuple[str, str], **more: Any) -> list[dict[str, Any]]:
    return [
        {"key": key, "organization": organization, "project": project, "rpm": 60_000, "tpm": 1e8, **more}
        for key, (organization, project) in zip(KEYS, homes, strict=False)
    ]


@contextmanager
def managed(simulator: SimulatorHandle, count: int = len(KEYS)) -> Iterator[OpenAIClientManager]:
    with OpenAIClientManager(
        make_keys(simulator.keys[:count]), base_url=simulator.base_url, max_wait_seconds=5
    ) as manager:
        yield manager


def ask_often(manager: OpenAIClientManager) -> None:
    client = manager.get_client()
    assert client is not None
    for _ in range(3 * len(manager.keys)):
        client.chat.completions.create(**ASK)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING and "OPENAI_KEY_GROUPS" in r.msg]


def test_a_refusal_reveals_the_organization_too(
    openai_simulator: Callable[..., SimulatorHandle], caplog: pytest.LogCaptureFixture
) -> None:
    simulator = openai_simulator(simulator_keys(*[("org-elm", "proj_1")] * 2, behavior="no_quota"))
    with managed(simulator) as manager, pytest.raises(openai.RateLimitError):
        ask_often(manager)
    assert len(warnings(caplog)) == 1


def test_keys_added_by_a_reload_are_compared_too(
    openai_simulator: Callable[..., SimulatorHandle], caplog: pytest.LogCaptureFixture
) -> None:
    with managed(openai_simulator(simulator_keys(("org-elm", "p"), ("org-oak", "p"), ("org-elm", "p"))), 2) as manager:
        ask_often(manager)
        assert warnings(caplog) == []
        manager.replace_keys(make_keys(KEYS[:3]))
        ask_often(manager)
    assert len(warnings(caplog)) == 1
