"""A worker's start: its resources per pool, beat's schedule, and the heartbeat file."""

import logging
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from celery.concurrency.prefork import TaskPool
from celery.signals import import_modules, setup_logging

from app.services.runtime.heartbeats import WorkerHeartbeat, heartbeat_file, read_heartbeats
from app.settings import Settings
from tasks._celery.config import INTERVAL_HEADER
from worker import config_reload, signals
from worker.beat_schedule import beat_config
from worker.heartbeat import Heartbeat
from worker.signals import children_run_tasks


@pytest.mark.parametrize(
    ("pool", "forks"), [("prefork", True), ("processes", True), ("threads", False), ("solo", False), (TaskPool, True)]
)
def test_only_a_forking_pool_opens_in_its_children(pool: object, forks: bool) -> None:
    """Only prefork runs tasks in forked children, but Celery sends `worker_process_init` in the solo pool too."""
    assert children_run_tasks(pool) is forks


def test_beat_sends_reports_at_the_configured_interval() -> None:
    schedule = beat_config(Settings.of(key_report_interval_seconds=7))["beat_schedule"]
    assert schedule["report-key-stats"]["schedule"] == 7
    assert schedule["recover-jobs"]["schedule"] <= 5
    assert schedule["complete-batches"]["schedule"] <= 5
    assert all(entry["options"]["headers"] == {INTERVAL_HEADER: entry["schedule"]} for entry in schedule.values())


def test_a_near_miss_of_a_setting_s_name_is_logged_once_in_a_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Celery sets up logging several times in a worker."""
    monkeypatch.setattr(config_reload, "_loaded", None)
    monkeypatch.setenv("PROPINTEL_HOME", str(tmp_path))
    monkeypatch.setenv("OPENAI_APIKEYS", "hunter2")
    signals._log_near_misses_once.cache_clear()
    signals.connect()
    setup_logging.send(sender=None, loglevel=logging.INFO)
    import_modules.send(sender=None)
    output = capsys.readouterr().err
    assert output.count("OPENAI_APIKEYS is not a setting; did you mean OPENAI_API_KEYS?") == 1
    assert "hunter2" not in output


def test_log_level_overrides_the_command_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(config_reload, "_loaded", None)
    monkeypatch.setenv("PROPINTEL_HOME", str(tmp_path))
    monkeypatch.setenv("LOG_LEVEL", "warning")
    signals.connect()
    setup_logging.send(sender=None, loglevel=logging.INFO)
    assert logging.getLogger().level == logging.WARNING


def test_the_heartbeat_file_names_the_node_and_the_time(tmp_path: Path) -> None:
    """The file can be read while the heartbeat runs, and is removed when the heartbeat ends."""
    heart = Heartbeat(heartbeat_file(tmp_path, "celery@here"), "celery@here", interval_seconds=60)
    heart.start()
    (beat,) = read_heartbeats(tmp_path)
    assert beat.node == "celery@here"
    assert beat.is_fresh(datetime.now(UTC))
    heart.stop()
    assert read_heartbeats(tmp_path) == []


def test_an_old_heartbeat_is_not_fresh() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    beat = WorkerHeartbeat("celery@here", 1, at)
    assert beat.is_fresh(at + timedelta(seconds=19))
    assert not beat.is_fresh(at + timedelta(seconds=20))


def test_an_invalid_heartbeat_file_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "heartbeats").mkdir()
    (tmp_path / "heartbeats" / "broken.json").write_text("{")
    assert read_heartbeats(tmp_path) == []


def test_a_parent_that_waits_forever_for_a_canceled_child_exits(tmp_path: Path) -> None:
    """Celery's main thread may wait forever for the rest of a message from a killed child."""
    program = """
import os
from celery.signals import worker_ready
from celery.worker import state
from worker import signals
signals._CANCELED_SECONDS = 0.1
signals.connect()
worker_ready.send(sender=None)
state.should_terminate = True
os.read(os.pipe()[0], 1)
"""
    env = {**os.environ, "PROPINTEL_HOME": str(tmp_path)}
    command = [sys.executable, "-c", program]
    stuck = subprocess.run(command, check=False, env=env, capture_output=True, text=True, timeout=300)
    assert stuck.returncode == 1, stuck.stderr
    assert "did not end within 0.1 s after its tasks were canceled" in stuck.stderr
