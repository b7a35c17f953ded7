"""The checks of `propintel doctor` for Redis, beat, workers, keys, settings, and the folder PROPINTEL_HOME."""

import json
import os
import signal
from collections.abc import Callable, Collection, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from app.clock import ManualClock, SystemClock
from app.redis.embedded_valkey import EmbeddedValkey, connect
from app.services.reports.doctor.fleet import CeleryFacts, check_beat, check_keys, check_redis, check_workers
from app.services.reports.doctor.machine import check_home, check_settings
from app.services.runtime.heartbeats import heartbeat_file
from app.settings import Settings, load_settings
from app.settings.sources import env_file_in_use

KEY = "sk-proj-0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def settings(valkey: EmbeddedValkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("PROPINTEL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("REDIS_URL", valkey.url)
    monkeypatch.setenv("OPENAI_API_KEYS", KEY)
    return load_settings()


@pytest.fixture
def connection(settings: Settings) -> Iterator[redis.Redis]:
    with connect(settings) as connection:
        connection.flushall()
        yield connection


def celery_facts(nodes: dict[str, Collection[str]] | None = None) -> CeleryFacts:
    return CeleryFacts(lambda: nodes or {}, "scrape", "maintenance", "p:", "p::lock", "p::schedule")


def test_a_server_that_may_lose_data_is_reported(settings: Settings, connection: redis.Redis) -> None:
    def check() -> Any:
        return check_redis(settings)

    assert (check().state, check().remedy) == ("ok", None), check().detail
    assert check().detail.startswith("Valkey ")
    for command, undo, state, expected in (
        ("CONFIG SET maxmemory-policy allkeys-lru", "CONFIG SET maxmemory-policy noeviction", "warning", "allkeys-lru"),
        ("CONFIG SET maxmemory 100000", "CONFIG SET maxmemory 0", "warning", "of its maxmemory are used"),
        ("CONFIG SET appendonly no", "CONFIG SET appendonly yes", "warning", "appendonly is off"),
        ("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE", "failed", "replica"),
    ):
        connection.execute_command(*command.split())
        verdict = check()
        connection.execute_command(*undo.split())
        assert verdict.state == state, verdict.detail
        assert expected in verdict.detail
        assert verdict.remedy


def test_a_beat_that_sends_nothing_is_reported(settings: Settings, connection: redis.Redis) -> None:
    """Holding the lock does not prove that beat works. Beat must also have sent the due tasks."""

    def check() -> Any:
        return check_beat(settings, celery_facts(), SystemClock())

    assert (check().state, "no beat runs" in check().detail, "propintel up" in check().remedy) == ("failed", True, True)
    connection.set("p::lock", "token")
    assert check().detail == "beat holds its lock but has no schedule"
    for late_seconds, state in ((-5, "ok"), (29, "ok"), (60, "warning")):
        now = SystemClock().now().timestamp()
        connection.zadd("p::schedule", {"p:recover-jobs": now - late_seconds, "p:report-key-stats": now + 60})
        assert check().state == state, check().detail
        assert ("recover-jobs has been due for" in check().detail) == (state == "warning")


@pytest.mark.parametrize(
    ("nodes", "state", "expected"),
    [
        ({}, "failed", "no worker runs"),
        ({"celery@a": ["scrape", "maintenance"]}, "ok", "1 answer (celery@a)"),
        ({"maintenance@a": ["maintenance"]}, "failed", "no worker runs jobs"),
        ({"celery@a": ["scrape"]}, "failed", "no worker runs reports and recovery"),
        ({"celery@a": ["scrape", "maintenance"], "celery@b": ["scrape"]}, "failed", "2 machines, but SQLite"),
        ({f"w{n}@a": ["scrape", "maintenance"] for n in range(5)}, "warning", "workers wait for each other on SQLite"),
    ],
)
def test_missing_or_too_many_workers_are_reported(
    settings: Settings, nodes: dict[str, Collection[str]], state: str, expected: str
) -> None:
    verdict = check_workers(settings, celery_facts(nodes), SystemClock())
    assert verdict.state == state, verdict.detail
    assert expected in verdict.detail


@pytest.mark.parametrize(
    ("age_seconds", "answers", "state", "expected"),
    [
        (1, True, "ok", "1 answer"),
        (60, True, "ok", "1 answer"),
        (1, False, "warning", "alive here but does not answer"),
        (60, False, "warning", "was killed, or hangs"),
    ],
)
def test_heartbeats_are_compared_with_the_workers_that_answer(
    settings: Settings, age_seconds: int, answers: bool, state: str, expected: str
) -> None:
    """If a worker answers, its stale heartbeat file is accepted, because the worker's disk may have been full."""
    clock, node = ManualClock(), "celery@here"
    file = heartbeat_file(settings.state.propintel_home, node)
    file.parent.mkdir(parents=True)
    at = clock.now() - timedelta(seconds=age_seconds)
    file.write_text(json.dumps({"at": at.isoformat(), "node": node, "pid": 4711}))
    others: dict[str, Collection[str]] = {"celery@there": ["scrape", "maintenance"]}
    nodes = {node: ["scrape", "maintenance"]} if answers else others
    verdict = check_workers(settings, celery_facts(nodes), clock)
    assert verdict.state == state, verdict.detail
    assert expected in verdict.detail


