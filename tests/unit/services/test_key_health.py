"""The health report of the keys: logged and exported."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.services.key_health import export_report, log_report


def figures(
    requests: int = 0, failures: int = 0, state: str = "closed", last_used: str | None = None
) -> dict[str, Any]:
    return {
        "requests": requests,
        "successes": requests - failures,
        "failures": failures,
        "circuit_open": state in {"open", "dead", "no_quota"},
        "rate_limited": state == "cooling",
        "last_used": last_used,
        "state": state,
    }


def stats(**keys: dict[str, Any]) -> dict[str, Any]:
    return {
        "total_keys": len(keys),
        "healthy_keys": len(keys),
        "rotation_strategy": "random",
        "keys": keys,
        "scope": "process",
    }


def test_the_report_logs_one_summary_and_a_line_per_key_out_of_rotation(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    report = stats(a=figures(5, 3, "open"), b=figures(4))
    log_report({**report, "healthy_keys": 1})
    assert [r.getMessage() for r in caplog.records] == [
        "OpenAI keys: 1 of 2 healthy, 9 requests, 3 failures, strategy random",
        "OpenAI key a is open after 3 failures",
    ]


def test_the_export_is_a_whole_json_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "stats.json"
    export_report(stats(a=figures()), path, datetime(2026, 1, 1, tzinfo=UTC))
    assert json.loads(path.read_text()) == {"reported_at": "2026-01-01T00:00:00+00:00", "data": stats(a=figures())}
    assert [p.name for p in path.parent.iterdir()] == ["stats.json"]


def test_an_export_that_cannot_be_written_is_logged_and_fails_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    export_report(stats(), tmp_path / "file" / "stats.json")
    assert "OPENAI_STATS_FILE" in caplog.text
