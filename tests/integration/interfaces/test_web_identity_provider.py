"""The server fetches an identity provider's keys over HTTP, and accepts only tokens signed with these keys."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fastapi.testclient import TestClient
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from app.access.rate_limits import FAILURES_PER_MINUTE
from app.clock import ManualClock
from app.redis.embedded_valkey import EmbeddedValkey
from app.settings import Settings
from web import create_app

from .conftest import answers, until_true

pytestmark = pytest.mark.usefixtures("patient")
STATS = "/api/v1/admin/openai/stats"


@dataclass
class Provider:
    """A simulated identity provider: a JWKS endpoint on loopback, and the private keys that sign its tokens."""

    url: str = ""
    rsa_key: Any = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    ec_key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    asked: int = 0
    body: bytes = b""
    status: int = 200
    #: Until this event is set, the provider accepts requests but does not answer them.
    answering: threading.Event = field(default_factory=threading.Event)

    def publish(self, *kids: str) -> None:
        keys = [
            {**json.loads(RSAAlgorithm.to_jwk(self.rsa_key.public_key())), "kid": "rsa", "use": "sig"},
            {**json.loads(ECAlgorithm.to_jwk(self.ec_key.public_key())), "kid": "ec", "use": "sig"},
        ]
        self.body = json.dumps({"keys": [key for key in keys if key["kid"] in (kids or ("rsa", "ec"))]}).encode()

    def sign(self, algorithm: str, kid: str | None, key: Any = None, **changes: Any) -> dict[str, str]:
        """Return an Authorization header with a manager's token, signed with the provider's key or with `key`."""
        claims = {"role": "manager", "iss": "https://id.example", "aud": "homes", **changes}
        claims.setdefault("exp", datetime.now(UTC) + timedelta(minutes=5))
        default = self.ec_key if algorithm == "ES256" else self.rsa_key
        token = jwt.encode(claims, key or default, algorithm=algorithm, headers={"kid": kid} if kid else None)
        return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def keys() -> Provider:
    """Return a provider for all tests of the module, because creating an RSA key takes time."""
    return Provider()


@pytest.fixture
def provider(keys: Provider) -> Iterator[Provider]:
    found = Provider(rsa_key=keys.rsa_key, ec_key=keys.ec_key)
    found.publish()
    found.answering.set()

    def answer(_path: str) -> tuple[int, bytes]:
        found.asked += 1
        found.answering.wait(60)
        return found.status, found.body

    with answers(answer) as server:
        found.url = f"{server.address}/jwks.json"
        yield found
        found.answering.set()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime.now(UTC))


@pytest.fixture
def make_client(home: Path, clock: ManualClock) -> Iterator[Callable[[str], TestClient]]:
    """Return a function that opens a client of an application. The application trusts the keys at the JWKS URL."""
    with ExitStack() as opened:

        def make(url: str) -> TestClient:
            settings = Settings.of(
                propintel_home=home / "state",
                jwt_secret="0123456789abcdef0123456789abcdef",  # ignored, because a provider is configured
                jwt_jwks_url=url,
                jwt_issuer="https://id.example",
                jwt_audience="homes",
            )
            return opened.enter_context(TestClient(create_app(lambda: settings, clock), raise_server_exceptions=False))

        yield make


@pytest.fixture
def client(provider: Provider, make_client: Callable[[str], TestClient]) -> TestClient:
    return make_client(provider.url)


@pytest.mark.parametrize(("algorithm", "kid"), [("RS256", "rsa"), ("ES256", "ec")])
def test_tokens_of_the_provider_are_accepted(client: TestClient, provider: Provider, algorithm: str, kid: str) -> None:
    """A token is accepted even if the provider's clock, and so `iat`, is 20 s ahead."""
    ahead = datetime.now(UTC) + timedelta(seconds=20)
    assert client.get(STATS, headers=provider.sign(algorithm, kid, iat=ahead)).status_code == 200
    assert client.get(STATS, headers=provider.sign(algorithm, kid, role="operator")).status_code == 403


