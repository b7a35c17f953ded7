"""The metrics endpoint works while a source is slow or broken, and while many scrapers read it at once."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
import redis
from prometheus_client.parser import text_string_to_metric_families

from app.errors import ConfigurationError
from app.errors.broker import BrokerUnavailableError
from app.errors.storage import DatabaseUnavailableError
from app.property.storage.jobs.figures import JobFigures
from app.services.keys.view import KeyReport
from app.services.reports.metrics import exposition
from app.services.reports.metrics.exposition import Exposition
from app.services.reports.metrics.samples import HealthFigures
from tests.plugins.waiting import wait_until

pytestmark = pytest.mark.usefixtures("patient")
COUNTS = {"queued": 1, "running": 0, "deferred": 0, "done": 0, "failed": 0, "cancelled": 0}


def _no_redis() -> Any:
    raise redis.ConnectionError("nobody there")


def _no_broker() -> Mapping[str, int]:
    raise BrokerUnavailableError("redis://x", "nobody there")


def _no_database() -> JobFigures:
    raise DatabaseUnavailableError("postgresql://x", "nobody there")


def _no_keys() -> Any:
    raise ConfigurationError("OPENAI_API_KEYS", "two words", "separate keys by commas")


def _jobs() -> JobFigures:
    return JobFigures(COUNTS, 4.0)


def _exposition(**changes: Callable[[], Any]) -> Exposition:
    away: dict[str, Callable[[], Any]] = {
        "masks": lambda: {"id-a": "sk-a...1"},
        "totals": _no_redis,
        "keys": _no_redis,
        "jobs": _jobs,
        "messages": _no_broker,
        "health": lambda: HealthFigures({}, []),
        "reported": lambda: None,
    }
    return Exposition(**{**away, **changes})


def _samples(of: Exposition) -> dict[str, dict[tuple[str, ...], float]]:
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(of.render("")[0].decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


@pytest.fixture
def _impatient(patient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exposition, "SOURCE_SECONDS", 0.2)
    monkeypatch.setattr(exposition, "_KEPT_SECONDS", 0.0)
    monkeypatch.setattr(exposition, "_GRACE_SECONDS", 0.0)
    monkeypatch.setattr(exposition, "_DATABASE_KEPT_SECONDS", 0.0)


def test_each_unreachable_source_is_named_and_the_others_answer() -> None:
    """Redis counts as up only if totals, keys, and the newest key report can all be read."""
    up = "propintel_scrape_source_up"
    samples = _samples(_exposition())
    assert samples[up] == {("redis",): 0, ("database",): 1, ("broker",): 0}
    assert samples["propintel_jobs"][("queued",)] == 1
    assert "propintel_queue_messages" not in samples
    samples = _samples(_exposition(jobs=_no_database, messages=lambda: {"scrape": 3}, totals=dict))
    assert samples[up] == {("redis",): 0, ("database",): 0, ("broker",): 1}
    assert samples["propintel_queue_messages"] == {("scrape",): 3}
    assert samples["propintel_batches_completed_total"] == {(): 0}
    samples = _samples(_exposition(masks=_no_keys, totals=dict, reported=_no_redis))
    assert samples[up][("redis",)] == 0, "the key report's failure is not shown as Redis's"
    assert "propintel_key_report_timestamp_seconds" not in samples


def test_invalid_keys_do_not_mark_redis_as_down() -> None:
    """If invalid keys marked Redis as down, a critical alert would name the wrong cause."""
    reported = datetime(2026, 1, 1, tzinfo=UTC)
    samples = _samples(_exposition(masks=_no_keys, keys=_no_keys, totals=dict, reported=lambda: reported))
    assert samples["propintel_scrape_source_up"][("redis",)] == 1
    assert "propintel_openai_pool_shared" not in samples
    assert samples["propintel_key_report_timestamp_seconds"] == {(): 1767225600.0}


@pytest.mark.usefixtures("_impatient")
def test_a_hanging_source_is_omitted_and_asked_once_for_all_scrapes() -> None:
    going = threading.Event()
    asked = 0

    def hangs() -> KeyReport:
        nonlocal asked
        asked += 1
        going.wait(30)
        raise redis.ConnectionError

    metrics = _exposition(keys=hangs)
    for _ in range(3):
        assert _samples(metrics)["propintel_scrape_source_up"][("redis",)] == 0
    wait_until(lambda: asked, 10)
    assert asked == 1
    going.set()


@pytest.mark.usefixtures("_impatient")
def test_a_slow_database_is_shown_with_its_last_values_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    going = threading.Event()
    going.set()

    def jobs() -> JobFigures:
        going.wait(30)
        return _jobs()

    with monkeypatch.context() as patient:
        patient.setattr(exposition, "SOURCE_SECONDS", 60.0)
        metrics = _exposition(jobs=jobs)
    assert _samples(metrics)["propintel_jobs"][("queued",)] == 1
    metrics._jobs._bounded._seconds = 0.2
    going.clear()
    samples = _samples(metrics)
    assert (samples["propintel_jobs"][("queued",)], samples["propintel_scrape_source_up"][("database",)]) == (1, 1)
    monkeypatch.setattr(exposition, "_DATABASE_STALE_SECONDS", -1.0)
    samples = _samples(metrics)
    assert samples["propintel_scrape_source_up"][("database",)] == 0
    assert "propintel_jobs" not in samples
    going.set()


def test_concurrent_scrapes_cost_one_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exposition, "_KEPT_SECONDS", 600.0)
    asked = 0

    def totals() -> Mapping[str, float]:
        nonlocal asked
        asked += 1
        return {}

    metrics = _exposition(totals=totals)
    with ThreadPoolExecutor(16) as threads:
        scrapes = [threads.submit(metrics.render, "") for _ in range(200)]
        assert len({scrape.result() for scrape in scrapes}) == 1
    assert asked == 1
