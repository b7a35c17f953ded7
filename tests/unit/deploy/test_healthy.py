"""The image's health check is deploy/docker/healthy.py."""

import os
import runpy
import secrets
import time
from pathlib import Path

import pytest
import redis
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from app.services.runtime.heartbeats import INTERVAL_SECONDS, heartbeat_file
from app.settings import Settings
from simulators.serving import BackgroundServer
from tasks._celery.config import celery_config

_SCRIPT = runpy.run_path(str(Path(__file__).parents[3] / "deploy" / "docker" / "healthy.py"))
complaint = _SCRIPT["complaint"]
complaint.__globals__["_ANSWER_SECONDS"] = 60.0  # other tests run at the same time
_WORKER = ["/opt/propintel/bin/python", "/opt/propintel/bin/celery", "-A", "worker", "worker", "-Q", "scrape"]


@pytest.mark.parametrize(("status", "web_is_well", "flower_is_well"), [(200, 1, 1), (401, 0, 1), (503, 0, 0)])
def test_web_must_be_ready_and_flower_must_answer(status: int, web_is_well: int, flower_is_well: int) -> None:
    site = Starlette(routes=[Route("/{any:path}", lambda _: Response(status_code=status))])
    with BackgroundServer(site) as running:
        port = running.address.rpartition(":")[2]
        web = complaint(["python", "/opt/propintel/bin/uvicorn", "web:app", "--port", port], {})
        flower = complaint(["celery", "-A", "worker", "flower"], {"FLOWER_PORT": port})
    assert (not web, not flower) == (bool(web_is_well), bool(flower_is_well)), (web, flower)


def test_a_web_server_that_does_not_listen_is_unhealthy() -> None:
    assert "ConnectionRefusedError" in complaint(["uvicorn", "web:app", "--port", "1"], {})


def test_a_worker_is_healthy_while_its_heartbeat_is_fresh(tmp_path: Path) -> None:
    env = {"PROPINTEL_HOME": str(tmp_path)}
    assert complaint(_WORKER, env) == "no heartbeat for 20 s"
    file = heartbeat_file(tmp_path, "celery@host")
    file.parent.mkdir()
    file.touch()
    assert complaint(_WORKER, env) == ""
    old = time.time() - 4 * INTERVAL_SECONDS - 1
    os.utime(file, (old, old))
    assert complaint(_WORKER, env) == "no heartbeat for 20 s"


def test_beat_is_healthy_while_one_of_our_beats_holds_the_lock(embedded_valkey_url: str, tmp_path: Path) -> None:
    prefix = celery_config(Settings.of(redis_url=embedded_valkey_url))["redbeat_key_prefix"]
    assert _SCRIPT["BEAT_LOCK"] == f"{prefix}:lock"
    words, file = ["celery", "-A", "worker", "beat", "--pidfile="], tmp_path / "redis_url"
    file.write_text(f"{embedded_valkey_url}\n")
    with redis.Redis.from_url(embedded_valkey_url) as connection:
        connection.delete(_SCRIPT["BEAT_LOCK"])
        assert complaint(words, {"REDIS_URL_FILE": str(file)}) == "no beat holds the schedule"
        connection.set(_SCRIPT["BEAT_LOCK"], "somebody", ex=600)
        assert complaint(words, {"REDIS_URL": embedded_valkey_url}) == ""
        assert complaint(words, {"REDIS_URL_FILE": str(file)}) == ""
        connection.delete(_SCRIPT["BEAT_LOCK"])


def test_an_unreachable_redis_is_reported_without_its_password() -> None:
    password = secrets.token_hex(8)
    problem = complaint(["celery", "beat"], {"REDIS_URL": f"redis://:{password}@127.0.0.1:1/0"})
    assert problem == "Redis: ConnectionError"


@pytest.mark.parametrize("line", ["propintel db upgrade", "python -m simulators.site", "sleep 9"])
def test_a_process_that_is_no_service_is_healthy_while_it_runs(line: str) -> None:
    assert complaint(line.split(), {}) == ""