def test_invalid_tokens_are_unauthenticated(client: TestClient, provider: Provider) -> None:
    """A token with another algorithm causes no request to the provider. Tokens with unknown keys cause at most two."""
    assert (
        client.get(STATS, headers=provider.sign("HS256", "rsa", "0123456789abcdef0123456789abcdef")).status_code == 401
    )
    assert provider.asked == 0
    stranger = ec.generate_private_key(ec.SECP256R1())
    refused = {
        "our own secret, which the provider replaces": provider.sign("HS256", None, "0123456789abcdef0123456789abcdef"),
        "an algorithm that is not pinned": provider.sign("RS512", "rsa"),
        "a key that does not fit the algorithm": provider.sign("ES256", "rsa"),
        "a stranger's key": provider.sign("ES256", "ec", stranger),
        **{f"unknown key {n}": provider.sign("RS256", f"key-{n}") for n in range(10)},
        "no key named": provider.sign("RS256", None),
        "expired": provider.sign("RS256", "rsa", exp=datetime.now(UTC) - timedelta(seconds=2)),
        "another issuer": provider.sign("RS256", "rsa", iss="property-intelligence"),
        "another audience": provider.sign("RS256", "rsa", aud="property-intelligence"),
    }
    for why, headers in refused.items():
        assert client.get(STATS, headers=headers).status_code == 401, why
    assert provider.asked <= 2


@pytest.mark.parametrize(("status", "body"), [(500, b"{}"), (200, b"<html>"), (200, b'{"keys": []}'), (200, b"[]")])
def test_a_failing_provider_gives_503_and_not_401(
    client: TestClient, provider: Provider, clock: ManualClock, status: int, body: bytes
) -> None:
    """The token may be valid, so the status is not 401.

    After the time in Retry-After, the server requests the provider's keys again.
    """
    provider.status, provider.body = status, body
    for _ in range(3):
        answer = client.get(STATS, headers=provider.sign("RS256", "rsa"))
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "identity_provider_unavailable"
    assert provider.asked == 1
    provider.status = 200
    provider.publish()
    clock.advance(int(answer.headers["retry-after"]))
    assert client.get(STATS, headers=provider.sign("RS256", "rsa")).status_code == 200


# --- while the provider hangs or fails


class Asking:
    """`statuses` lists the status codes received so far."""

    def __init__(self, client: TestClient, headers: Iterable[dict[str, str]]) -> None:
        self.statuses: list[int] = []
        self._threads = [threading.Thread(target=self._ask, args=(client, head)) for head in headers]
        for thread in self._threads:
            thread.start()

    def _ask(self, client: TestClient, headers: dict[str, str]) -> None:
        self.statuses.append(client.get(STATS, headers=headers).status_code)

    def join(self) -> list[int]:
        for thread in self._threads:
            thread.join()
        return self.statuses


@pytest.fixture
def warm_client(client: TestClient, provider: Provider) -> TestClient:
    assert client.get(STATS, headers=provider.sign("RS256", "rsa")).status_code == 200
    return client


def test_concurrent_requests_without_current_keys_cause_one_request_to_the_provider(
    client: TestClient, provider: Provider, clock: ManualClock
) -> None:
    """The limit of eight waiting requests applies to unknown keys only, not to the first fetch or to expired keys."""
    for asked in (1, 2):
        provider.answering.clear()
        asking = Asking(client, [provider.sign("RS256", "rsa")] * 20)
        until_true(lambda asked=asked: provider.asked == asked, "the question")
        provider.answering.set()
        assert asking.join() == [200] * 20
        assert provider.asked == asked
        clock.advance(601)


def test_a_known_key_is_accepted_while_the_provider_hangs(
    warm_client: TestClient, provider: Provider, clock: ManualClock
) -> None:
    """Expired keys are fetched again in the background, and requests do not wait for them."""
    clock.advance(301)
    provider.answering.clear()
    for _ in range(3):
        assert warm_client.get(STATS, headers=provider.sign("RS256", "rsa")).status_code == 200
    until_true(lambda: provider.asked == 2, "the question in the background")


