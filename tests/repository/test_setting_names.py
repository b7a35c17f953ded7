"""A variable whose name almost matches a setting is reported, but not if another program uses the variable."""

import importlib
import logging
import re
from pathlib import Path

import pytest
from flower.options import default_options

from app.settings import VARIABLES
from app.settings.names import NearMiss, log_near_misses, meant_by, near_misses

_ROOT = Path(__file__).parents[2]

#: Variables of other programs: shells, CI, Python, databases, hosting platforms, and clouds.
_FOREIGN = Path(__file__).with_name("foreign_variables.txt").read_text().split()


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("OPENAI_APIKEYS", "OPENAI_API_KEYS"), ("OPENAI_APIKEY", "OPENAI_API_KEY"), ("OPENAI_KEY", "OPENAI_API_KEY"),
        ("OPENAI_KEYS_FILE", "OPENAI_API_KEYS_FILE"), ("OPENAI_API_KEY1", "OPENAI_API_KEY_1"),
        ("OPENAI_API_KEYS_12", "OPENAI_API_KEY_12"), ("OPENAI_TIMEOUT", "OPENAI_TIMEOUT_SECONDS"),
        ("OPENAI_BASEURL", "OPENAI_BASE_URL"), ("DATABSE_URL", "DATABASE_URL"), ("REDIS_URI", "REDIS_URL"),
        ("JWT_SECRETS", "JWT_SECRET"), ("JWT_SECRETFILE", "JWT_SECRET_FILE"), ("LOG_LEVL", "LOG_LEVEL"),
        ("PROPINTEL_ENVFILE", "PROPINTEL_ENV_FILE"), ("FLOWER_BASICAUTH", "FLOWER_BASIC_AUTH"),
        ("OTEL_EXPORTER_OTLP_ENPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
    ],
)  # fmt: skip
def test_a_near_miss_names_the_intended_setting(given: str, meant: str) -> None:
    assert meant_by(given) == meant


#: These settings are not recognized when they are written without underscores. PORT has no underscore, and many other
#: programs use LOGLEVEL.
_WITHOUT_NEAR_MISS = {"OPENAI_NUMBERED_KEYS", "PORT", "LOG_LEVEL"}


def test_every_setting_is_recognized_without_its_underscores() -> None:
    names = set(VARIABLES) - _WITHOUT_NEAR_MISS
    assert {name for name in names if meant_by(name.replace("_", "")) != name} == set()


def test_variables_of_other_programs_are_ignored() -> None:
    assert {name: meant_by(name) for name in _FOREIGN if meant_by(name)} == {}


def test_flower_s_and_opentelemetry_s_own_variables_are_ignored() -> None:
    flower = {f"FLOWER_{option.upper().replace('-', '_')}" for option in default_options}
    modules = ("opentelemetry.environment_variables", "opentelemetry.sdk.environment_variables")
    otel = {name for module in modules for name in vars(importlib.import_module(module)) if name.startswith("OTEL_")}
    assert len(flower) > 20
    assert len(otel) > 40
    assert {name: meant_by(name) for name in flower | otel if meant_by(name)} == {}


def test_the_variables_that_this_repository_uses_are_ignored() -> None:
    files = ["docker-compose.yml", "Procfile", "Dockerfile", ".ci/run", "deploy/compose.production.yml", "Makefile"]
    used = {name for file in files for name in re.findall(r"\b[A-Z][A-Z0-9_]{3,}\b", (_ROOT / file).read_text())}
    assert "PROPINTEL_SECRETS" in used
    assert {name: meant_by(name) for name in used if meant_by(name)} == {}


def test_names_match_in_any_case_and_blank_values_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("openai_api_keys", "sk-proj-0123456789abcdefghij")
    monkeypatch.setenv("OPENAI_APIKEY", " ")
    assert near_misses() == []
    monkeypatch.setenv("openai_apikey", "x")
    assert near_misses() == [NearMiss("OPENAI_APIKEY", "OPENAI_API_KEY")]


def test_each_near_miss_is_logged_with_its_source_and_without_its_value(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "env"
    file.write_text("JWTSECRET=hunter2-in-a-file\nOPENAI_APIKEYS=hunter2-in-a-file\n")
    monkeypatch.setenv("PROPINTEL_ENV_FILE", str(file))
    monkeypatch.setenv("OPENAI_APIKEYS", "hunter2")
    log_near_misses()
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.WARNING, "OPENAI_APIKEYS is not a setting; did you mean OPENAI_API_KEYS?"),
        (logging.WARNING, f"JWTSECRET in {file} is not a setting; did you mean JWT_SECRET?"),
    ]
