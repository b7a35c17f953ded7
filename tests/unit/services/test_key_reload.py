"""A running process reloads changed keys. It keeps the old keys if the new ones are invalid."""

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from app.errors import ConfigurationError
from app.keypool.keys import load_keys_again
from app.services.keys.reload import POLL_SECONDS, KeyReload, KeyReloader, ReloadMark
from app.settings import Settings, load_settings

A, B, C = (f"sk-proj-{word * 6}{n:04d}" for n, word in enumerate(("aaaa", "bbbb", "cccc"), start=1))


class Keys:
    """A stand-in for the key manager. Valid settings replace the keys in `used`; invalid settings do not."""

    def __init__(self) -> None:
        self.used: list[str] = []
        self.settings: Settings | None = None
        self.applied = threading.Semaphore(0)

    def apply(self, fresh: Settings) -> str:
        before, self.used = self.used, [key.secret.get_secret_value() for key in load_keys_again(fresh).keys]
        self.settings = fresh
        self.applied.release()
        return "changed" if before != self.used else ""


@pytest.fixture
def keys() -> Keys:
    return Keys()


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PROPINTEL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OPENAI_API_KEYS_FILE", str(tmp_path / "keys"))
    (tmp_path / "keys").write_text(f"{A}\n{B}\n")
    return tmp_path / "keys"


@pytest.fixture
def reload(keys: Keys, file: Path) -> KeyReload:
    made = KeyReload(load_settings(), keys.apply)
    _polls(made, 2)
    assert keys.used == [A, B]
    return made


def _polls(reload: KeyReload, times: int) -> None:
    for _ in range(times):
        reload.poll()


def _errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]


def test_a_changed_file_is_read_once_it_has_stayed_the_same(reload: KeyReload, keys: Keys, file: Path) -> None:
    """An editor may write the file in place. A half-written key looks like a key, so a file is not read while it
    changes.
    """
    file.write_text(f"{A}\n{C[:20]}")
    reload.poll()
    file.write_text(f"{A}\n{C}\n")
    reload.poll()
    assert keys.used == [A, B]
    reload.poll()
    assert keys.used == [A, C]


def test_a_change_made_before_the_first_look_is_not_missed(keys: Keys, file: Path) -> None:
    """The file changes after the manager read it and before the first poll."""
    settings = load_settings()
    keys.apply(settings)
    made = KeyReload(settings, keys.apply)
    file.write_text(f"{B}\n{C}\n")
    _polls(made, 2)
    assert keys.used == [B, C]


def test_an_edit_that_leaves_size_and_times_alone_is_noticed(reload: KeyReload, keys: Keys, file: Path) -> None:
    """Two edits within one tick of the file system's clock leave the same times in `stat`."""
    times = file.stat()
    file.write_text(f"{A}\n{C}\n")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert file.stat().st_size == times.st_size
    _polls(reload, 2)
    assert keys.used == [A, C]