def test_requests_with_unknown_keys_leave_threads_for_others(
    warm_client: TestClient, provider: Provider, clock: ManualClock
) -> None:
    """Forty waiting requests would use all threads. Only eight wait for the provider, and the rest get 503."""
    clock.advance(31)
    provider.answering.clear()
    strangers = Asking(warm_client, [provider.sign("RS256", f"unknown-{n}") for n in range(40)])
    until_true(lambda: len(strangers.statuses) >= 32, "those who need not wait")
    assert set(strangers.statuses) == {503}
    assert warm_client.get(STATS, headers=provider.sign("RS256", "rsa")).status_code == 200
    provider.answering.set()
    assert sorted(strangers.join()) == [401] * 8 + [503] * 32


def test_a_failing_provider_is_asked_every_five_seconds_at_most(
    warm_client: TestClient, provider: Provider, clock: ManualClock
) -> None:
    """For five seconds after a failure, neither unknown nor expired keys cause another request to the provider."""
    clock.advance(301)
    provider.status = 500
    for n in range(10):
        assert warm_client.get(STATS, headers=provider.sign("RS256", f"unknown-{n}")).status_code == 503
        assert warm_client.get(STATS, headers=provider.sign("RS256", "rsa")).status_code == 200
    assert provider.asked == 2
    clock.advance(5)
    provider.status = 200
    assert warm_client.get(STATS, headers=provider.sign("RS256", "unknown")).status_code == 401
    assert provider.asked == 3


def test_unknown_keys_count_as_failed_sign_ins(
    broker: EmbeddedValkey, warm_client: TestClient, provider: Provider, clock: ManualClock
) -> None:
    """A rejected token counts as a failed sign-in even if the provider does not answer.

    Valid tokens from the same IP still work.
    """
    for n in range(FAILURES_PER_MINUTE // 2):
        assert warm_client.get(STATS, headers=provider.sign("RS256", f"unknown-{n}")).status_code == 401
    clock.advance(31)
    provider.status = 500
    for n in range(FAILURES_PER_MINUTE // 2):
        assert warm_client.get(STATS, headers=provider.sign("RS256", f"unknown-{n}")).status_code == 503
    assert warm_client.get(STATS, headers=provider.sign("RS256", "unknown")).status_code == 429
    assert warm_client.get(STATS, headers=provider.sign("RS256", "rsa")).status_code == 200


def test_the_last_keys_are_used_for_a_day(
    warm_client: TestClient, provider: Provider, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    provider.status = 500
    for _ in range(23):
        clock.advance(3600)
        assert warm_client.get(STATS, headers=provider.sign("RS256", "rsa")).status_code == 200
    assert caplog.text.count("stay in use") == 1
    clock.advance(3601)
    assert warm_client.get(STATS, headers=provider.sign("RS256", "rsa")).status_code == 503


def test_a_new_key_is_accepted_and_a_withdrawn_key_is_refused(
    warm_client: TestClient, provider: Provider, clock: ManualClock
) -> None:
    def ask() -> int:
        return warm_client.get(STATS, headers=provider.sign("RS256", "rsa")).status_code

    provider.publish("ec")
    clock.advance(301)
    ask()  # starts fetching the keys in the background
    until_true(lambda: ask() == 401, "the end of the old key")
    provider.publish("rsa")
    assert ask() == 401  # unknown keys cause a fetch at most once per half minute
    clock.advance(31)
    assert ask() == 200
    provider.publish("ec")
    clock.advance(601)
    assert ask() == 401  # keys cached for ten minutes are too old, so this request waits for new ones


@pytest.mark.parametrize("url", ["http://id.example/jwks", "file:///etc/passwd", "ftp://id.example/jwks", "nonsense"])
def test_keys_over_plain_http_are_not_trusted(
    make_client: Callable[[str], TestClient], provider: Provider, url: str
) -> None:
    answer = make_client(url).get(STATS, headers=provider.sign("RS256", "rsa"))
    assert answer.status_code == 503
    assert "JWT_JWKS_URL" in answer.json()["error"]["message"]
