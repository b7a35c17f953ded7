"""The worker benchmark runs as a command, part by part, and produces the results that its report needs."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.redis.embedded_valkey import ending_with_parent
from benchmarks.workers.__main__ import main
from benchmarks.workers.reports import lateness

ROOT = Path(__file__).parents[2]


def _measure(part: str, out: Path, *options: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "benchmarks.workers", part, "--databases", "sqlite", "--repeats", "1"]
    done = subprocess.run(
        ending_with_parent([*command, "--scale", "0.002", "--out", str(out), *options]),
        cwd=ROOT, capture_output=True, text=True, timeout=550, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    rows: list[dict[str, Any]] = json.loads(out.read_text())["runs"]
    assert {row["part"] for row in rows} == {part}
    return rows


@pytest.mark.benchmark
def test_a_pool_does_every_job_and_the_report_lists_the_pool(tmp_path: Path) -> None:
    (row,) = _measure("pools", tmp_path / "results.json", "--pools", "threads:4")
    assert (row["pool"], row["jobs"], row["done"], row["errors"]) == ("threads:4", 12, 12, {}), row
    assert row["model_calls"] == 12, "each property must need a model call"
    assert 0 < row["share_of_ideal"] < 1.1
    assert row["memory_mb"] > 4 * row["memory_mb_a_slot"] - 1 > 0
    assert row["cpu_ms_a_job"] > 0
    assert main(["report", "--out", str(tmp_path / "results.json"), "--docs", str(tmp_path)]) == 0
    assert "| threads:4 |" in (tmp_path / "workers.md").read_text()


def test_a_late_or_missing_report_is_counted() -> None:
    """Reports are due every five seconds after the earliest one. The first report of this test is a second late."""
    assert lateness([101.0, 105.0, 110.0, 115.5], 15) == {
        "expected": 4,
        "seen": 4,
        "late_most_seconds": 1.0,
        "gap_most_seconds": 5.5,
    }
    missing = lateness([100.0, 105.0, 115.0, 120.0], 15)
    assert (missing["expected"], missing["seen"], missing["gap_most_seconds"]) == (4, 3, 10.0)