def test_a_replaced_mount_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: Keys) -> None:
    """Kubernetes replaces the symlinked folder `..data` atomically, while the file's own link stays the same."""
    for name, lines in (("one", f"{A}\n"), ("two", f"{A}\n{C}\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "keys").write_text(lines)
    mount = tmp_path / "mount"
    mount.mkdir()
    (mount / "..data").symlink_to(tmp_path / "one")
    (mount / "keys").symlink_to(Path("..data") / "keys")
    monkeypatch.setenv("OPENAI_API_KEYS_FILE", str(mount / "keys"))
    made = KeyReload(load_settings(), keys.apply)
    _polls(made, 2)
    assert keys.used == [A]
    (mount / "..data_tmp").symlink_to(tmp_path / "two")
    (mount / "..data_tmp").replace(mount / "..data")
    _polls(made, 2)
    assert keys.used == [A, C]


def test_a_briefly_missing_file_is_not_logged(
    reload: KeyReload, keys: Keys, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The file is missing for a moment while some editors save it."""
    file.rename(file.with_suffix(".bak"))
    reload.poll()
    file.with_suffix(".bak").rename(file)
    _polls(reload, 3)
    assert _errors(caplog) == []
    assert keys.used == [A, B]


@pytest.mark.parametrize(
    "case",
    [
        (Path.unlink, "cannot be read (FileNotFoundError)"),
        (lambda file: file.write_text(""), "contains no key"),
        (lambda file: file.write_text("# none yet\n\n"), "contains no key"),
        (lambda file: file.write_text(f"{A}\n{C} and more\n"), "key 2 is malformed"),
        (lambda file: file.write_bytes(b"\xff\xfe"), "cannot be read (UnicodeDecodeError)"),
    ],
)
def test_an_invalid_file_leaves_the_old_keys_and_is_logged_once(
    reload: KeyReload,
    keys: Keys,
    file: Path,
    caplog: pytest.LogCaptureFixture,
    case: tuple[Callable[[Path], object], str],
) -> None:
    spoil, message = case
    spoil(file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEYS", C)
        _polls(reload, 10)
    (line,) = _errors(caplog)
    assert "the old ones stay in use: OPENAI_API_KEYS_FILE: " in line
    assert message in line
    assert A not in line
    assert C not in line
    assert keys.used == [A, B]
    file.write_text(f"{B}\n{C}\n")
    _polls(reload, 2)
    assert keys.used == [B, C]


@pytest.fixture
def dotenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("OPENAI_API_KEYS_FILE")
    monkeypatch.setenv("PROPINTEL_ENV_FILE", str(tmp_path / "env"))
    return tmp_path / "env"


def test_a_requested_reload_reads_only_the_keys_of_the_dotenv_file(
    dotenv: Path, keys: Keys, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Only the settings about keys are reloaded. A keys file that the env file now names is watched."""
    caplog.set_level(logging.INFO)
    dotenv.write_text(f"OPENAI_API_KEYS={A}\nDATABASE_URL=sqlite:///one\n")
    made = KeyReload(load_settings(), keys.apply)
    dotenv.write_text(f"OPENAI_API_KEYS={A},{B}\nOPENAI_KEY_GROUPS=us=1,2\nDATABASE_URL=sqlite:///two\n")
    _polls(made, 3)
    assert keys.used == [], "keys were loaded without a request"
    made.ask()
    assert keys.used == [A, B]
    assert keys.settings is not None
    assert keys.settings.openai.key_groups == "us=1,2"
    assert keys.settings.state.database_url is not None
    assert keys.settings.state.database_url.get_secret_value() == "sqlite:///one"
    made.ask()
    assert "nothing has changed" in caplog.messages[-1]
    dotenv.write_text(f"OPENAI_API_KEYS_FILE={file}\n")
    made.ask()
    file.write_text(f"{C}\n")
    _polls(made, 2)
    assert keys.used == [C]


@pytest.mark.parametrize("line", ["PORT=eighty\n", "OPENAI_API_KEYS=\n", "OPENAI_API_KEYS_FILE=/nowhere/keys\n"])
def test_invalid_settings_leave_the_old_keys_and_are_not_passed_on(
    dotenv: Path, keys: Keys, caplog: pytest.LogCaptureFixture, line: str
) -> None:
    dotenv.write_text(f"OPENAI_API_KEY_1={A}\n")
    stamps: list[int] = []
    made = KeyReload(load_settings(), keys.apply, passes_on=stamps.append)
    made.ask()
    assert len(stamps) == 1
    dotenv.write_text(line)
    made.ask()
    assert (keys.used, len(stamps)) == ([A], 1)
    (logged,) = _errors(caplog)
    assert line.partition("=")[0] in logged


def test_a_request_reloads_all_processes_of_a_home(reload: KeyReload, keys: Keys, file: Path, tmp_path: Path) -> None:
    """The parent of forked children touches the reload mark after its own reload, and does not react to this change."""
    parent = Keys()
    stamps: list[int] = []
    asked = KeyReload(load_settings(), parent.apply, watches_file=False, passes_on=stamps.append)
    file.write_text(f"{A}\n{B}\n{C}\n")
    asked.ask()
    assert stamps == [ReloadMark(tmp_path / "home").stamp()]
    assert parent.applied.acquire(blocking=False)
    asked.poll()
    assert not parent.applied.acquire(blocking=False)
    reload.poll()
    assert keys.used == [A, B, C], "a requested reload waited for the file to settle"


def test_a_child_forked_between_the_mark_and_its_parents_reload_reloads_itself(keys: Keys, file: Path) -> None:
    """The child inherits the old settings and the mark's old stamp, so it has to reload."""
    settings = load_settings()
    seen = ReloadMark(settings.state.propintel_home).stamp()
    ReloadMark(settings.state.propintel_home).set()
    child = KeyReload(settings, keys.apply, seen=seen)
    child.poll()
    assert keys.used == [A, B]


def test_a_mark_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(ConfigurationError, match=r"PROPINTEL_HOME: .*taken/keys\.reload cannot be written"):
        ReloadMark(tmp_path / "taken").set()


def test_the_reloader_follows_the_file_and_requests_and_survives_exceptions(
    keys: Keys, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A signal may arrive after its handler is installed and before the reloader's thread starts."""
    assert 2 * POLL_SECONDS < 5, "a change is noticed at the second poll, within five seconds"
    failed = threading.Event()

    def fail_once(fresh: Settings) -> str:
        if not failed.is_set():
            failed.set()
            raise RuntimeError("a defect")
        return keys.apply(fresh)

    reloader = KeyReloader(KeyReload(load_settings(), fail_once), poll_seconds=0.01)
    reloader.ask()
    reloader.start()
    try:
        assert failed.wait(60)
        reloader.ask()
        assert keys.applied.acquire(timeout=300)
        assert "could not be reloaded" in caplog.text
        file.write_text(f"{A}\n{C}\n")
        while keys.used != [A, C]:
            assert keys.applied.acquire(timeout=300)
    finally:
        reloader.stop()
        reloader.stop()
