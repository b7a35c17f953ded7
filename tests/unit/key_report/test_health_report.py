"""The key report has the right content, log lines, export, and size."""

import json
import logging
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.property.storage.keys.alerts import Alarm, Severity
from app.property.storage.keys.tables import Alert
from app.services.reports.key_report.advice import Advice
from app.services.reports.key_report.report import MOST_ALERTS, export_report, log_report, make_report, shown

AT = datetime(2026, 1, 1, tzinfo=UTC)


def figures(requests: int = 0, failures: int = 0, state: str = "closed", **more: Any) -> dict[str, Any]:
    return {
        "requests": requests,
        "successes": requests - failures,
        "failures": failures,
        "circuit_open": state in {"open", "dead", "no_quota", "disabled"},
        "rate_limited": state == "cooling",
        "last_used": "2026-11-15T10:30:00",
        "state": state,
        "spent_today": {"calls": requests, "tokens": 123_456_789, "usd": 12.345678},
        **more,
    }


def stats(healthy: int | None = None, **keys: dict[str, Any]) -> dict[str, Any]:
    return {
        "total_keys": len(keys),
        "healthy_keys": len(keys) if healthy is None else healthy,
        "rotation_strategy": "random",
        "keys": keys,
        "scope": "fleet",
        "spent_today": {"calls": 0, "tokens": 0, "usd": 0.0},
        "store_losses": 0,
    }


def alert(subject: str) -> Alert:
    message = f"OpenAI key {subject} was refused (401): out of rotation until it is replaced."
    return Alert(
        **asdict(Alarm("key_dead", subject, Severity.WARNING, message, {"key": subject})), id="id", fired_at=AT
    )


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    return [(record.levelno, record.getMessage()) for record in caplog.records]


def test_the_report_logs_one_summary_and_a_line_per_key_out_of_rotation(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    keys = {
        "a": figures(5, 3, "open"),
        "b": figures(4),
        "c": figures(state="cooling", resting_seconds=42),
        "d": figures(state="dead"),
        "e": figures(state="no_quota"),
        "f": figures(1, 4, "half_open"),
        "g": figures(state="draining"),
        "h": figures(state="disabled"),
    }
    log_report(make_report(stats(1, **keys), (), ()))
    assert lines(caplog) == [
        (
            logging.INFO,
            "OpenAI keys: 1 of 8 healthy, 10 requests, 7 failures, strategy random, 1 disabled by an operator",
        ),
        (logging.WARNING, "Circuit breaker opened for OpenAI key a after 3 failures"),
        (logging.WARNING, "Rate limited on OpenAI key c backing off for 42s"),
        (logging.WARNING, "OpenAI key d was refused (401): out of rotation until it is replaced"),
        (logging.WARNING, "OpenAI key e has no quota left: its limit group is out of rotation"),
        (logging.WARNING, "Circuit breaker opened for OpenAI key f after 4 failures"),
        (logging.INFO, "OpenAI key h is disabled by an operator: it gets no request until it is enabled"),
    ]


def test_the_summary_counts_alerts_and_warnings_in_the_advice_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    advice = [Advice("budget_stops", "warning", "A budget stopped 5 requests."), Advice("enough", "info", "Enough.")]
    log_report(make_report(stats(a=figures()), advice, [alert("a")]))
    assert lines(caplog) == [
        (logging.INFO, "OpenAI keys: 1 of 1 healthy, 0 requests, 0 failures, strategy random, 1 alert firing"),
        (logging.WARNING, "Advice: A budget stopped 5 requests."),
    ]


def test_the_specified_fields_stay_at_the_top_level_and_ours_are_added() -> None:
    report = make_report(stats(a=figures()), [Advice("enough", "info", "Enough.", {"keys": 1})], [alert("a")])
    assert {name: report[name] for name in stats()} == stats(a=figures())
    assert report["advice"] == [{"code": "enough", "severity": "info", "sentence": "Enough.", "numbers": {"keys": 1}}]
    assert report["alerts"] == [
        {
            "kind": "key_dead",
            "subject": "a",
            "severity": "warning",
            "message": alert("a").message,
            "fired_at": "2026-01-01T00:00:00+00:00",
        }
    ]
    assert report["alerts_firing"] == 1


def test_the_result_for_300_keys_and_alerts_stays_below_100_kilobytes() -> None:
    masks = [f"sk-svcacct-abc...{n:04d}#{n:08x}" for n in range(300)]
    keys = {mask: figures(10**7, 10**5, "cooling", resting_seconds=12_345) for mask in masks}
    sentence = Advice("saturated", "warning", "x" * 200, {"numbers": "x" * 100})
    report = make_report(stats(0, **keys), [sentence] * 300, [alert(mask) for mask in masks])
    assert len(report["alerts"]) == MOST_ALERTS
    assert report["alerts_firing"] == 300
    assert len(json.dumps(report)) < 100_000


def test_a_stored_report_is_small() -> None:
    keys = {"a": figures(9, 4, "dead"), "b": figures(3), "c": figures(state="disabled")}
    report = make_report(stats(1, **keys), [Advice("enough", "info", "Enough.")], ())
    assert shown(report, AT) == {
        "reported_at": "2026-01-01T00:00:00+00:00",
        "healthy_keys": 1,
        "total_keys": 3,
        # key c is not listed, because an operator disabled it
        "unhealthy": [{"key": "a", "state": "dead", "failures": 4}],
        "unhealthy_left_off": 0,
        "summary": "OpenAI keys: 1 of 3 healthy, 12 requests, 4 failures, strategy random, 1 disabled by an operator",
        "advice": [{"code": "enough", "severity": "info", "sentence": "Enough.", "numbers": {}}],
    }


def test_unhealthy_keys_that_need_attention_are_stored_and_others_counted() -> None:
    states = ["cooling"] * 30 + ["open"] * 4 + ["closed"] * 3 + ["no_quota"] * 2 + ["dead"] * 3
    keys = {f"k{n:02}": figures(9, n, state, resting_seconds=5) for n, state in enumerate(states)}
    kept = shown(make_report(stats(3, **keys), (), ()), AT)
    states = [key["state"] for key in kept["unhealthy"]]
    assert states == ["dead"] * 3 + ["no_quota"] * 2 + ["open"] * 4 + ["cooling"] * 11
    assert kept["unhealthy"][0] == {"key": "k39", "state": "dead", "failures": 39}
    assert kept["unhealthy_left_off"] == 19


def test_the_export_is_a_complete_json_file_with_the_specified_data_separate(tmp_path: Path) -> None:
    path = tmp_path / "new" / "stats.json"
    export_report(make_report(stats(a=figures()), [Advice("enough", "info", "Enough.")], ()), path, AT)
    assert json.loads(path.read_text()) == {
        "reported_at": "2026-01-01T00:00:00+00:00",
        "data": stats(a=figures()),
        "advice": [{"code": "enough", "severity": "info", "sentence": "Enough.", "numbers": {}}],
        "alerts": [],
        "alerts_firing": 0,
    }
    assert [p.name for p in path.parent.iterdir()] == ["stats.json"]


def test_a_failed_export_is_logged_and_fails_nothing_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    export_report(make_report(stats(), (), ()), tmp_path / "file" / "stats.json", AT)
    assert "OPENAI_STATS_FILE" in caplog.text
