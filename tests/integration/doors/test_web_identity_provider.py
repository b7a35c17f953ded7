"""Tokens of an identity provider: its keys are fetched over HTTP, and only its algorithms count."""

from __future__ import annotations

import base64
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fastapi.testclient import TestClient
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from app.settings import Settings
from web import create_app

STATS = "/api/v1/admin/openai/stats"


@dataclass
class Provider:
    """A JWKS endpoint on loopback, and the private keys behind it."""

    url: str = ""
    rsa_key: Any = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    ec_key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    asked: int = 0
    body: bytes = b""
    status: int = 200

    def publish(self) -> None:
        """Answer with both public keys."""
        keys = [
            {**json.loads(RSAAlgorithm.to_jwk(self.rsa_key.public_key())), "kid": "rsa", "use": "sig"},
            {**json.loads(ECAlgorithm.to_jwk(self.ec_key.public_key())), "kid": "ec", "use": "sig"},
        ]
        self.body = json.dumps({"keys": keys}).encode()

    def sign(self, algorithm: str, kid: str | None, key: Any = None, **changes: Any) -> dict[str, str]:
        """The header of a manager's request."""
        claims = {"role": "manager", "iss": "https://id.example", "aud": "homes", **changes}
        claims.setdefault("exp", datetime.now(UTC) + timedelta(minutes=5))
        default = self.ec_key if algorithm == "ES256" else self.rsa_key
        token = jwt.encode(claims, key or default, algorithm=algorithm, headers={"kid": kid} if kid else None)
        return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def keys() -> Provider:
    """Making an RSA key takes a while: once for all tests here."""
    return Provider()


@pytest.fixture
def provider(keys: Provider) -> Iterator[Provider]:
    found = Provider(rsa_key=keys.rsa_key, ec_key=keys.ec_key)
    found.publish()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked += 1
            self.send_response(found.status)
            self.end_headers()
            self.wfile.write(found.body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}/jwks.json"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def make_door(tmp_path: Path) -> Callable[[str], TestClient]:
    def make(url: str) -> TestClient:
        settings = Settings(
            _env_file=None,
            propintel_home=tmp_path,
            jwt_secret="0123456789abcdef0123456789abcdef",  # the provider wins over it
            jwt_jwks_url=url,
            jwt_issuer="https://id.example",
            jwt_audience="homes",
        )
        return TestClient(create_app(lambda: settings), raise_server_exceptions=False)

    return make


@pytest.fixture
def door(provider: Provider, make_door: Callable[[str], TestClient]) -> TestClient:
    return make_door(provider.url)


def _hmac_signed(key: bytes) -> dict[str, str]:
    """What PyJWT refuses to make: HS256 with a public key as the secret."""
    claims = {"role": "manager", "iss": "https://id.example", "aud": "homes", "exp": 4_000_000_000}
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "kid": "rsa"}, claims)]
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    digest = hmac.digest(key, signed, "sha256")
    return {"Authorization": f"Bearer {signed.decode()}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"}


@pytest.mark.parametrize(("algorithm", "kid"), [("RS256", "rsa"), ("ES256", "ec")])
def test_the_providers_tokens_hold(door: TestClient, provider: Provider, algorithm: str, kid: str) -> None:
    assert door.get(STATS, headers=provider.sign(algorithm, kid)).status_code == 200
    assert door.get(STATS, headers=provider.sign(algorithm, kid, role="operator")).status_code == 403


def test_the_keys_are_fetched_once(door: TestClient, provider: Provider) -> None:
    for _ in range(3):
        assert door.get(STATS, headers=provider.sign("RS256", "rsa")).status_code == 200
    assert provider.asked == 1


def test_a_clock_of_the_provider_that_runs_ahead_does_no_harm(door: TestClient, provider: Provider) -> None:
    headers = provider.sign("RS256", "rsa", iat=datetime.now(UTC) + timedelta(seconds=20))
    assert door.get(STATS, headers=headers).status_code == 200


def test_what_does_not_hold_is_refused(door: TestClient, provider: Provider) -> None:
    public = provider.rsa_key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    stranger = ec.generate_private_key(ec.SECP256R1())
    refused = {
        "algorithm confusion: HMAC with the public key": _hmac_signed(public),
        "our own secret, which the provider replaces": provider.sign("HS256", None, "0123456789abcdef0123456789abcdef"),
        "an algorithm that is not pinned": provider.sign("RS512", "rsa"),
        "a key that does not fit the algorithm": provider.sign("ES256", "rsa"),
        "a stranger's key": provider.sign("ES256", "ec", stranger),
        "an unknown key": provider.sign("RS256", "another"),
        "no key named": provider.sign("RS256", None),
        "expired": provider.sign("RS256", "rsa", exp=datetime.now(UTC) - timedelta(seconds=2)),
        "another issuer": provider.sign("RS256", "rsa", iss="property-intelligence"),
        "another audience": provider.sign("RS256", "rsa", aud="property-intelligence"),
    }
    for why, headers in refused.items():
        assert door.get(STATS, headers=headers).status_code == 401, why


def test_tokens_of_another_algorithm_cost_the_provider_nothing(door: TestClient, provider: Provider) -> None:
    door.get(STATS, headers=provider.sign("HS256", "rsa", "0123456789abcdef0123456789abcdef"))
    assert provider.asked == 0


def test_unknown_keys_do_not_make_the_provider_answer_each_time(door: TestClient, provider: Provider) -> None:
    for n in range(10):
        assert door.get(STATS, headers=provider.sign("RS256", f"key-{n}")).status_code == 401
    assert provider.asked <= 2


@pytest.mark.parametrize(("status", "body"), [(500, b"{}"), (200, b"<html>"), (200, b'{"keys": []}'), (200, b"[]")])
def test_a_provider_that_is_ill_is_503_and_not_401(
    door: TestClient, provider: Provider, status: int, body: bytes
) -> None:
    """The caller's token may be good: nobody can tell."""
    provider.status, provider.body = status, body
    answer = door.get(STATS, headers=provider.sign("RS256", "rsa"))
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "identity_provider_unavailable"
    assert answer.headers["retry-after"] == "5"
    provider.status = 200
    provider.publish()
    assert door.get(STATS, headers=provider.sign("RS256", "rsa")).status_code == 200


@pytest.mark.parametrize("url", ["http://id.example/jwks", "file:///etc/passwd", "ftp://id.example/jwks", "nonsense"])
def test_keys_over_plain_http_are_not_trusted(
    make_door: Callable[[str], TestClient], provider: Provider, url: str
) -> None:
    answer = make_door(url).get(STATS, headers=provider.sign("RS256", "rsa"))
    assert answer.status_code == 503
    assert "JWT_JWKS_URL" in answer.json()["error"]["message"]
