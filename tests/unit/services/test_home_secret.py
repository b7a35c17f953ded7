"""The signing secret in PROPINTEL_HOME is created once, private to its owner, and used only if no other is set."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.access.tokens import Role, build_verifier, issue_token
from app.clock import SystemClock
from app.errors import ConfigurationError
from app.errors.requests import InvalidTokenError
from app.home import make_home_secret, read_home_secret
from app.redaction import redact
from app.settings import Settings

_SET = "0123456789abcdef0123456789abcdef"


def _settings(home: Path, **changes: Any) -> Settings:
    return Settings.of(propintel_home=home, **changes)


def _token(settings: Settings) -> str:
    return issue_token(settings, Role.MANAGER, timedelta(minutes=1), clock=SystemClock(), subject="tester")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    make_home_secret(tmp_path / "home")
    return tmp_path / "home"


def test_only_its_owner_may_read_the_secret_with_any_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        make_home_secret(tmp_path / "home")
    finally:
        os.umask(before)
    assert (tmp_path / "home" / "jwt_secret").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700


def test_concurrent_creators_get_the_same_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(make_home_secret, [tmp_path] * 8))
        found = set(threads.map(read_home_secret, [tmp_path] * 8))
    assert len(found) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["jwt_secret"]
    kept = read_home_secret(tmp_path)
    make_home_secret(tmp_path)
    assert read_home_secret(tmp_path) == kept


def test_two_homes_have_different_secrets_and_no_log_shows_them(home: Path, tmp_path: Path) -> None:
    make_home_secret(tmp_path / "another")
    secret, another = read_home_secret(home), read_home_secret(tmp_path / "another")
    assert secret is not None
    assert another is not None
    assert secret != another
    assert len(secret) >= 64
    assert redact(f"it is {secret}") == "it is [redacted]"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622])
def test_a_secret_that_others_may_read_or_write_is_refused(home: Path, mode: int) -> None:
    (home / "jwt_secret").chmod(mode)
    with pytest.raises(ConfigurationError, match="other users"):
        read_home_secret(home)


@pytest.mark.parametrize("content", [b"", b"short\n", b"\xff" * 64])
def test_a_damaged_secret_is_refused(home: Path, content: bytes) -> None:
    (home / "jwt_secret").write_bytes(content)
    for use in (read_home_secret, make_home_secret):
        with pytest.raises(ConfigurationError, match="JWT_SECRET"):
            use(home)


def test_the_secret_signs_and_checks_tokens_if_no_other_is_set(home: Path) -> None:
    ours = _settings(home)
    verifier = build_verifier(ours, SystemClock())
    assert verifier.verify(_token(ours)).role == Role.MANAGER
    assert verifier.loopback_only
    configured = _settings(home, jwt_secret=_SET)
    verifier = build_verifier(configured, SystemClock())
    assert verifier.verify(_token(configured)).role == Role.MANAGER
    assert not verifier.loopback_only
    with pytest.raises(InvalidTokenError):
        verifier.verify(_token(ours))
    provided = _settings(home, jwt_jwks_url="https://id.example/keys")
    assert not build_verifier(provided, SystemClock()).loopback_only
    with pytest.raises(ConfigurationError, match="JWT_JWKS_URL"):
        _token(provided)


def test_without_any_secret_the_error_names_the_setting(tmp_path: Path) -> None:
    for use in (_token, lambda settings: build_verifier(settings, SystemClock())):
        with pytest.raises(ConfigurationError) as caught:
            use(_settings(tmp_path))
        assert "JWT_SECRET" in str(caught.value)
        assert "propintel up --web" in str(caught.value)
    assert read_home_secret(tmp_path / "home") is None
    assert not (tmp_path / "home").exists(), "reading has created a secret"
