"""The storage benchmark runs as a command on a small scale and writes its report."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.redis.embedded_valkey import ending_with_parent

ROOT = Path(__file__).parents[2]


@pytest.mark.benchmark
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_small_store_is_measured_and_reported(database: str, tmp_path: Path) -> None:
    out = tmp_path / "results.json"
    command = [sys.executable, "-m", "benchmarks.storage", "--databases", database, "--sizes", "9000"]
    done = subprocess.run(
        ending_with_parent([*command, "--seconds", "1", "--out", str(out), "--docs", str(tmp_path)]),
        cwd=ROOT, capture_output=True, text=True, timeout=550, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    (row,) = json.loads(out.read_text())["runs"]
    assert (row["database"], row["homes"]) == (database, 100), row
    saving = [row[name] for name in ("writers_1", "writers_4", "writers_16", "while_pruning", "while_purging")]
    assert all(0 < one["p50"] <= one["p99"] <= one["most"] and one["per_second"] > 0 for one in saving), row
    assert row["while_purging"]["beside"] > 0
    assert "| saving while pruning: p50 / p99 |" in (tmp_path / "storage.md").read_text()
