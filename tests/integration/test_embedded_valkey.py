"""The embedded Valkey: one private server per PROPINTEL_HOME, shared by all processes with that home."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import redis

from app.errors.broker import BrokerUnavailableError
from app.redis.embedded_valkey import EmbeddedValkey, answers, connect, redis_url
from app.settings import Settings
from tasks import make_celery
from tests.plugins.redis_fixtures import kill_valkey


@pytest.fixture
def base() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="pv-", dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def deep_home(base: Path) -> Path:
    return base / ("deep/" * 20)


@pytest.fixture(params=["socket", "port"])
def home(request: pytest.FixtureRequest, base: Path, deep_home: Path) -> Path:
    return deep_home if request.param == "port" else base / "h"


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings.of(propintel_home=home)


@pytest.fixture
def valkey(home: Path) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(home) as running:
        yield running


def test_every_process_of_the_home_uses_the_same_server(settings: Settings, valkey: EmbeddedValkey) -> None:
    assert redis_url(settings) == valkey.url
    with connect(settings) as connection, redis.Redis.from_url(valkey.url) as other:
        connection.set("name", "here")
        assert other.get("name") == b"here"
        assert connection.config_get("appendonly") == {"appendonly": "yes"}
        assert connection.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_celery_works_over_a_socket_and_a_port(settings: Settings, valkey: EmbeddedValkey) -> None:
    """The format of a socket URL in kombu and the result backend differs from redis-py's."""
    app = make_celery(settings)
    with app.connection_for_write() as connection:
        queue = connection.SimpleQueue("letters")
        queue.put({"n": 1})
        message = queue.get(timeout=300)
        message.ack()
        assert message.payload == {"n": 1}
        queue.close()
    app.backend.set("kept", b"1")
    assert app.backend.get("kept") == b"1"
    app.close()


def test_no_other_user_can_connect(home: Path, valkey: EmbeddedValkey) -> None:
    """Only the owner can enter the folder. With a TCP port, a password is needed too, from a file with mode 0600."""
    assert stat.S_IMODE((home / "valkey").stat().st_mode) == 0o700
    if valkey.url.startswith("redis://"):
        assert stat.S_IMODE((home / "valkey" / "endpoint.json").stat().st_mode) == 0o600
        with redis.Redis(port=_port(valkey.url)) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
        assert valkey.pid is not None
        assert "requirepass" not in " ".join(psutil.Process(valkey.pid).cmdline())
    else:
        assert stat.S_IMODE((home / "valkey" / "valkey.sock").stat().st_mode) == 0o700


def test_one_server_runs_per_home(home: Path, valkey: EmbeddedValkey) -> None:
    second = EmbeddedValkey(home)
    assert second.start() == valkey.url
    assert second.pid is None
    second.stop()
    assert answers(valkey.url)


def test_a_crash_loses_nothing_that_was_written_a_second_ago(settings: Settings, valkey: EmbeddedValkey) -> None:
    """After SIGKILL, the append-only file contains all writes that are at least a second old."""
    with connect(settings) as connection:
        connection.rpush("scrape", "job")
        assert connection.execute_command("WAITAOF", 1, 0, 25_000)[0] == 1
    kill_valkey(valkey)
    assert redis_url(settings) is None
    valkey.start()
    with connect(settings) as connection:
        assert connection.lrange("scrape", 0, -1) == [b"job"]


def test_without_a_server_the_error_says_what_to_do(settings: Settings) -> None:
    assert redis_url(settings) is None
    with pytest.raises(BrokerUnavailableError, match="propintel up"):
        connect(settings)


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv (util-linux) ties children to their parent")
def test_the_server_ends_with_its_owner(home: Path, settings: Settings) -> None:
    code = (
        "import sys, time; from pathlib import Path; from app.redis.embedded_valkey import EmbeddedValkey;"
        "v = EmbeddedValkey(Path(sys.argv[1])); v.start(); print(v.pid, flush=True); time.sleep(60)"
    )
    owner = subprocess.Popen([sys.executable, "-c", code, str(home)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    server = psutil.Process(int(owner.stdout.readline()))
    os.kill(owner.pid, signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    gone, _ = psutil.wait_procs([server], timeout=300)
    assert gone
    assert redis_url(settings) is None


def test_a_port_that_another_program_uses_is_replaced(deep_home: Path) -> None:
    settings = Settings.of(propintel_home=deep_home)
    first = EmbeddedValkey(deep_home)
    url = first.start()
    first.stop()
    with socket.create_server(("127.0.0.1", _port(url))), EmbeddedValkey(deep_home) as second:
        assert second.url != url
        assert redis_url(settings) == second.url


def _port(url: str) -> int:
    return urlsplit(url).port or 0
