"""`propintel doctor` checks a real fleet, first while everything works and then while parts fail."""

import json
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.simulator_fixtures import KEYS
from tests.plugins.waiting import wait_for
from tests.plugins.warm_start import WarmParent

pytestmark = pytest.mark.worker
Doctor = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def doctor(tmp_path: Path, warm_parent: WarmParent) -> Doctor:
    """Return `doctor(option, ..., VARIABLE=value)`, which runs the command without a fleet."""

    def run(*options: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return warm_parent.run_propintel("doctor", *options, env={**os.environ, **variables}, cwd=tmp_path)

    return run


def _checks(ran: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    assert "Traceback" not in ran.stderr
    return {check["check"]: check for check in json.loads(ran.stdout)["checks"]}


def _states(ran: subprocess.CompletedProcess[str]) -> dict[str, str]:
    return {name: check["state"] for name, check in _checks(ran).items()}


def _answer(fleet: Any, until: Callable[[subprocess.CompletedProcess[str]], bool]) -> subprocess.CompletedProcess[str]:
    """Repeat the command until its answer is right, because a worker on a busy machine may answer too late."""
    return wait_for(lambda: fleet.propintel("doctor"), until)


NAMES = ["settings", "home", "sources", "redis", "database", "keys", "workers", "beat", "clock", "jobs"]


def test_a_working_fleet_is_healthy_and_a_fleet_without_workers_is_not(make_fleet: Any, openai_simulator: Any) -> None:
    simulator = openai_simulator()
    fleet = make_fleet(OPENAI_API_KEYS=",".join(simulator.keys), OPENAI_BASE_URL=simulator.base_url)
    worker = fleet.start_worker(concurrency=1)
    maintenance = fleet.services.maintenance_worker(fleet.supervisor)
    fleet.services.wait_for_worker(fleet.supervisor, maintenance)
    fleet.start_beat()
    fleet.wait_for_line("Sending due task", "beat")
    healthy = _answer(fleet, lambda ran: set(_states(ran).values()) == {"ok"})
    assert _states(healthy) == dict.fromkeys(NAMES, "ok"), healthy.stdout
    assert (healthy.returncode, healthy.stderr, json.loads(healthy.stdout)["healthy"]) == (0, "", True)
    assert "2 answer" in _checks(healthy)["workers"]["detail"]
    assert simulator.stats()["totals"]["requests"] == 0, "the doctor called the API"

    fleet.supervisor.stop_child(worker)
    fleet.send("http://homes.example/1")
    unhealthy = _answer(fleet, lambda ran: "no worker runs jobs" in _checks(ran)["workers"]["detail"])
    assert (unhealthy.returncode, json.loads(unhealthy.stdout)["healthy"]) == (1, False)
    assert "2 of 10 checks failed: workers, jobs" in unhealthy.stderr
    assert "1 job waits and no worker runs" in _checks(unhealthy)["jobs"]["detail"]
    assert "propintel up" in _checks(unhealthy)["jobs"]["remedy"]


def test_without_a_fleet_the_doctor_explains_how_to_start_and_creates_nothing(tmp_path: Path, doctor: Doctor) -> None:
    home = tmp_path / "home"
    ran = doctor(PROPINTEL_HOME=str(home))
    assert ran.returncode == 1
    assert list(_checks(ran)) == NAMES
    assert "propintel up" in _checks(ran)["redis"]["remedy"]
    assert not home.exists()
    table = doctor("--format", "table", PROPINTEL_HOME=str(home))
    assert table.returncode == 1
    assert "what to do" in table.stdout


@pytest.mark.parametrize(
    ("variables", "alone"), [({"PORT": "eighty"}, True), ({"DATABASE_URL": "mysql://x:hunter2@db/x"}, False)]
)
def test_an_unusable_setting_gives_exit_code_2(
    tmp_path: Path, doctor: Doctor, variables: dict[str, str], alone: bool
) -> None:
    """If a setting cannot be parsed, all other checks are skipped. If it only fails its own check, all checks run."""
    ran = doctor(PROPINTEL_HOME=str(tmp_path), **variables)
    assert ran.returncode == 2, ran.stdout
    assert list(_checks(ran)) == (["settings"] if alone else NAMES)
    assert next(iter(variables)) in ran.stdout
    assert "hunter2" not in ran.stdout


def test_no_secret_is_shown(tmp_path: Path, doctor: Doctor) -> None:
    """A secret is also redacted when another text happens to contain it, such as the name of the home."""
    dotenv = tmp_path / "env"
    dotenv.write_text(f"OPENAI_API_KEYS={KEYS[0]}\nJWT_SECRET=hunter1-hunter1-hunter1-hunter1-hunter1\n")
    dotenv.chmod(0o644)
    variables = {
        "PROPINTEL_ENV_FILE": str(dotenv),
        "REDIS_URL": "redis://user:hunter2@127.0.0.1:1/0",
        "DATABASE_URL": "postgresql://user:hunter4@127.0.0.1:1/db?sslpassword=hunter5",
        "OPENAI_PROXY": "http://user:hunter6@127.0.0.1:1",
    }
    ran = doctor(PROPINTEL_HOME=str(tmp_path / "of-hunter4"), **variables)
    assert ran.returncode == 1
    assert "of-[redacted]" in _checks(ran)["home"]["detail"]
    assert "hunter" not in ran.stdout + ran.stderr
    assert KEYS[0] not in ran.stdout + ran.stderr
    assert _states(ran)["settings"] == "warning"
    assert stat.filemode(dotenv.stat().st_mode) == "-rw-r--r--"
