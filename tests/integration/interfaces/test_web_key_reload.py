"""SIGHUP makes the web server reload its OpenAI keys instead of stopping."""

import signal
from pathlib import Path

import httpx2
import pytest

from .conftest import WEB, Environment, Serving, Token, until_true

STATS = "/api/v1/admin/openai/stats"
A, B = "sk-proj-aaaaaaaaaaaaaaaaaaaa1111", "sk-proj-bbbbbbbbbbbbbbbbbbbb2222"


def test_sighup_reloads_the_keys_of_the_dotenv_file(
    environment: Environment, serving: Serving, token: Token, home: Path
) -> None:
    (home / "env").write_text(f"OPENAI_API_KEYS={A}\n")
    environment["PROPINTEL_ENV_FILE"] = str(home / "env")
    headers = {"Authorization": f"Bearer {token('exec')}"}
    with serving(*WEB, environment=environment) as server:

        def shown() -> list[str]:
            return list(httpx2.get(server.url + STATS, headers=headers, timeout=120).json()["data"]["keys"])

        def reload(keys: str, expected: str) -> None:
            (home / "env").write_text(f"OPENAI_API_KEYS={keys}\n")
            server.process.send_signal(signal.SIGHUP)
            until_true(lambda: expected in server.log.read_text(), expected)

        assert shown() == ["sk-proj-aaa...1111"]
        reload(f"{A},{B}", "2 OpenAI keys read again")
        assert shown() == ["sk-proj-aaa...1111", "sk-proj-bbb...2222"]
        reload("two words", "the old ones stay in use: OPENAI_API_KEYS: key 1 is malformed")
        assert "two words" not in server.log.read_text()
        assert len(shown()) == 2
        server.process.terminate()
        assert server.process.wait(120) in (0, -signal.SIGTERM)
        assert "Traceback" not in server.log.read_text()


def test_a_changed_keys_file_is_shown_without_a_signal(
    environment: Environment, token: Token, home: Path, request: pytest.FixtureRequest
) -> None:
    (home / "keys.txt").write_text(f"{A}\n")
    environment["OPENAI_API_KEYS_FILE"] = str(home / "keys.txt")
    headers = {"Authorization": f"Bearer {token('exec')}"}
    web = request.getfixturevalue("web")

    def shown() -> list[str]:
        return list(httpx2.get(web + STATS, headers=headers, timeout=300).json()["data"]["keys"])

    assert shown() == ["sk-proj-aaa...1111"]
    (home / "keys.txt").write_text(f"{A}\n{B}\n")
    until_true(lambda: shown() == ["sk-proj-aaa...1111", "sk-proj-bbb...2222"], "the new key")
