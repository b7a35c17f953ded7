"""A web page whose host name rebinds to this machine cannot use services that have no password."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from app.redis.embedded_valkey import EmbeddedValkey
from app.settings.forms import names_elsewhere
from cli.processes import StopSignals, Supervisor
from cli.services import Services, listens
from tests.plugins.ports import free_port
from tests.plugins.waiting import wait_until
from tests.plugins.warm_start import WarmParent

from .conftest import Serve

OWN = ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000", "192.0.2.7", "propintel.localhost"]
OTHERS = ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example", "2130706433.example"]
PATHS = ["/metrics", "/sign-in", "/docs", "/openapi.json", "/api/v1/me", "/healthz", "/static/pages.js"]


def ask(port: int, path: str, **headers: str) -> httpx2.Response:
    return httpx2.get(f"http://127.0.0.1:{port}{path}", headers=headers, trust_env=False, timeout=300)


@pytest.mark.parametrize("host", ["[::1", "evil.example:http"])
def test_a_malformed_name_is_refused(host: str) -> None:
    assert names_elsewhere(host)


def test_the_web_server_answers_its_own_machine_under_its_own_names_only(serve: Serve) -> None:
    port = serve()
    for path in PATHS:
        for host in OTHERS:
            for forged in ({}, {"Sec-Fetch-Site": "same-origin", "Origin": f"http://{host}"}):
                answer = ask(port, path, Host=host, **forged)
                code = answer.json()["error"]["code"]
                assert (answer.status_code, code) == (421, "misdirected_request"), (path, host)
    for host in OWN:
        assert ask(port, "/metrics", Host=host).status_code == 200
        assert ask(port, "/sign-in", Host=host).status_code == 200


def test_a_forged_forwarded_address_gives_no_access(serve: Serve) -> None:
    """A web page's scripts can set `X-Forwarded-For`."""
    for settings in ({}, {"trusted_proxies": "127.0.0.1"}):
        port = serve(**settings)
        for address in ("127.0.0.1", "203.0.113.7"):
            answer = ask(port, "/metrics", Host="evil.example", **{"X-Forwarded-For": address})
            assert answer.status_code in (403, 421), (settings, address)


def test_a_proxy_on_this_machine_serves_its_own_name(serve: Serve) -> None:
    port = serve(trusted_proxies="127.0.0.1")
    answer = ask(port, "/sign-in", Host="homes.example", **{"X-Forwarded-For": "203.0.113.7"})
    assert answer.status_code == 200


@pytest.fixture
def start_flower(
    broker: EmbeddedValkey, tmp_path: Path, warm_parent: WarmParent, _clean_environment: None
) -> Iterator[Callable[..., int]]:
    del broker  # the fixture is needed only to start the broker
    with Supervisor(StopSignals(), popen=warm_parent.start) as supervisor:

        def start(**variables: str) -> int:
            port = free_port()
            environment = {**os.environ, "PROPINTEL_HOME": str(tmp_path / "home"), **variables}
            Services(tmp_path / "home", environment, cwd=tmp_path, logs=tmp_path).flower(supervisor, port)
            wait_until(lambda: listens(port), 60)
            return port

        yield start


def test_flower_without_a_password_answers_under_names_of_this_machine_only(start_flower: Callable[..., int]) -> None:
    port = start_flower()
    for path in ("/", "/tasks", "/workers", "/broker", "/metrics", "/api/tasks", "/healthcheck", "/static/x.js"):
        for host in OTHERS:
            answer = ask(port, path, Host=host)
            assert answer.status_code == 421, (path, host)
            assert "FLOWER_BASIC_AUTH" in answer.text
    for host in OWN:
        assert ask(port, "/healthcheck", Host=host).status_code == 200
        assert ask(port, "/workers", Host=host).status_code == 200


def test_flower_with_a_password_may_have_any_name(start_flower: Callable[..., int]) -> None:
    port = start_flower(FLOWER_BASIC_AUTH="viewer:0123456789abcdef")
    assert ask(port, "/workers", Host="flower.example").status_code == 401
    assert ask(port, "/healthcheck", Host="flower.example").status_code == 200
