"""Every process connects to a Redis that requires TLS and client certificates, with the options of REDIS_URL."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.integration.fetch.certificates import make_client, make_tls
from tests.plugins.ports import free_port
from tests.plugins.redis_fixtures import running_server, tls_options

pytestmark = [pytest.mark.worker, pytest.mark.redis_server, pytest.mark.timeout(110)]


@pytest.fixture
def tls_redis(tmp_path: Path) -> Iterator[str]:
    """Start a Redis that requires client certificates; yield its URL with password and certificates."""
    make_tls(tmp_path, "localhost")
    pem = tmp_path / "server.pem"
    certificate, key = make_client(pem, tmp_path)
    port = str(free_port())
    folder = tmp_path / "redis"
    folder.mkdir()
    options = tls_options(port, pem, auth_clients="yes")
    url = f"rediss://default:long%2Fpassword@localhost:{port}/0?ssl_ca_certs={pem}"
    url += f"&ssl_certfile={certificate}&ssl_keyfile={key}"
    with running_server(folder, url, *options, "--requirepass", "long/password"):
        yield url


def test_every_process_connects_with_its_certificate(
    tls_redis: str, make_fleet: Callable[..., Any], property_site: str, openai_simulator: Callable[..., Any],
    until: Callable[..., None],
) -> None:  # fmt: skip
    """The worker, its children, the key pool, beat, and the web server connect, and no log contains the password."""
    server = openai_simulator()
    fleet = make_fleet(
        REDIS_URL=tls_redis,
        OPENAI_API_KEYS=",".join(server.keys),
        OPENAI_BASE_URL=server.base_url,
        KEY_REPORT_INTERVAL_SECONDS="1",
        JWT_SECRET="0123456789abcdef0123456789abcdef",
    )
    fleet.start_worker()
    fleet.start_beat()
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    fleet.services.web(fleet.supervisor, port)
    ids = fleet.send(*(f"{property_site}/homes/{n}" for n in range(1, 4)))
    fleet.wait_for_state(ids, "done")
    until(lambda: "report_key_stats" in fleet.log("worker"), 20, lambda: fleet.log("beat"))
    until(lambda: 'source="redis"} 1.0' in _metrics(port), 20, lambda: _metrics(port))
    assert "propintel_openai_pool_shared 1.0" in _metrics(port)
    for name in ("worker", "beat"):
        assert "Traceback" not in fleet.log(name)
        assert "long%2Fpassword" not in fleet.log(name)
        assert "long/password" not in fleet.log(name)


def _metrics(port: int) -> str:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
    except httpx2.ConnectError:
        return ""
