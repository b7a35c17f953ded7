"""Fixtures for all tests: an environment without the project's variables, and the folder of the real pages."""

import atexit
import gc
import logging
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import redaction
from app.clock import ManualClock
from app.settings import VARIABLE_PREFIXES

pytest_plugins = [
    "tests.plugins.changing_site",
    "tests.plugins.examples",
    "tests.plugins.forward_proxy",
    "tests.plugins.hanging_server",
    "tests.plugins.hostile_provider",
    "tests.plugins.lossy_server",
    "tests.plugins.lua_rules",
    "tests.plugins.metric_labels",
    "tests.plugins.otlp_receiver",
    "tests.plugins.pooled_sdk",
    "tests.plugins.postgresql_server",
    "tests.plugins.redis_fixtures",
    "tests.plugins.simulator_fixtures",
    "tests.plugins.warm_start",
    "tests.plugins.webhook_receiver",
    "tests.plugins.address_world",
]

# While pytest collects tests, hardly any object is garbage, and searching for garbage takes a third of the time.
gc.disable()

#: Read before `_clean_environment` removes the variable.
_SHARED_DIR = Path(os.environ.get("SHARED_DIR", Path(__file__).parents[2] / "shared"))


#: How long the product waits for an answer from Redis, the database, or another service.
_SHORT_LIMITS = (
    "app.access.page_sessions._TIMEOUT_SECONDS",
    "app.access.rate_limits._TIMEOUT_SECONDS",
    "app.access.signing_keys.FETCH_SECONDS",
    "app.redis.fleet_clock._TIMEOUT_SECONDS",
    "app.services.keys.store._TIMEOUT_SECONDS",
    "app.services.reports.doctor.fleet._ANSWER_SECONDS",
    "app.services.reports.key_report.report._TIMEOUT_SECONDS",
    "app.services.reports.metrics.exposition.SOURCE_SECONDS",
    "tasks._celery.submission._BROKER_SECONDS",
    "web.context._PROBE_SECONDS",
)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the developer's keys, databases, .env, and terminal width from all tests."""
    for name in list(os.environ):
        if name.upper().startswith((*VARIABLE_PREFIXES, "COLUMNS")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PROPINTEL_ENV_FILE", "")


@pytest.fixture(autouse=True)
def _restored_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Restore the process state that `configure_logging` and redaction change."""
    monkeypatch.setattr(redaction, "_protected", redaction.Protected())
    for owner, name in ((sys, "excepthook"), (sys, "unraisablehook"), (sys, "stderr"), (threading, "excepthook")):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    root, factory = logging.getLogger(), logging.getLogRecordFactory()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    logging.setLogRecordFactory(factory)


@pytest.fixture
def patient(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the services on this machine a minute to answer, unless the test has a server that never answers.

    The product waits only for seconds, and a service may take longer while other tests run.
    """
    if "hanging_server" not in request.fixturenames:
        for name in _SHORT_LIMITS:
            monkeypatch.setattr(name, 60.0)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Return the folder of the real pages and their labels, or skip the test if it is missing."""
    if not (_SHARED_DIR / "pages" / "truth.jsonl").is_file():
        pytest.skip(f"no real pages at {_SHARED_DIR}: set SHARED_DIR to the folder that holds pages/truth.jsonl")
    return _SHARED_DIR


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run test files with slow tests first, then test files that start workers.

    xdist gives each process whole files, so a slow file that starts last would delay the end.
    """
    rank: dict[Path, int] = {}
    for item in items:
        timeout = item.get_closest_marker("timeout")
        is_long = timeout is not None and timeout.args[0] > float(item.config.getini("timeout"))
        of_item = 0 if is_long else 1 if item.get_closest_marker("worker") is not None else 2
        rank[item.path] = min(of_item, rank.get(item.path, of_item))
    items.sort(key=lambda item: rank[item.path])


def pytest_collection_finish() -> None:
    """Resume garbage collection, without the modules and tests, which live until the process ends."""
    gc.freeze()
    gc.enable()


def pytest_configure(config: pytest.Config) -> None:
    """Let xdist's processes exit without freeing their memory, which can take 30 s."""
    # coverage needs a normal exit to write its data
    if hasattr(config, "workerinput") and "coverage" not in sys.modules:
        atexit.register(os._exit, 0)  # runs last, because atexit runs handlers in reverse order


def pytest_sessionfinish(session: pytest.Session) -> None:
    """If PROPINTEL_SKIPS_ARE_FAILURES is set, fail a run in which a test was skipped."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or os.environ.get("PROPINTEL_SKIPS_ARE_FAILURES") != "1":
        return
    skipped = reporter.stats.get("skipped", [])
    if skipped and session.exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"{len(skipped)} skipped, and PROPINTEL_SKIPS_ARE_FAILURES is set", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
