"""Settings come from several sources, have clear messages about invalid values, and are all documented."""

import ast
import ipaddress
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.errors import ConfigurationError
from app.redaction import redact
from app.settings import (
    DECLARED,
    SECRETS_IN_FILES,
    VARIABLE_PREFIXES,
    VARIABLES,
    Settings,
    load_log_settings,
    load_settings,
)
from app.settings.forms import flower_logins
from app.settings.sources import env_file_in_use
from cli.demo_setup import clean_environment

_ROOT = Path(__file__).parents[3]
_VARIABLES = set(VARIABLES) - {"OPENAI_NUMBERED_KEYS"}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORT", "eighty"),
        ("JWT_SECRET", "too short"),
        ("FETCH_ALLOWED_PRIVATE_NETWORKS", "10.0.0.0/8,everything"),
        ("TRUSTED_PROXIES", "127.0.0.1,0.0.0.0/0"),
        ("FLOWER_BASIC_AUTH", "a-password-and-no-user"),
        ("FLOWER_BASIC_AUTH", "viewer:0123456789abcde"),
        ("FLOWER_BASIC_AUTH", "viewer:0123456789abcdef,:0123456789abcdef"),
        ("FLOWER_BASIC_AUTH", ","),
        ("FLOWER_BASIC_AUTH", "viewer:0123456789 abcdef"),
        ("FLOWER_URL_PREFIX", "flower/../x"),
        ("FLOWER_URL_PREFIX", "https://example.com/flower"),
        ("OPENAI_SERVICE_TIER", "cheap"),
        ("METRICS_TOKEN", "0123456789abcde"),
        ("METRICS_TOKEN", "sixteen characters"),
        ("WEBHOOK_SECRET", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaQ="),  # 23 bytes after decoding
        ("WEBHOOK_SECRET", f"whsec_{'MfKQ9r8G' * 10}MfKQ9r8="),  # 65 bytes after decoding
        ("WEBHOOK_SECRET", "whsec_not base64, but long enough to be it"),
        ("ALERT_WEBHOOK_URL", "https:///in"),
        ("BUDGET_DAILY_USD", "-0.01"),
        ("BUDGET_KEY_DAILY_USD", "nan"),
        ("BUDGET_BATCH_USD", "inf"),
        ("REDIS_URL", "http://host:6379"),
        ("PRIVACY_KEY", "too short"),
        ("CHANGES_WEBHOOK_URL", "hooks.example/in"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318"),
        ("FETCH_IGNORE_ROBOTS", "https://county.example"),
        ("FETCH_BROWSER_HOSTS", "county.example/parcels"),
        ("SEARCH_LISTING_HOSTS", "*.homes.example"),
        ("EXPORT_MIN_CONFIDENCE", "1.01"),
        ("EXPORT_MIN_CONFIDENCE", "-0.01"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_an_invalid_value_is_an_error_that_names_the_variable_and_shows_no_secret(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert caught.value.facts["variable"] == variable
    if DECLARED[variable].annotation == SecretStr | None and len(value) > 1:
        assert value not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__, "the chained pydantic error would show the input"


@pytest.mark.parametrize("secret", ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", f"whsec_{'MfKQ9r8G' * 10}MfKQ9g=="])
def test_a_webhook_secret_has_24_to_64_bytes_and_is_never_shown(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    monkeypatch.setenv("WEBHOOK_SECRET", secret)
    settings = load_settings()
    assert settings.jobs.webhook_secret is not None
    assert settings.jobs.webhook_secret.get_secret_value() == secret
    assert "MfKQ" not in repr(settings) + settings.model_dump_json()


def test_blank_values_mean_unset_and_choices_may_be_in_capitals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_SERVICE_TIER", " Priority ")
    for name in ("REDIS_URL", "DATABASE_URL", "OPENAI_MAX_WAIT_SECONDS", "JWT_SECRET", "BUDGET_DAILY_TOKENS", "PORT"):
        monkeypatch.setenv(name, " ")
    settings = load_settings()
    assert (settings.state.redis_url, settings.state.database_url) == (None, None)
    assert (settings.openai.max_wait_seconds, settings.openai.service_tier) == (None, "priority")
    assert (settings.web.jwt_secret, settings.budget.daily_tokens, settings.web.port) == (None, None, 8000)


def test_a_secret_may_come_from_a_file_that_its_variable_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Docker and Kubernetes mount secrets as files. A variable that is not blank takes precedence over its file."""
    (tmp_path / "secret").write_text("0123456789abcdef0123456789abcdef\n")
    (tmp_path / "env").write_text(f"METRICS_TOKEN_FILE={tmp_path / 'secret'}\nPORT=\n")
    monkeypatch.setenv("PROPINTEL_ENV_FILE", str(tmp_path / "env"))
    monkeypatch.setenv("JWT_SECRET_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv("JWT_SECRET", " ")
    monkeypatch.setenv("REDIS_URL_FILE", str(tmp_path / "not there"))
    monkeypatch.setenv("REDIS_URL", "redis://host/1")
    settings = load_settings()
    for read in (settings.web.jwt_secret, settings.web.metrics_token):
        assert read is not None
        assert read.get_secret_value() == "0123456789abcdef0123456789abcdef"
    assert settings.state.redis_url is not None
    assert settings.state.redis_url.get_secret_value() == "redis://host/1"
    assert "0123456789abcdef" not in repr(settings) + redact("token 0123456789abcdef0123456789abcdef")


def test_every_single_secret_can_come_from_a_file() -> None:
    secret = {name for name, field in DECLARED.items() if "SecretStr" in str(field.annotation)}
    assert secret - set(SECRETS_IN_FILES) == {"OPENAI_API_KEYS", "OPENAI_NUMBERED_KEYS", "SOURCE_SECRETS"}
    assert "JWT_SECRET" in SECRETS_IN_FILES


@pytest.mark.parametrize(("content", "problem"), [(None, "No such file"), (b" \n", "is empty"), (b"\xff", "not text")])
def test_a_file_without_a_secret_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, problem: str
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("DATABASE_URL_FILE", str(file))
    with pytest.raises(ConfigurationError, match=problem) as caught:
        load_settings()
    assert caught.value.facts["variable"] == "DATABASE_URL_FILE"
    monkeypatch.delenv("DATABASE_URL_FILE")
    file.write_text("hunter2")
    monkeypatch.setenv("JWT_SECRET_FILE", str(file))
    with pytest.raises(ConfigurationError, match=r"^JWT_SECRET: ") as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)


def test_flower_takes_several_users_and_a_prefix_with_slashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWER_BASIC_AUTH", "ada:0123456789abcdef, bob:with:colons:and:16")
    monkeypatch.setenv("FLOWER_URL_PREFIX", "/tools/flower/")
    settings = load_settings()
    assert settings.flower.url_prefix == "tools/flower"
    assert settings.flower.basic_auth is not None
    logins = flower_logins(settings.flower.basic_auth.get_secret_value())
    assert logins == ["ada:0123456789abcdef", "bob:with:colons:and:16"]
    assert "0123456789abcdef" not in repr(settings) + settings.model_dump_json()


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The path in PROPINTEL_ENV_FILE may begin with `~`."""
    (tmp_path / "env").write_text("PORT=1234\nOPENAI_MODEL=from-file\nOPENAI_API_KEY_1=sk-file-one\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PROPINTEL_ENV_FILE", "~/env")
    monkeypatch.setenv("OPENAI_MODEL", "from-env")
    monkeypatch.setenv("FETCH_ALLOWED_PRIVATE_NETWORKS", "127.0.0.0/8, ::1/128")
    settings = load_settings()
    assert (settings.web.port, settings.openai.model) == (1234, "from-env")
    assert [k.get_secret_value() for k in settings.openai.numbered_keys] == ["sk-file-one"]
    expected = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
    assert settings.fetch.allowed_private_networks == expected


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing", "missing cannot be read (No such file or directory)"),
        ("folder", "folder cannot be read (Is a directory)"),
        ("latin", "latin is not UTF-8 text"),
        ("pipe", "pipe is a pipe, but an env file is read several times"),
    ],
)
@pytest.mark.parametrize("load", [load_settings, load_log_settings])
def test_a_named_env_file_that_cannot_be_read_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, load: Callable[[], object], name: str, message: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "latin").write_bytes(b"OPENAI_MODEL=na\xefve\n")
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setenv("PROPINTEL_ENV_FILE", str(tmp_path / name))
    with pytest.raises(ConfigurationError) as caught:
        load()
    assert str(caught.value).startswith(f"PROPINTEL_ENV_FILE: {tmp_path}/{message}.")
    assert "set PROPINTEL_ENV_FILE to nothing" in str(caught.value)


def test_the_default_env_file_may_be_absent_but_must_be_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PROPINTEL_ENV_FILE")
    monkeypatch.chdir(tmp_path)
    assert (env_file_in_use(), load_settings().web.port) == (None, 8000)
    (tmp_path / ".env").write_text("PORT=1234\n")
    assert (env_file_in_use(), load_settings().web.port) == (tmp_path / ".env", 1234)
    (tmp_path / ".env").unlink()
    (tmp_path / ".env").mkdir()
    with pytest.raises(ConfigurationError, match=r"\.env cannot be read \(Is a directory\)"):
        load_settings()


@pytest.mark.parametrize("nothing", ["", " ", os.devnull])
def test_no_env_file_is_read_if_none_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, nothing: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("PORT=1234\n")
    monkeypatch.setenv("PROPINTEL_ENV_FILE", nothing)
    assert (env_file_in_use(), load_settings().web.port) == (None, 8000)


def test_only_app_settings_reads_the_environment() -> None:
    readers = {
        path.relative_to(_ROOT).as_posix()
        for room in ("app", "tasks", "web")
        for path in (_ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    }
    assert readers == {"app/settings/__init__.py", "app/settings/sources.py"}


def test_the_example_file_names_every_variable() -> None:
    named = set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", (_ROOT / ".env.example").read_text(), re.M))
    assert named >= _VARIABLES
    assert named - _VARIABLES <= {"OPENAI_API_KEY_1", "OPENAI_API_KEY_2", "PROPINTEL_ENV_FILE"}


def test_every_variable_but_port_has_a_prefix_that_the_cleanup_removes() -> None:
    assert {name for name in _VARIABLES if not name.startswith(VARIABLE_PREFIXES)} == {"PORT"}
    assert all(prefix.endswith("_") and len(prefix) > 2 for prefix in VARIABLE_PREFIXES)


def test_a_cleaned_environment_has_no_variable_of_the_caller() -> None:
    given = dict.fromkeys((*_VARIABLES, "OPENAI_ORG_ID", "openai_api_key_1", "CELERY_BROKER_URL", "PATH", "HOME"), "x")
    assert set(clean_environment(given, keep_openai=False)) == {"PORT", "PATH", "HOME"}


def test_the_example_file_holds_no_key_and_can_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROPINTEL_ENV_FILE", str(_ROOT / ".env.example"))
    settings = load_settings()
    assert settings == Settings.of()


@pytest.mark.parametrize(
    "name", ["REDIS_URL", "DATABASE_URL", "OPENAI_PROXY", "JWT_JWKS_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"]
)
@pytest.mark.parametrize("breaking", ["/", "#", "?", "@", "@host/x/"])
def test_an_unencoded_password_in_a_url_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, breaking: str
) -> None:
    """If such a URL were accepted, a part of the password would be read as a port or path and shown in errors."""
    scheme = {"REDIS_URL": "rediss", "DATABASE_URL": "postgresql+psycopg"}.get(name, "https")
    monkeypatch.setenv(name, f"{scheme}://me:Secr3tPart1{breaking}Passw0rdPart2@host/0")
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert name in str(caught.value)
    assert "percent-encoded" in str(caught.value)
    assert not {"Secr3tPart1", "Passw0rdPart2"} & set(re.findall(r"\w+", str(caught.value)))


@pytest.mark.parametrize("name", ["ALERT_WEBHOOK_URL", "CHANGES_WEBHOOK_URL"])
def test_a_webhook_url_whose_password_looks_like_a_port_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "https://me:Secr3t/Passw0rd@host/0")
    with pytest.raises(ConfigurationError, match=name) as caught:
        load_settings()
    assert "Secr3t" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "url", "remedy"),
    [
        ("REDIS_URL", "redis://host:6379/0?password=Secr3t", "redis://user:password@host"),
        ("REDIS_URL", "unix:///run/r.sock?db=1&Password=Secr3t", "unix://user:password@/path/to/socket"),
        ("DATABASE_URL", "postgresql://me@host/name?p%61ssword=Secr3t", "postgresql://user:password@host"),
        ("OPENAI_PROXY", "http://proxy:3128?pwd=Secr3t", "http://user:password@host"),
    ],
)
def test_a_password_in_a_query_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, url: str, remedy: str
) -> None:
    monkeypatch.setenv(name, url)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert str(caught.value).startswith(f"{name}: has its password in the query")
    assert remedy in str(caught.value)
    assert "Secr3t" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("ALERT_WEBHOOK_URL", "https://hooks.example/in?token=a&password=b"),
        ("OPENAI_PROXY", "http://me:a%2Fb@proxy:3128"),
        ("REDIS_URL", "unix://:secret@/run/a.sock?db=1"),
        ("REDIS_URL", "rediss://:a%2Fb%40c@host:6379/0?ssl_cert_reqs=none"),
        ("REDIS_URL", "unix:///run/a@b.sock?db=1"),
        ("DATABASE_URL", "postgresql://me@/name?host=/run/postgresql"),
        ("DATABASE_URL", "sqlite:////var/a@b#c.sqlite3"),
    ],
)
def test_a_valid_url_is_accepted(monkeypatch: pytest.MonkeyPatch, name: str, url: str) -> None:
    monkeypatch.setenv(name, url)
    area, field = VARIABLES[name]
    assert getattr(getattr(load_settings(), area), field).get_secret_value() == url


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("redis://host:6379/0?ssl_cert_reqs=required", "has ssl_cert_reqs, which need TLS; write rediss://"),
        ("rediss://host:6379/0?ssl_cert_reqs=CERT_REQUIRED", "ssl_cert_reqs=CERT_REQUIRED; use required"),
        ("rediss://host:6379/0?ssl_ca_certs=/no/ca.pem", "names /no/ca.pem as ssl_ca_certs, which this process"),
        ("rediss://host:6379/0?ssl_certfile=/no/c.pem", "names /no/c.pem as ssl_certfile, which this process"),
        ("rediss://host:6379/0?ssl_keyfile=/no/c.key", "names /no/c.key as ssl_keyfile, which this process"),
    ],
)
def test_a_redis_url_whose_tls_cannot_work_is_refused_by_name(
    url: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without this check, the Redis and Celery clients would hang, or report an error without the certificate file's
    name.
    """
    monkeypatch.setenv("REDIS_URL", url)
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        load_settings()
