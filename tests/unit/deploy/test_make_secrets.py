"""deploy/docker/make_secrets.py creates the passwords of the services in docker-compose.yml."""

import runpy
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from app.settings import load_settings

_SCRIPT = runpy.run_path(str(Path(__file__).parents[3] / "deploy" / "docker" / "make_secrets.py"))
_MAKE, _MAIN = _SCRIPT["make"], _SCRIPT["main"]
_NAMES = ["postgres_password", "valkey_password", "jwt_secret", "metrics_token", "privacy_key", "flower_basic_auth"]


def _read(root: Path) -> dict[str, str]:
    return {str(file.relative_to(root)): file.read_text() for file in root.rglob("*") if file.is_file()}


def test_secrets_are_created_once_and_all_differ(tmp_path: Path) -> None:
    assert _MAKE(tmp_path, tmp_path / "given") == _NAMES
    made = _read(tmp_path)
    assert len({made[f"all/{name}"] for name in _NAMES}) == 6
    assert min(len(made[f"all/{name}"]) for name in _NAMES) >= 48
    assert _MAKE(tmp_path, tmp_path / "given") == []
    assert _read(tmp_path) == made


def test_a_secret_that_a_newer_version_needs_is_added_to_the_old_ones(tmp_path: Path) -> None:
    _MAKE(tmp_path, tmp_path / "given")
    before = _read(tmp_path)
    (tmp_path / "all" / "privacy_key").unlink()
    assert _MAKE(tmp_path, tmp_path / "given") == ["privacy_key"]
    changed = {name for name, text in _read(tmp_path).items() if text != before[name]}
    assert changed == {"all/privacy_key", "propintel/privacy_key"}


def test_our_settings_accept_the_created_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _MAKE(tmp_path, tmp_path / "given")
    for file in (tmp_path / "propintel").iterdir():
        monkeypatch.setenv(f"{file.name.upper()}_FILE", str(file))
    settings = load_settings()
    assert None not in {
        settings.state.redis_url, settings.state.database_url, settings.web.jwt_secret, settings.web.metrics_token,
        settings.flower.basic_auth, settings.retention.privacy_key,
    }  # fmt: skip


def test_a_supplied_secret_is_used_each_time_in_the_format_of_each_reader(tmp_path: Path) -> None:
    """The password contains every character that is special in a URL or in Valkey's configuration."""
    root, given, hard = tmp_path / "root", tmp_path / "given", 'p@ss/"#?\\ %:1'
    given.mkdir()
    for name in ("postgres_password", "valkey_password"):
        (given / name).write_text(f"{hard}\n")
    assert _MAKE(root, given) == _NAMES[2:]
    made = _read(root)
    for name in ("redis_url", "database_url"):
        assert unquote(urlsplit(made[f"propintel/{name}"]).password or "") == hard
    assert made["postgres/password"] == made["valkey/password"] == hard
    assert made["valkey/valkey.conf"] == 'requirepass "p@ss/\\"#?\\\\ %:1"\n'
    (given / "valkey_password").write_text("another")
    assert _MAKE(root, given) == []
    assert _read(root)["valkey/password"] == "another"
    assert _read(root)["postgres/password"] == hard


@pytest.mark.parametrize("text", ["", "\n", "one\ntwo\n"])
def test_an_invalid_supplied_secret_is_refused_by_name_and_not_shown(tmp_path: Path, text: str) -> None:
    (tmp_path / "jwt_secret").write_text(text)
    with pytest.raises(SystemExit, match="jwt_secret: must hold the secret on one line") as caught:
        _MAKE(tmp_path / "root", tmp_path)
    assert "two" not in str(caught.value)


def test_each_reader_sees_only_its_own_secrets(tmp_path: Path) -> None:
    _MAKE(tmp_path, tmp_path / "given")
    modes = {str(file.relative_to(tmp_path)): file.stat().st_mode & 0o777 for file in tmp_path.rglob("*")}
    closed = {name for name, mode in modes.items() if not mode & 0o077}
    assert {name for name in modes if name.startswith(("all", "propintel"))} == closed
    assert {name for name in modes if name not in closed} >= {"postgres/password", "valkey/valkey.conf"}
    assert not any(mode & 0o022 for mode in modes.values())


def test_show_prints_flower_s_login_and_the_metrics_token(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _MAIN(["show"], tmp_path, tmp_path) == 1
    assert "docker compose up --wait" in capsys.readouterr().err
    assert _MAIN(["make"], tmp_path, tmp_path / "given") == 0
    output = capsys.readouterr().out
    made: dict[str, Any] = _read(tmp_path)
    assert not [text for text in made.values() if text in output], "`make` prints a secret"
    assert _MAIN(["show"], tmp_path, tmp_path) == 0
    shown = capsys.readouterr().out
    assert made["all/flower_basic_auth"].replace(":", ", password ") in shown
    assert made["all/metrics_token"] in shown
    assert made["all/postgres_password"] not in shown
    assert _MAIN([], tmp_path, tmp_path) == 2
