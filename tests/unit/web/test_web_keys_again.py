"""A reload reads the keys file once, so the web server uses exactly the keys that it checked."""

from collections.abc import Callable
from pathlib import Path

from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.settings import Settings
from web import create_app
from web.context import Context

STATS = "/api/v1/admin/openai/stats"
A, B = "sk-proj-aaaaaaaaaaaaaaaaaaaa1111", "sk-proj-bbbbbbbbbbbbbbbbbbbb2222"


def _read_again(app: FastAPI) -> None:
    context: Context = app.state.context
    reloader = context.key_reloader()
    reloader.ask()
    reloader.start()
    reloader.stop()


def test_the_checked_keys_are_the_ones_that_are_used(
    make_settings: Callable[..., Settings], bearer: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    """The file is read once, so it may disappear after the check."""
    file = tmp_path / "keys.txt"
    file.write_text(A)
    settings = make_settings(openai_api_keys=None, openai_api_keys_file=file)
    app = create_app(lambda: settings)
    client = TestClient(app)  # without startup, no background thread watches the file

    def shown() -> list[str]:
        return list(client.get(STATS, headers=bearer()).json()["data"]["keys"])

    assert shown() == ["sk-proj-aaa...1111"]
    file.write_text(f"{A}\n{B}\n")
    _read_again(app)
    file.unlink()
    assert shown() == ["sk-proj-aaa...1111", "sk-proj-bbb...2222"]
    _read_again(app)
    assert shown() == ["sk-proj-aaa...1111", "sk-proj-bbb...2222"]
    app.state.context.close()
