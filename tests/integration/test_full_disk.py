"""A full disk is named, with its path and free space, by `enqueue`, `up`, and `doctor`, and loses no job.

A small file system in memory is really full. Without root, which mounts it, only the tests of translated errors run.
"""

import errno
import json
import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
import redis
from sqlalchemy import make_url

from app.disk import naming_full_disk
from app.errors.broker import BrokerFullError, BrokerUnavailableError
from app.errors.storage import DatabaseFileError, DiskFullError, NoSpaceError
from app.home import make_home, usable_home
from app.property.storage.errors import translate
from app.redis.embedded_valkey import EmbeddedValkey, broker_error, connect
from app.services.reports.doctor.machine import check_home, space_findings
from app.services.runtime.stores import open_stores
from app.settings import Settings
from tests.chaos.store_under_test import can_mount
from tests.integration.interfaces.conftest import Propintel, environment_of
from tests.plugins.warm_start import WarmParent

_MEGABYTES = 8
TARGET = "https://homes.example/1"
needs_mount = pytest.mark.skipif(not can_mount(), reason="mounting a small file system needs root and mount(8)")


@pytest.fixture
def disk() -> Iterator[Path]:
    """Mount a small disk. Its path is short enough for the socket of the embedded Valkey."""
    folder = Path(tempfile.mkdtemp(prefix="disk"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_MEGABYTES}m,mode=755", "full", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()


@pytest.fixture
def run(tmp_path: Path, warm_parent: WarmParent, disk: Path) -> Propintel:
    """Return a function that runs `propintel` with its home on the small disk."""
    environment = {**environment_of(tmp_path), "PROPINTEL_HOME": str(disk / "home")}

    def propintel(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return warm_parent.run_propintel(*arguments, env={**environment, **changes}, cwd=tmp_path, stdin="")

    return propintel


def _fill(disk: Path) -> Path:
    path = disk / "filling"
    with path.open("wb", buffering=0) as stream, suppress(OSError):
        while stream.write(b"\0" * 4096):
            pass
    assert shutil.disk_usage(disk).free == 0
    return path


def _write_until_refused(connection: redis.Redis) -> None:
    """The server notices that its disk is full at its next write to the file, within a second."""
    for _ in range(600):
        connection.set("key", "x" * 10_000)
        time.sleep(0.02)


@needs_mount
def test_enqueue_names_the_full_disk_of_the_database_and_keeps_what_was_queued(run: Propintel, disk: Path) -> None:
    settings = Settings.of(propintel_home=disk / "home")
    with EmbeddedValkey(disk / "home"):
        assert run("enqueue", TARGET).returncode == 0
        filling = _fill(disk)
        ran = run("enqueue", "https://homes.example/2", "https://homes.example/3")
        assert (ran.returncode != 0, ran.stdout) == (True, "")
        for part in ("disk is full", str(disk / "home"), "bytes free", "Nothing was enqueued", "Free disk space"):
            assert part in ran.stderr, ran.stderr
        filling.unlink()
        with open_stores(settings) as stores:
            assert [job.target for job in stores.jobs.page().items] == [TARGET]
        assert run("enqueue", "https://homes.example/2").returncode == 0


@needs_mount
def test_enqueue_and_doctor_name_the_full_disk_of_the_broker(run: Propintel, disk: Path, tmp_path: Path) -> None:
    settings = Settings.of(propintel_home=disk / "home")
    elsewhere = {"DATABASE_URL": f"sqlite:///{tmp_path / 'elsewhere.db'}"}
    with EmbeddedValkey(disk / "home"):
        _fill(disk)
        with closing(connect(settings)) as connection, pytest.raises(redis.RedisError, match="MISCONF"):
            _write_until_refused(connection)
        ran = run("enqueue", TARGET, **elsewhere)
        assert (ran.returncode, ran.stdout) == (2, "")
        for part in ("disk of the broker", str(disk / "home"), "bytes free", "Nothing was enqueued"):
            assert part in ran.stderr, ran.stderr
        with open_stores(Settings.of(propintel_home=disk / "home", database_url=elsewhere["DATABASE_URL"])) as stores:
            assert stores.jobs.page().items == []
        checks = {one["check"]: one for one in json.loads(run("doctor", "--json", **elsewhere).stdout)["checks"]}
    assert (checks["redis"]["state"], "disk of the broker" in checks["redis"]["detail"]) == ("failed", True)
    assert (checks["home"]["state"], f"the disk of {disk / 'home'} is full" in checks["home"]["detail"]) == (
        "failed", True
    )  # fmt: skip
    assert "bytes free" in checks["home"]["detail"]


@needs_mount
@pytest.mark.parametrize("database", ["", "elsewhere.db"])
def test_up_names_the_full_disk(run: Propintel, disk: Path, tmp_path: Path, database: str) -> None:
    (disk / "home").mkdir()
    _fill(disk)
    changes = {"DATABASE_URL": f"sqlite:///{tmp_path / database}"} if database else {}
    ran = run("up", **changes)
    assert ran.returncode != 0
    assert "disk is full" in ran.stderr
    assert str(disk / "home") in ran.stderr
    assert "Unexpected" not in ran.stderr


@needs_mount
def test_an_export_to_a_full_disk_names_its_file(run: Propintel, disk: Path, tmp_path: Path) -> None:
    (disk / "home").mkdir()
    _fill(disk)
    elsewhere = {"DATABASE_URL": f"sqlite:///{tmp_path / 'elsewhere.db'}"}
    ran = run("properties", "export", "--format", "csv", "-o", str(disk / "out.csv"), **elsewhere)
    assert (ran.returncode, "disk is full" in ran.stderr, str(disk / "out.csv") in ran.stderr) == (1, True, True)
    assert not (disk / "out.csv").exists()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_full_disks_and_quotas_are_told_from_other_errors(tmp_path: Path, number: int) -> None:
    error = OSError(number, os.strerror(number))
    said = rf"{tmp_path} has [\d,]+ bytes free \({os.strerror(number)}\)"
    with pytest.raises(NoSpaceError, match=said), usable_home(tmp_path):
        raise error
    found = translate(error, make_url(f"sqlite:///{tmp_path}/x.db"))
    assert (type(found), f"{tmp_path} has " in str(found)) == (DiskFullError, True)
    denied = OSError(errno.EACCES, "Permission denied")
    assert type(translate(denied, make_url(f"sqlite:///{tmp_path}/x.db"))) is DatabaseFileError
    with pytest.raises(PermissionError), naming_full_disk(tmp_path):
        raise PermissionError(errno.EACCES, "Permission denied")


def test_a_file_size_limit_is_no_full_disk(tmp_path: Path) -> None:
    """EFBIG has its own cause, which free space does not mend."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        with pytest.raises(OSError, match="File too large") as raised, naming_full_disk(tmp_path):
            (tmp_path / "file").write_bytes(b"x" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert raised.value.errno == errno.EFBIG


@pytest.mark.parametrize(
    "answer",
    [
        "MISCONF Errors writing to the AOF file: No space left on device",
        "MISCONF Valkey is configured to save RDB snapshots, but it's currently unable to persist to disk.",
        "Can't save in background: No space left on device",
    ],
)
def test_a_broker_that_refuses_writes_has_a_full_disk(tmp_path: Path, answer: str) -> None:
    found = broker_error(f"unix://{tmp_path}/valkey.sock?db=0", redis.ResponseError(answer))
    assert (type(found), f"{tmp_path} has " in str(found), answer in str(found)) == (BrokerFullError, True, True)
    assert type(broker_error("redis://cache.example:6379/0", redis.ResponseError(answer))) is BrokerFullError
    other = broker_error("redis://cache.example:6379/0", redis.ConnectionError("Connection refused."))
    assert type(other) is BrokerUnavailableError


def test_the_doctor_warns_before_a_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_home(tmp_path / "home")
    for free, state, words in (
        (500_000_000, "warning", "almost full (500,000,000 bytes free)"),
        (50_000_000, "failed", "almost full (50,000,000 bytes free)"),
        (8_192, "failed", "is full (8,192 bytes free)"),
    ):
        usage = type("Usage", (), {"free": free})
        monkeypatch.setattr("shutil.disk_usage", lambda _, usage=usage: usage)
        found = check_home(Settings.of(propintel_home=tmp_path / "home"))
        assert (found.state, words in found.detail, str(tmp_path / "home") in found.detail) == (state, True, True)
        assert [one.state for one in space_findings(tmp_path, "DATABASE_URL")] == [state]
