"""Each process type has one command in the Procfile, docker-compose.yml, and Railway's files."""

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

_ROOT = Path(__file__).parents[3]
_PROCFILE = dict(line.split(": ", 1) for line in (_ROOT / "Procfile").read_text().splitlines())
_SERVICES: dict[str, Any] = yaml.safe_load((_ROOT / "docker-compose.yml").read_text())["services"]
_RAILWAY = {file.stem: json.loads(file.read_text()) for file in sorted((_ROOT / "deploy" / "railway").glob("*.json"))}
#: The image sets these variables for all processes; the Procfile sets them in its commands.
_REMAP = "REMAP_SIGTERM=SIGQUIT"
_CONCURRENCY = "WORKER_CONCURRENCY=2"
_PROCESS_TYPES = ["web", "worker", "maintenance", "beat", "flower"]


def _words(line: str) -> list[str]:
    words = shlex.split(line)
    if words[0] == "/bin/sh":
        words = shlex.split(words[2].removeprefix("exec "))
    return [word for word in map(_expanded, words) if word not in (_REMAP, _CONCURRENCY)]


def _expanded(word: str) -> str:
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", word)


def test_the_procfile_names_every_process_type_and_the_release() -> None:
    assert [*_PROCFILE] == [*_PROCESS_TYPES, "release"]


@pytest.mark.parametrize("name", _PROCESS_TYPES)
def test_compose_starts_the_commands_of_the_procfile(name: str) -> None:
    assert [_expanded(word) for word in _SERVICES[name]["command"]] == _words(_PROCFILE[name])


def test_compose_migrates_like_the_release_command() -> None:
    assert _SERVICES["migrate"]["command"] == _words(_PROCFILE["release"])
    assert [_words(line) for line in _RAILWAY["web"]["deploy"]["preDeployCommand"]] == [_words(_PROCFILE["release"])]


@pytest.mark.parametrize("name", _PROCESS_TYPES)
def test_railway_starts_the_commands_of_the_procfile(name: str) -> None:
    assert _words(_RAILWAY[name]["deploy"]["startCommand"]) == _words(_PROCFILE[name])


def test_railway_expands_no_variable_outside_a_shell() -> None:
    """Railway starts images in exec form: https://docs.railway.com/deployments/start-command."""
    commands = [each["deploy"]["startCommand"] for each in _RAILWAY.values()]
    assert all(one.startswith("/bin/sh -c ") for one in commands if "$" in one)
    assert any("$" in one for one in commands)


@pytest.mark.parametrize("name", ["worker", "maintenance"])
def test_workers_have_time_for_a_soft_shutdown(name: str) -> None:
    """Celery's soft shutdown lasts 10 s and needs a remapped TERM signal (docs/jobs.md)."""
    assert f"{_REMAP} celery " in _PROCFILE[name]
    assert _REMAP in (_ROOT / "Dockerfile").read_text()
    assert _SERVICES[name]["stop_grace_period"] == "40s"
    assert _RAILWAY[name]["deploy"]["drainingSeconds"] == 40


def test_one_setting_decides_how_many_jobs_a_worker_runs_at_once() -> None:
    """The default is two jobs at once: a platform's machine has too little memory for one job per processor."""
    assert _words(_PROCFILE["worker"])[0] == "celery"
    assert _CONCURRENCY in (_ROOT / "Dockerfile").read_text()
    assert not [word for word in _words(_PROCFILE["worker"]) if "concurrency" in word]
    echo = f"{_PROCFILE['worker'].split(' REMAP')[0]} sh -c 'echo $WORKER_CONCURRENCY'"
    for env, chosen in (({}, "2"), ({"WORKER_CONCURRENCY": "5"}, "5")):
        shown = subprocess.run(["/bin/sh", "-c", echo], env=env, capture_output=True, text=True, check=True)
        assert shown.stdout.strip() == chosen


def test_the_web_server_uses_the_platform_s_port() -> None:
    shown = subprocess.run(
        ["sh", "-c", f"echo {_PROCFILE['web']}"], env={"PORT": "1234"}, capture_output=True, text=True, check=True
    )
    assert shown.stdout.split()[:6] == ["uvicorn", "web:app", "--host", "0.0.0.0", "--port", "1234"]
