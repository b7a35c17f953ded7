"""An unusable PROPINTEL_HOME, database, or broker gives exit code 2 and one line with the cause and the remedy."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.plugins.warm_start import WarmParent

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path, warm_parent: WarmParent) -> Run:
    """Return `run("jobs", VARIABLE=value)`, which runs a command with its PROPINTEL_HOME in the test's folder."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "PROPINTEL_HOME": str(tmp_path / "home"), **variables}
        return warm_parent.run_propintel(*arguments, env=env, cwd=tmp_path)

    return run


def test_up_reports_an_unusable_database_and_starts_no_worker(run: Run) -> None:
    done = run("up", DATABASE_URL="postgresql://x:secretpw@127.0.0.1:1/db")
    assert done.returncode == 2, done.stderr
    assert "127.0.0.1:1" in done.stderr
    assert "secretpw" not in done.stderr
    assert "are up" not in done.stderr


@pytest.mark.parametrize("command", [["up"], ["jobs", "list"]])
def test_a_home_that_is_a_file_is_named(tmp_path: Path, run: Run, command: list[str]) -> None:
    home = tmp_path / "home"
    home.write_text("")
    done = run(*command)
    assert done.returncode == 2, done.stderr
    assert "PROPINTEL_HOME" in done.stderr
    assert "defect" not in done.stderr


def test_a_file_that_is_no_database_is_a_configuration_error(tmp_path: Path, run: Run) -> None:
    file = tmp_path / "page.html"
    file.write_text("<html>" * 1000)
    done = run("jobs", "list", DATABASE_URL=f"sqlite:///{file}")
    assert done.returncode == 2
    assert "page.html cannot be used" in done.stderr
    assert file.read_text().startswith("<html>")


@pytest.mark.parametrize("command", ["celery -A worker worker", "uvicorn web:app --port=0"])
def test_a_process_without_its_env_file_ends_with_code_2(tmp_path: Path, warm_parent: WarmParent, command: str) -> None:
    env = {**os.environ, "PROPINTEL_HOME": str(tmp_path / "home"), "PROPINTEL_ENV_FILE": "/nowhere.env"}
    done = warm_parent.run(command.split(), env=env, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "PROPINTEL_ENV_FILE: /nowhere.env cannot be read" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not (tmp_path / "home").exists()


def test_a_worker_without_its_database_ends_with_the_reason(tmp_path: Path, warm_parent: WarmParent) -> None:
    """The worker's parent must not keep running while each child crashes."""
    env = {
        **os.environ,
        "PROPINTEL_HOME": str(tmp_path),
        "DATABASE_URL": "postgresql://x:secretpw@127.0.0.1:1/db",
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    command = "celery -A worker worker --pool=prefork --concurrency=1"
    done = warm_parent.run(command.split(), env=env, cwd=tmp_path)
    assert done.returncode == 2
    assert "127.0.0.1:1" in done.stderr
    assert "secretpw" not in done.stderr
    assert "Traceback" not in done.stderr
