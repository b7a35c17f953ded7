"""Without JWT_SECRET, a web server accepts tokens signed with its own secret, but only from this machine."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from app.access.tokens import Role, issue_token
from app.clock import SystemClock
from app.home import make_home_secret
from app.settings import Settings
from web import create_app

STATS = "/api/v1/admin/openai/stats"
#: An example address from RFC 5737, which no machine has.
ELSEWHERE = "192.0.2.7"
MakeSettings = Callable[..., Settings]


@pytest.fixture
def client_at(make_settings: MakeSettings) -> Iterator[Callable[[str], TestClient]]:
    with ExitStack() as opened:

        def at(address: str) -> TestClient:
            app = create_app(lambda: make_settings(jwt_secret=None))
            return opened.enter_context(TestClient(app, base_url=f"http://{address}:8000"))

        yield at


@pytest.fixture
def bearer_of_home(make_settings: MakeSettings) -> dict[str, str]:
    settings = make_settings(jwt_secret=None)
    make_home_secret(settings.state.propintel_home)
    token = issue_token(settings, Role.MANAGER, timedelta(minutes=5), clock=SystemClock(), subject="tester")
    return {"Authorization": f"Bearer {token}"}


def test_a_home_token_is_valid_on_loopback(
    client_at: Callable[[str], TestClient], bearer_of_home: dict[str, str]
) -> None:
    for address in ("127.0.0.1", "[::1]"):
        client = client_at(address)
        assert client.get(STATS, headers=bearer_of_home).status_code == 200
        assert client.get("/sign-in").status_code == 200


def test_a_home_token_is_invalid_for_other_machines(
    client_at: Callable[[str], TestClient], bearer_of_home: dict[str, str]
) -> None:
    """The server listens on all addresses. The address at which a request arrives counts, not its Host header."""
    client = client_at(ELSEWHERE)
    for headers in (bearer_of_home, {**bearer_of_home, "Host": "localhost"}):
        answer = client.get(STATS, headers=headers)
        assert answer.status_code == 503
        assert "JWT_SECRET" in answer.json()["error"]["message"]
    token = bearer_of_home["Authorization"].removeprefix("Bearer ")
    assert client.post("/sign-in", data={"token": token}).status_code == 503


def test_without_any_secret_the_sign_in_page_names_the_setting(
    client_at: Callable[[str], TestClient], make_settings: MakeSettings
) -> None:
    client = client_at("127.0.0.1")
    for answer in (client.get("/sign-in"), client.post("/sign-in", data={"token": "x"})):
        assert answer.status_code == 503
        for expected in ("Nobody can sign in yet", "JWT_SECRET", "propintel up --web"):
            assert expected in answer.text
        assert "<form" not in answer.text
    make_home_secret(make_settings().state.propintel_home)
    assert client.get("/sign-in").status_code == 200, "a secret that was created later is not found"
