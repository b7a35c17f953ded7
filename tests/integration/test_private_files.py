"""Other users cannot read the files that this service writes below its home, whatever the umask."""

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app import files
from app.property.storage.privacy.names_key import NamesKey
from app.redis.embedded_valkey import EmbeddedValkey, connect
from app.services.reports.key_report.report import export_report
from app.services.runtime.stores import open_stores
from app.settings import Settings


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    """Set a umask of 0, so that new files get exactly the mode that the program asks for."""
    before = os.umask(0)
    yield
    os.umask(before)


def _open_to_others(folder: Path) -> dict[str, str]:
    modes = {path: path.lstat().st_mode for path in folder.rglob("*")}
    return {
        str(path.relative_to(folder)): stat.filemode(mode)
        for path, mode in modes.items()
        if mode & 0o066 and not stat.S_ISSOCK(mode)
    }


def test_the_database_and_sqlites_other_files_are_private(tmp_path: Path) -> None:
    """In this test, everybody may read the folder."""
    settings = Settings.of(propintel_home=tmp_path, database_url=f"sqlite:///{tmp_path}/jobs.sqlite3")
    with open_stores(settings) as stores:
        stores.jobs.enqueue(["http://homes.example/1"])
        assert {"jobs.sqlite3", "jobs.sqlite3-wal"} <= {path.name for path in tmp_path.iterdir()}
        assert _open_to_others(tmp_path) == {}


def test_the_embedded_valkeys_files_are_private(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with EmbeddedValkey(home) as valkey:
        settings = Settings.of(propintel_home=home)
        with connect(settings) as connection:
            connection.set("key", "value")
        assert valkey.log.is_file()
        assert list(home.rglob("*.aof"))
        assert _open_to_others(tmp_path) == {}


def test_the_password_of_a_valkey_below_a_deep_home_is_private(tmp_path: Path) -> None:
    home = tmp_path.joinpath(*["deep" * 10] * 3)
    EmbeddedValkey(home)
    assert list(home.rglob("endpoint.json"))
    assert _open_to_others(home) == {}


def test_the_names_key_is_private(tmp_path: Path) -> None:
    key = NamesKey(path=tmp_path / "names.key")
    assert key.make() == key.make()
    assert _open_to_others(tmp_path) == {}


def test_the_stats_file_is_private(tmp_path: Path) -> None:
    report = {"keys": {}, "advice": [], "alerts": [], "alerts_firing": []}
    export_report(report, tmp_path / "stats.json", datetime(2026, 1, 1, tzinfo=UTC))
    assert (tmp_path / "stats.json").is_file()
    assert _open_to_others(tmp_path) == {}


def test_of_two_processes_that_write_a_file_once_the_first_wins(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    files.write_once(file, b"first")
    files.write_once(file, b"second")
    assert file.read_bytes() == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_a_folder_and_its_parents_are_made_private_even_if_they_exist(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    files.make_private_folder(tmp_path / "there")
    files.make_private_folder(tmp_path / "new" / "folder")
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "there", tmp_path / "new" / "folder")} == {0o700}
