"""SIGHUP makes the HTTP server reload its keys instead of ending."""

from __future__ import annotations

import signal
from pathlib import Path

import httpx2

from .conftest import WEB, Environment, Propintel, Server, Serving, until_true

STATS = "/api/v1/admin/openai/stats"
A, B = "sk-proj-aaaaaaaaaaaaaaaaaaaa1111", "sk-proj-bbbbbbbbbbbbbbbbbbbb2222"


def test_sighup_reloads_the_keys_of_the_dotenv_file(
    environment: Environment, serving: Serving, propintel: Propintel, home: Path
) -> None:
    """An unusable list of keys is refused with a reason in the log, and the server keeps its previous keys."""
    (home / "env").write_text(f"OPENAI_API_KEYS={A}\n")
    environment["PROPINTEL_ENV_FILE"] = str(home / "env")
    token = {"Authorization": f"Bearer {propintel('token', '--role', 'exec', '--subject', 'tester').stdout.strip()}"}
    with serving(*WEB, environment=environment) as server:
        _reload_and_refuse(server, home / "env", token)
        server.process.terminate()
        assert server.process.wait(120) in (0, -signal.SIGTERM)
        assert "Traceback" not in server.log.read_text()


def _reload_and_refuse(server: Server, dotenv: Path, token: dict[str, str]) -> None:
    def shown() -> list[str]:
        return list(httpx2.get(server.url + STATS, headers=token, timeout=120).json()["data"]["keys"])

    assert shown() == ["sk-proj-aaa...1111"]
    dotenv.write_text(f"OPENAI_API_KEYS={A},{B}\n")
    server.process.send_signal(signal.SIGHUP)
    until_true(lambda: "2 OpenAI keys read again" in server.log.read_text(), "the reload")
    assert shown() == ["sk-proj-aaa...1111", "sk-proj-bbb...2222"]
    dotenv.write_text("OPENAI_API_KEYS=two words\n")
    server.process.send_signal(signal.SIGHUP)
    refusal = "the old ones stay in use: OPENAI_API_KEYS: key 1 is malformed"
    until_true(lambda: refusal in server.log.read_text(), "the refusal")
    assert "two words" not in server.log.read_text()
    assert len(shown()) == 2


def test_a_changed_keys_file_is_shown_without_a_signal(
    environment: Environment, serving: Serving, propintel: Propintel, home: Path
) -> None:
    """The server caches its keys between requests, but notices when the keys file changes."""
    (home / "keys.txt").write_text(f"{A}\n")
    environment["OPENAI_API_KEYS_FILE"] = str(home / "keys.txt")
    token = {"Authorization": f"Bearer {propintel('token', '--role', 'exec', '--subject', 'tester').stdout.strip()}"}
    with serving(*WEB, environment=environment) as server:

        def shown() -> list[str]:
            return list(httpx2.get(server.url + STATS, headers=token, timeout=300).json()["data"]["keys"])

        assert shown() == ["sk-proj-aaa...1111"]
        (home / "keys.txt").write_text(f"{A}\n{B}\n")
        until_true(lambda: shown() == ["sk-proj-aaa...1111", "sk-proj-bbb...2222"], "the new key")