def test_keys_are_counted_from_the_shared_store(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = check_keys(settings)
    assert (verdict.state, verdict.detail) == ("ok", "1 of 1 healthy, round_robin")
    monkeypatch.delenv("OPENAI_API_KEYS")
    assert check_keys(load_settings()).state == "warning"


def test_checks_are_skipped_while_the_server_hangs(settings: Settings, valkey: EmbeddedValkey) -> None:
    """Only the Redis check reports the hanging server."""
    assert valkey.pid is not None
    os.kill(valkey.pid, signal.SIGSTOP)
    try:
        assert check_keys(settings).state == "skipped"
        assert check_workers(settings, celery_facts(), SystemClock()).state == "skipped"
        assert check_beat(settings, celery_facts(), SystemClock()).state == "skipped"
    finally:
        os.kill(valkey.pid, signal.SIGCONT)


@pytest.fixture
def secret_file(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Return a function that creates the file to which a setting points.

    An .env file is created empty. Other files contain a secret.
    """

    def make(variable: str) -> Path:
        file = tmp_path / "secret"
        file.write_text("" if variable == "PROPINTEL_ENV_FILE" else f"{KEY}\n")
        monkeypatch.setenv(variable, str(file))
        return file

    return make


@pytest.mark.parametrize("variable", ["PROPINTEL_ENV_FILE", "OPENAI_API_KEYS_FILE", "JWT_SECRET_FILE"])
def test_a_file_with_secrets_that_others_may_read_is_a_warning(
    secret_file: Callable[[str], Path], variable: str
) -> None:
    file = secret_file(variable)
    for mode, state in ((0o600, "ok"), (0o400, "ok"), (0o640, "warning"), (0o644, "warning")):
        file.chmod(mode)
        verdict = check_settings(load_settings(), env_file_in_use())
        assert verdict.state == state
        assert "keys from OPENAI_API_KEYS" in verdict.detail
        assert (f"Run `chmod 600 {file}`" in str(verdict.remedy)) == (state == "warning")


def test_another_users_file_may_be_shared_with_a_group(
    secret_file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """root may share a file with a service's group, and `chmod 600` would lock the service out."""
    file = secret_file("PROPINTEL_ENV_FILE")
    monkeypatch.setattr(os, "geteuid", lambda: file.stat().st_uid + 1)
    for mode, state in ((0o640, "ok"), (0o644, "warning")):
        file.chmod(mode)
        verdict = check_settings(load_settings(), env_file_in_use())
        assert (verdict.state, "chmod" in str(verdict.remedy)) == (state, False)


def test_a_missing_secrets_file_of_sources_is_no_finding_of_settings(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SOURCE_SECRETS_FILE is read only when needed. The check of the sources reports a missing file."""
    monkeypatch.setenv("SOURCE_SECRETS_FILE", str(tmp_path / "later"))
    assert check_settings(load_settings(), None).state == "ok"


def test_a_misspelled_setting_is_a_warning(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_APIKEYS", "hunter2")
    verdict = check_settings(settings, None)
    assert verdict.state == "warning"
    assert "OPENAI_APIKEYS is not a setting; did you mean OPENAI_API_KEYS?" in verdict.detail
    assert verdict.remedy == "Rename OPENAI_APIKEYS to OPENAI_API_KEYS."
    assert "hunter2" not in verdict.detail


@pytest.mark.parametrize(
    ("model", "tier", "prices", "state"),
    [
        ("gpt-5-mini", "flex", "", "ok"),
        ("gpt-4.1-mini", "flex", "", "warning"),
        ("gpt-4.1-mini", "default", "", "ok"),
        ("gpt-4.1-mini", "flex", "gpt-4.1-mini=1/2", "ok"),
        ("of-our-own", "flex", "", "ok"),
    ],
)
def test_flex_for_a_model_without_flex_is_a_warning(
    settings: Settings, model: str, tier: str, prices: str, state: str
) -> None:
    given = {"openai_model": model, "openai_service_tier": tier, "openai_prices": prices}
    verdict = check_settings(settings.replaced(**given), None)
    assert verdict.state == state
    assert ("OPENAI_MODEL" in str(verdict.remedy)) == (state == "warning")


def test_a_home_that_cannot_be_written_to_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def home(path: Path) -> Settings:
        monkeypatch.setenv("PROPINTEL_HOME", str(path))
        return load_settings()

    (tmp_path / "file").write_text("")
    verdict = check_home(home(tmp_path / "file"))
    assert verdict.state == "failed"
    assert str(tmp_path / "file") in verdict.detail
    assert "PROPINTEL_HOME" in str(verdict.remedy)
    assert "created at first use" in check_home(home(tmp_path / "a" / "b")).detail
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]
