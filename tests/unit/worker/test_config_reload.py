"""Forked children inherit the settings and the reload mark that belongs to them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.keypool.keys import load_keys
from app.services.keys.reload import ReloadMark
from worker import config_reload

A, B = (f"sk-proj-{letter * 24}{n:04d}" for n, letter in enumerate("ab", start=1))


@pytest.fixture
def dotenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the env file of a parent that has read its settings."""
    monkeypatch.setattr(config_reload, "_loaded", None)
    monkeypatch.setenv("PROPINTEL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PROPINTEL_ENV_FILE", str(tmp_path / "env"))
    (tmp_path / "env").write_text(f"OPENAI_API_KEYS={A}\n")
    config_reload.settings()
    yield tmp_path / "env"
    config_reload.stop_reloader()


def _ask_parent() -> None:
    """Reload the keys as SIGHUP does, and wait until the reload has ended."""
    config_reload.start_reloader_for_children()
    reloader = config_reload._reloader
    assert reloader is not None
    reloader.ask()
    config_reload.stop_reloader()


def _secrets() -> list[str]:
    return [key.secret.get_secret_value() for key in load_keys(config_reload.settings()).keys]


def test_a_child_that_is_forked_after_a_reload_does_not_reload(dotenv: Path) -> None:
    """A child that reloaded would read `.env`, which may be half edited."""
    dotenv.write_text(f"OPENAI_API_KEYS={A},{B}\n")
    _ask_parent()
    assert _secrets() == [A, B]
    assert config_reload._load().mark == ReloadMark(config_reload.settings().state.propintel_home).stamp() > 0


def test_invalid_keys_change_nothing_in_the_parent(dotenv: Path) -> None:
    """Children that are forked later have the old keys too."""
    dotenv.write_text("OPENAI_API_KEYS=two words\n")
    _ask_parent()
    assert _secrets() == [A]
    assert ReloadMark(config_reload.settings().state.propintel_home).stamp() == 0
