"""SIGHUP to the HTTP door: it would end at it, and now reads the keys again and goes on."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from .conftest import Environment, Propintel, serving, until_true

STATS = "/api/v1/admin/openai/stats"
A, B = "sk-proj-aaaaaaaaaaaaaaaaaaaa1111", "sk-proj-bbbbbbbbbbbbbbbbbbbb2222"


@pytest.fixture
def door(environment: Environment, home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`uvicorn web:app`, writing to `web.log`, with its keys in a dotenv file."""
    (home / "env").write_text(f"OPENAI_API_KEYS={A}\n")
    environment["PROPINTEL_ENV_FILE"] = str(home / "env")
    argv = [sys.executable, "-m", "uvicorn", "web:app", "--host", "127.0.0.1", "--port", "0"]
    with (home / "web.log").open("wb") as log:
        process = subprocess.Popen(argv, env=environment, cwd=home, stdout=log, stderr=log)
    yield process
    process.kill()
    process.wait()


def test_keys_of_the_dotenv_file_are_read_again_at_sighup(
    door: subprocess.Popen[bytes], propintel: Propintel, home: Path
) -> None:
    """An unusable change is refused and named; the door still answers with the keys it had, and ends as usual."""

    def log() -> str:
        return (home / "web.log").read_text()

    until_true(lambda: "Uvicorn running" in log(), "the door")
    address = re.search(r"http://127\.0\.0\.1:\d+", log())
    assert address
    token = {"Authorization": f"Bearer {propintel('token', '--role', 'exec').stdout.strip()}"}

    def shown() -> list[str]:
        return list(httpx2.get(address[0] + STATS, headers=token).json()["data"]["keys"])

    assert shown() == ["sk-proj-aaa...1111"]
    (home / "env").write_text(f"OPENAI_API_KEYS={A},{B}\n")
    door.send_signal(signal.SIGHUP)
    until_true(lambda: "2 OpenAI keys read again" in log(), "the reload")
    assert shown() == ["sk-proj-aaa...1111", "sk-proj-bbb...2222"]
    (home / "env").write_text("OPENAI_API_KEYS=two words\n")
    door.send_signal(signal.SIGHUP)
    until_true(lambda: "the old ones stay in use: OPENAI_API_KEYS: key 1 is malformed" in log(), "the refusal")
    assert "two words" not in log()
    assert len(shown()) == 2
    door.terminate()
    assert door.wait(120) in (0, -signal.SIGTERM)
    assert "Traceback" not in log()


def test_a_changed_keys_file_is_shown_without_a_signal(
    environment: Environment, propintel: Propintel, home: Path
) -> None:
    """The door keeps its view of the keys from one request to the next, and follows the file like everybody else."""
    (home / "keys.txt").write_text(f"{A}\n")
    environment["OPENAI_API_KEYS_FILE"] = str(home / "keys.txt")
    argv = [sys.executable, "-m", "uvicorn", "web:app", "--host", "127.0.0.1", "--port", "0"]
    token = {"Authorization": f"Bearer {propintel('token', '--role', 'exec').stdout.strip()}"}
    with serving(argv, environment, home, until=re.compile(r"http://127\.0\.0\.1:\d+")) as address:

        def shown() -> list[str]:
            return list(httpx2.get(address + STATS, headers=token, timeout=120).json()["data"]["keys"])

        assert shown() == ["sk-proj-aaa...1111"]
        (home / "keys.txt").write_text(f"{A}\n{B}\n")
        until_true(lambda: shown() == ["sk-proj-aaa...1111", "sk-proj-bbb...2222"], "the new key")
