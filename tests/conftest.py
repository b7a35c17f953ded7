"""What every test gets: an environment without our variables, and the place of the real pages."""

from __future__ import annotations

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
    "tests.plugins.forward_proxy",
    "tests.plugins.hanging_server",
    "tests.plugins.lossy_server",
    "tests.plugins.otlp_receiver",
    "tests.plugins.pooled_sdk",
    "tests.plugins.postgresql_server",
    "tests.plugins.redis_fixtures",
    "tests.plugins.standin_fixtures",
    "tests.plugins.webhook_receiver",
    "tests.plugins.address_world",
]

#: read once, before the environment is cleared for the tests
_SHARED_DIR = Path(os.environ.get("SHARED_DIR", Path(__file__).parents[2] / "shared"))


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the developer's keys, databases or .env."""
    for name in list(os.environ):
        if name.upper().startswith(VARIABLE_PREFIXES):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PROPINTEL_ENV_FILE", "")


@pytest.fixture(autouse=True)
def _process_as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What `configure_logging` changes in a process, and which secrets it knows, ends with the test."""
    monkeypatch.setattr(redaction, "_protected", redaction.Protected())
    for owner, name in ((sys, "excepthook"), (sys, "unraisablehook"), (sys, "stderr"), (threading, "excepthook")):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    root, factory = logging.getLogger(), logging.getLogRecordFactory()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    logging.setLogRecordFactory(factory)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Where the real pages and their labels are; the test skips on a machine without them."""
    if not (_SHARED_DIR / "pages" / "truth.jsonl").is_file():
        pytest.skip(f"no real pages at {_SHARED_DIR}: set SHARED_DIR to the folder that holds pages/truth.jsonl")
    return _SHARED_DIR


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where everything is installed (.ci/run), a skip is a failure: it means that something was not tested."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or os.environ.get("PROPINTEL_SKIPS_ARE_FAILURES") != "1":
        return
    skipped = reporter.stats.get("skipped", [])
    if skipped and session.exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"{len(skipped)} skipped, and PROPINTEL_SKIPS_ARE_FAILURES is set", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
