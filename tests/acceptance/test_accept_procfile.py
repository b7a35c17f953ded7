"""Tests of the Procfile under honcho, as on a platform: the release command, then every process type.

The Redis server requires TLS, client certificates, and a password.
"""

import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from app.redis.embedded_valkey import ending_with_parent
from tests.acceptance.docker_containers import LOOPBACK, ROOT
from tests.integration.fetch.certificates import make_client, make_tls
from tests.plugins.ports import free_port
from tests.plugins.postgresql_server import postgresql_server
from tests.plugins.redis_fixtures import running_server, tls_options
from tests.plugins.simulator_fixtures import SimulatorHandle

pytestmark = [pytest.mark.worker, pytest.mark.redis_server, pytest.mark.timeout(900)]

_JOBS = 15
_PROCESS_TYPES = ["web", "worker", "maintenance", "beat", "flower"]
#: After this time, honcho kills processes that have not ended.
_HONCHO_GRACE_SECONDS = 5


@pytest.fixture
def database_url() -> Iterator[str]:
    with postgresql_server() as server:
        with server.connect() as admin:
            admin.execute("CREATE DATABASE propintel")
        yield f"postgresql://postgres@/propintel?host={server.folder}"


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "redis"
    folder.mkdir()
    make_tls(folder, "localhost")
    pem = folder / "server.pem"
    certificate, key = make_client(pem, folder)
    port = str(free_port())
    url = f"rediss://default:long%2Fpassword@localhost:{port}/0"
    url += f"?ssl_ca_certs={pem}&ssl_certfile={certificate}&ssl_keyfile={key}"
    with running_server(folder, url, *tls_options(port, pem, auth_clients="yes"), "--requirepass", "long/password"):
        yield url


@pytest.fixture
def variables(
    redis_url: str, database_url: str, openai_simulator: Callable[..., SimulatorHandle], tmp_path: Path
) -> dict[str, str]:
    model = openai_simulator()
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(tmp_path),
        "PROPINTEL_HOME": str(tmp_path / "home"), "REDIS_URL": redis_url, "DATABASE_URL": database_url,
        "OPENAI_API_KEYS": ",".join(model.keys), "OPENAI_BASE_URL": model.base_url,
        "JWT_SECRET": secrets.token_hex(32), "FLOWER_BASIC_AUTH": f"viewer:{secrets.token_hex(16)}",
        "FLOWER_PORT": str(free_port()), "PORT": str(free_port()), "WORKER_CONCURRENCY": "3",
        "KEY_REPORT_INTERVAL_SECONDS": "1", "FETCH_ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8",
    }  # fmt: skip


def _honcho(*process_types: str) -> list[str]:
    honcho = [sys.executable, "-m", "honcho", "start", "--procfile", str(ROOT / "Procfile"), "--no-colour"]
    return [*honcho, "--env", os.devnull, *process_types]


@contextmanager
def _running(variables: dict[str, str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ending_with_parent(_honcho(*_PROCESS_TYPES)), env=variables, cwd=folder, stdout=log, stderr=log
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(_HONCHO_GRACE_SECONDS + 20)


def _wait_until(ask: Callable[[], bool], folder: Path, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not ask():
        assert time.monotonic() < deadline, (folder / "log").read_text()[-6000:]
        time.sleep(0.2)


def _answers(client: httpx2.Client, path: str) -> int:
    try:
        return client.get(path).status_code
    except httpx2.TransportError:
        return 0


def test_the_processes_of_the_procfile_finish_a_batch(
    variables: dict[str, str], property_site: str, tmp_path: Path
) -> None:
    release = subprocess.run(
        _honcho("release"), env=variables, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert release.returncode == 0, release.stdout
    sign = ["propintel", "token", "--role", "manager", "--subject", "tester"]
    signed = subprocess.run(sign, env=variables, cwd=tmp_path, capture_output=True, text=True, check=True)
    web = httpx2.Client(base_url=f"http://{LOOPBACK}:{variables['PORT']}", trust_env=False, timeout=300)
    flower = httpx2.Client(base_url=f"http://{LOOPBACK}:{variables['FLOWER_PORT']}", trust_env=False, timeout=300)
    with web, flower, _running(variables, tmp_path) as processes:
        _wait_until(lambda: _answers(web, "/readyz") == 200, tmp_path)
        assert web.get("/api/v1/admin/openai/stats").status_code == 401
        web.headers["Authorization"] = f"Bearer {signed.stdout.strip()}"
        targets = [f"{property_site}/homes/{n}" for n in range(1, _JOBS + 1)]
        batch = web.post("/api/v1/jobs", json={"targets": targets}).json()["data"]["batch"]

        def counts() -> Any:
            found = web.get(f"/api/v1/batches/{batch}").json()["data"]["counts"]
            return {state: n for state, n in found.items() if n}

        _wait_until(lambda: not {"queued", "running", "deferred"} & counts().keys(), tmp_path)
        assert counts() == {"done": _JOBS}
        stats = web.get("/api/v1/admin/openai/stats").json()["data"]
        assert (stats["healthy_keys"], stats["scope"]) == (2, "fleet")
        # The report shows that beat sent the task and the maintenance worker ran it.
        reported = re.compile(r"maintenance\.1.*OpenAI keys: 2 of 2 healthy, [1-9]")
        _wait_until(lambda: reported.search((tmp_path / "log").read_text()) is not None, tmp_path)
        _wait_until(lambda: _answers(flower, "/healthcheck") == 200, tmp_path)
        assert flower.get("/workers").status_code == 401
        assert "maintenance@" in flower.get("/workers", auth=tuple(variables["FLOWER_BASIC_AUTH"].split(":"))).text
        started = psutil.Process(processes.pid).children(recursive=True)
        processes.send_signal(signal.SIGTERM)
        processes.wait(_HONCHO_GRACE_SECONDS + 20)
        _, alive = psutil.wait_procs(started, timeout=_HONCHO_GRACE_SECONDS)
        assert alive == []
    log = (tmp_path / "log").read_text()
    assert "Traceback" not in log
    assert "long/password" not in log
    assert "long%2Fpassword" not in log
    for name in _PROCESS_TYPES:
        assert f"{name}.1" in log
    maintenance = [line for line in log.splitlines() if "maintenance.1" in line]
    assert "Task tasks.scrape.scrape_property[" not in "".join(maintenance)
