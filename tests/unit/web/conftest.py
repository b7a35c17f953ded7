"""A web server with its own database, and tokens of every kind."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from fastapi.testclient import TestClient

from app.services.runtime.stores import Stores, open_stores
from app.settings import Settings
from web import create_app

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def make_settings(tmp_path: Path) -> Callable[..., Settings]:
    """Return a function that makes settings with a home, a secret, and two keys. Arguments override these settings."""

    def make(**changes: Any) -> Settings:
        values = {
            "propintel_home": tmp_path / "home",
            "jwt_secret": SECRET,
            "openai_api_keys": "sk-proj-aaaaaaaaaaaaaaaaaaaa1111,sk-proj-bbbbbbbbbbbbbbbbbbbb2222",
        }
        return Settings.of(**{**values, **changes})

    return make


@pytest.fixture
def stores(make_settings: Callable[..., Settings]) -> Iterator[Stores]:
    with open_stores(make_settings()) as opened:
        yield opened


@pytest.fixture
def make_client(make_settings: Callable[..., Settings]) -> Iterator[Callable[..., TestClient]]:
    """Return a function that starts a server and returns its client; keyword arguments change its settings."""
    with ExitStack() as opened:

        def make(**changes: Any) -> TestClient:
            settings = make_settings(**changes)
            return opened.enter_context(TestClient(create_app(lambda: settings), raise_server_exceptions=False))

        yield make


@pytest.fixture
def client(make_client: Callable[..., TestClient]) -> TestClient:
    return make_client()


@pytest.fixture
def sign() -> Callable[..., str]:
    """Return a function that signs a valid token; keyword arguments change claims, and None removes a claim."""

    def make(*, key: str | bytes = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
        claims = {
            "role": "manager",
            "iss": "property-intelligence",
            "aud": "property-intelligence",
            "exp": datetime.now(UTC) + timedelta(minutes=5),
            **changes,
        }
        return jwt.encode({n: v for n, v in claims.items() if v is not None}, key, algorithm=algorithm)

    return make


@pytest.fixture
def bearer(sign: Callable[..., str]) -> Callable[..., dict[str, str]]:
    return lambda role="manager", **changes: {"Authorization": f"Bearer {sign(role=role, **changes)}"}
