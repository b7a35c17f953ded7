"""What the parent of forked children hands on: its settings, and the mark that they answer, as one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.keypool.keys import load_keys
from app.services.keys.reload import ReloadMark
from worker import configuration, watching

A, B = (f"sk-proj-{letter * 24}{n:04d}" for n, letter in enumerate("ab", start=1))


@pytest.fixture
def dotenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The dotenv file of a parent that has read its settings."""
    monkeypatch.setattr(configuration, "_loaded", None)
    monkeypatch.setenv("PROPINTEL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PROPINTEL_ENV_FILE", str(tmp_path / "env"))
    (tmp_path / "env").write_text(f"OPENAI_API_KEYS={A}\n")
    configuration.settings()
    yield tmp_path / "env"
    watching.stop()


def _ask_parent() -> None:
    """What SIGHUP does; returns when it is done."""
    watching.watch_for_children()
    watch = watching._watch
    assert watch is not None
    watch.ask()
    watching.stop()


def _secrets() -> list[str]:
    return [key.secret.get_secret_value() for key in load_keys(configuration.settings()).keys]


def test_a_child_that_is_forked_after_a_reload_has_no_reason_for_another(dotenv: Path) -> None:
    """It would read `.env` although nobody asks it to, and might find it half edited."""
    dotenv.write_text(f"OPENAI_API_KEYS={A},{B}\n")
    _ask_parent()
    assert _secrets() == [A, B]
    assert configuration.mark_at_load() == ReloadMark(configuration.settings().state.propintel_home).stamp() > 0


def test_what_is_refused_stays_with_the_parent(dotenv: Path) -> None:
    """Children that start later have the old keys as well."""
    dotenv.write_text("OPENAI_API_KEYS=two words\n")
    _ask_parent()
    assert _secrets() == [A]
    assert ReloadMark(configuration.settings().state.propintel_home).stamp() == 0
