"""The parent of a prefork worker reloads keys. Later children inherit the keys and the stamp of the reload mark."""

from pathlib import Path

import pytest

from app.keypool.keys import load_keys
from app.services.keys.reload import ReloadMark
from worker import config_reload

A, B = (f"sk-proj-{letter * 24}{n:04d}" for n, letter in enumerate("ab", start=1))


@pytest.mark.parametrize(("keys", "used"), [(f"{A},{B}", [A, B]), ("two words", [A])], ids=["valid", "invalid"])
def test_a_child_inherits_reloaded_keys_and_their_mark_and_does_not_read_them_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: str, used: list[str]
) -> None:
    """Invalid keys change nothing. A child must not read `.env` again, because it may be half edited."""
    dotenv = tmp_path / "env"
    monkeypatch.setattr(config_reload, "_loaded", None)
    monkeypatch.setenv("PROPINTEL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PROPINTEL_ENV_FILE", str(dotenv))
    dotenv.write_text(f"OPENAI_API_KEYS={A}\n")
    config_reload.start_reloader_for_children()
    dotenv.write_text(f"OPENAI_API_KEYS={keys}\n")
    assert config_reload._reloader is not None
    config_reload._reloader.ask()
    config_reload.stop_reloader()  # waits until the reload has ended
    assert [key.secret.get_secret_value() for key in load_keys(config_reload.settings()).keys] == used
    mark = ReloadMark(config_reload.settings().state.propintel_home).stamp()
    assert config_reload._load().mark == mark
    assert (mark > 0) is (used == [A, B])
