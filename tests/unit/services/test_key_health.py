"""The fleet's key statistics: sums of what the processes publish."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.services.key_health import export_report, log_report, merge_stats

NOW = 1_000_000.0


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


def entry(age: float, **keys: dict[str, Any]) -> dict[str, Any]:
    return {"at": NOW - age, "stats": stats(**keys)}


def test_counts_are_added_and_the_latest_use_wins() -> None:
    merged = merge_stats(
        stats(a=figures(), b=figures()),
        [
            entry(5, a=figures(3, 1, last_used="2026-01-01T00:00:09"), b=figures()),
            entry(1, a=figures(4, 0, last_used="2026-01-01T00:00:05")),
        ],
        NOW,
    )
    a = merged["keys"]["a"]
    assert (a["requests"], a["successes"], a["failures"], a["last_used"]) == (7, 6, 1, "2026-01-01T00:00:09")
    assert merged["keys"]["b"]["last_used"] is None
    assert merged["scope"] == "fleet"


def test_a_dead_key_is_not_revived_by_a_process_that_never_used_it() -> None:
    merged = merge_stats(
        stats(a=figures(), b=figures()), [entry(9, a=figures(1, 1, "dead")), entry(1, a=figures())], NOW
    )
    assert (merged["keys"]["a"]["state"], merged["healthy_keys"]) == ("dead", 1)


def test_the_state_is_what_was_said_last() -> None:
    entries = [entry(1, a=figures(2, 0, "closed")), entry(9, a=figures(3, 3, "open"))]
    assert merge_stats(stats(a=figures()), entries, NOW)["keys"]["a"]["state"] == "closed"


def test_a_cooldown_published_a_minute_ago_is_over() -> None:
    fresh = merge_stats(stats(a=figures()), [entry(59, a=figures(1, 1, "cooling"))], NOW)["keys"]["a"]
    stale = merge_stats(stats(a=figures()), [entry(61, a=figures(1, 1, "cooling"))], NOW)["keys"]["a"]
    assert (fresh["rate_limited"], fresh["state"]) == (True, "cooling")
    assert (stale["rate_limited"], stale["state"]) == (False, "closed")


def test_removed_keys_and_processes_gone_for_a_day_are_left_out() -> None:
    entries = [entry(1, old=figures(9)), entry(86_401, a=figures(5))]
    assert merge_stats(stats(a=figures()), entries, NOW)["keys"] == {"a": figures()}


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
