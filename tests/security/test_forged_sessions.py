"""An attacker who can write to Redis cannot sign in, change a role, or extend a session."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import redis

from app.access.page_sessions import LINK_LIFETIME, PageSessions
from app.access.tokens import Caller, Role
from app.clock import ManualClock
from app.errors import ConfigurationError
from app.redis.embedded_valkey import EmbeddedValkey
from app.settings import Settings

ALICE = Caller("property-intelligence", "alice", Role.READER)
Make = Callable[..., Settings]


@pytest.fixture
def client(broker: EmbeddedValkey) -> redis.Redis:
    return redis.Redis.from_url(broker.url)


@pytest.fixture
def sessions(broker: EmbeddedValkey, make_settings: Make, clock: ManualClock) -> PageSessions:
    return PageSessions(make_settings(redis_url=broker.url), clock)


def name_of(secret: str, kind: str = "page-session") -> str:
    return f"propintel:{kind}:{hashlib.sha256(secret.encode()).hexdigest()}"


def far() -> int:
    return int((datetime.now(UTC) + timedelta(days=36_500)).timestamp())


@pytest.mark.parametrize("signature", ["", "0" * 64, "é", hashlib.sha256(b"").hexdigest()])
def test_a_forged_session_signs_nobody_in(sessions: PageSessions, client: redis.Redis, signature: str) -> None:
    fields = [ALICE.issuer, "mallory", "exec"]
    for text in (json.dumps([*fields, "csrf"]), json.dumps([far(), *fields, "csrf"]), "", "[]"):
        for stored in (text, f"{signature} {text}"):
            client.set(name_of("mine"), stored)
            client.set(name_of("mine", "sign-in-link"), stored)
            assert sessions.find("mine") is None
            assert sessions.use_link("mine") is None


def test_no_role_is_changed_and_no_session_copied(sessions: PageSessions, client: redis.Redis) -> None:
    session_id, _ = sessions.open(ALICE)
    stored = client.get(name_of(session_id))
    assert stored is not None
    client.set(name_of("mine"), stored)
    assert sessions.find("mine") is None
    client.set(name_of("mine", "sign-in-link"), stored)
    assert sessions.use_link("mine") is None
    assert sessions.find(session_id) is not None
    client.set(name_of(session_id), stored.replace(b'"reader"', b'"exec"'))
    assert sessions.find(session_id) is None


def test_no_session_is_prolonged(sessions: PageSessions, client: redis.Redis, clock: ManualClock) -> None:
    session_id, seconds = sessions.open(ALICE)
    code = sessions.make_link(ALICE).partition("code=")[2]
    client.persist(name_of(session_id))
    client.persist(name_of(code, "sign-in-link"))
    clock.advance(LINK_LIFETIME.total_seconds())
    assert sessions.find(session_id) is not None
    assert sessions.use_link(code) is None
    clock.advance(seconds)
    assert sessions.find(session_id) is None


def test_another_secret_and_another_server_do_not_share_sessions(
    sessions: PageSessions, broker: EmbeddedValkey, make_settings: Make, clock: ManualClock
) -> None:
    session_id, _ = sessions.open(ALICE)
    again = PageSessions(make_settings(redis_url=broker.url), clock)
    assert again.find(session_id) == sessions.find(session_id)
    other = PageSessions(make_settings(redis_url=broker.url, jwt_secret="f" * 32), clock)
    assert other.find(session_id) is None


def test_sessions_with_an_identity_provider_require_the_secret(
    broker: EmbeddedValkey, make_settings: Make, clock: ManualClock
) -> None:
    settings = make_settings(redis_url=broker.url, jwt_secret=None, jwt_jwks_url="https://id.example/jwks")
    with pytest.raises(ConfigurationError, match=r"JWT_SECRET: .* page sessions are signed with it"):
        PageSessions(settings, clock).open(ALICE)
