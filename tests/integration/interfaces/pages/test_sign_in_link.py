"""A sign-in link works once, and neither Redis nor logs contain its code."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from fastapi.testclient import TestClient

from app.access.page_sessions import PageSessions
from app.access.tokens import Caller, Role
from app.clock import SystemClock
from app.home import make_home_secret
from app.redis.embedded_valkey import EmbeddedValkey
from app.settings import Settings
from tests.integration.interfaces.conftest import SECRET
from web import create_app

pytestmark = pytest.mark.usefixtures("broker")


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings.of(propintel_home=home / "state", jwt_secret=SECRET)


@pytest.fixture
def sessions(settings: Settings) -> Iterator[PageSessions]:
    with contextlib.closing(PageSessions(settings, SystemClock())) as opened:
        yield opened


@pytest.fixture
def link(sessions: PageSessions) -> str:
    return sessions.make_link(Caller("property-intelligence", "alice", Role.MANAGER))


@pytest.fixture
def new_client(settings: Settings) -> Iterator[Callable[[], TestClient]]:
    """Return a function that opens a new client, without cookies, of one shared application."""
    app = create_app(lambda: settings)
    with TestClient(app):
        yield lambda: TestClient(app, base_url="http://127.0.0.1:8000", follow_redirects=False)


def test_a_link_signs_in_and_the_next_url_has_no_code(new_client: Callable[[], TestClient], link: str) -> None:
    client = new_client()
    answer = client.get(link)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=strict" in answer.headers["set-cookie"]
    shown = client.get("/keys")
    assert shown.status_code == 200
    assert "alice" in shown.text
    assert "(manager)" in shown.text


def test_a_second_use_is_refused_with_advice(new_client: Callable[[], TestClient], link: str) -> None:
    first, second = new_client(), new_client()
    assert first.get(link).status_code == 303
    answer = second.get(link)
    assert answer.status_code == 403
    assert "was used or has expired. Sign in with a token" in answer.text
    assert 'name="token"' in answer.text
    assert "set-cookie" not in answer.headers
    assert second.get("/").headers["location"] == "/sign-in"


def test_without_a_configured_secret_a_link_works_over_loopback_only(home: Path) -> None:
    make_home_secret(home / "state")
    own = Settings.of(propintel_home=home / "state")
    app = create_app(lambda: own)
    with contextlib.closing(PageSessions(own, SystemClock())) as sessions, TestClient(app):
        link = sessions.make_link(Caller("property-intelligence", "alice", Role.MANAGER))
        found = [
            TestClient(app, f"http://{host}:8000", follow_redirects=False).get(link).status_code
            for host in ("192.0.2.1", "127.0.0.1")
        ]
    assert found == [503, 303]


def test_concurrent_uses_sign_in_only_once(sessions: PageSessions, link: str) -> None:
    code = link.partition("code=")[2]
    start, found = threading.Barrier(8), []

    def use() -> None:
        start.wait()
        found.append(sessions.use_link(code))

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [caller for caller in found if caller is not None] == [Caller("property-intelligence", "alice", "manager")]


def test_a_prefetch_does_not_use_up_the_link(new_client: Callable[[], TestClient], link: str) -> None:
    client = new_client()
    assert client.head(link).status_code == 405
    for headers in ({"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}):
        guessed = client.get(link, headers=headers)
        assert (guessed.status_code, "set-cookie" in guessed.headers) == (503, False)
    assert client.get(link).status_code == 303


def test_redis_stores_the_link_as_a_hash_for_15_minutes(broker: EmbeddedValkey, link: str) -> None:
    code = link.partition("code=")[2]
    assert len(code) * 6 >= 128
    with redis.Redis.from_url(broker.url) as client:
        (name,) = client.scan_iter("propintel:sign-in-link:*")
        stored = f"{name!r} {client.get(name)!r}"
        assert 0 < client.ttl(name) <= 15 * 60
    assert code not in stored


def test_guessed_codes_are_limited(new_client: Callable[[], TestClient], link: str) -> None:
    client = new_client()
    answers = [client.get(f"/sign-in/link?code=guess-{n}") for n in range(70)]
    assert {answer.status_code for answer in answers} == {403, 429}
