"""The specification's two code samples run unchanged against the simulator."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.services.openai_client_manager import install_manager

REQUEST = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Say hello."}]}


@pytest.fixture(autouse=True)
def _fresh_manager() -> Iterator[None]:
    install_manager(None)
    yield
    install_manager(None)


@pytest.fixture
def samples(shared_dir: Path) -> list[str]:
    text = (shared_dir / "spec" / "openai-key-rotation.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    return [block.replace("create(...)", "create(**REQUEST)") for block in blocks]


def _run(sample: str) -> dict[str, Any]:
    names: dict[str, Any] = {"REQUEST": REQUEST}
    exec(compile(sample, "specification", "exec"), names)  # noqa: S102 (the specification's own code)
    return names


@pytest.mark.real_pages
@pytest.mark.parametrize("index", [0, 1])
def test_the_samples_run_as_written(
    index: int, samples: list[str], openai_simulator: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(samples) == 2
    server = openai_simulator(
        keys=[
            {"key": "sk-simulator-dead-aaaaaaaaaaaa", "behavior": "dead"},
            {"key": "sk-simulator-good-bbbbbbbbbbbb", "rpm": 600, "tpm": 1_000_000},
            {"key": "sk-simulator-good-cccccccccccc", "rpm": 600, "tpm": 1_000_000},
        ]
    )
    monkeypatch.setenv("OPENAI_API_KEYS", ",".join(server.keys))
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    names = _run(samples[index])
    assert names["response"].choices[0].message.content
    totals = server.stats()["totals"]
    assert (totals["ok"], totals["unauthorized"]) == (1, 1)


@pytest.mark.real_pages
def test_without_keys_the_second_sample_does_nothing(samples: list[str]) -> None:
    """`get_openai_client()` is None without keys, so the sample checks for None."""
    names = _run(samples[1])
    assert names["client"] is None
    assert "response" not in names
