"""The key pool benchmark runs as a command and produces the results that its report needs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.redis.embedded_valkey import ending_with_parent

ROOT = Path(__file__).parents[2]


@pytest.mark.benchmark
def test_two_processes_through_the_pool_finish_every_job_within_the_limits(tmp_path: Path) -> None:
    out = tmp_path / "results.json"
    command = [sys.executable, "-m", "benchmarks.keypool", "run", "--contestants", "ours", "--modes", "open_2"]
    options = ["--repeats", "1", "--window", "10", "--warmup", "5", "--start-level", "1", "--out", str(out)]
    done = subprocess.run(
        ending_with_parent([*command, *options]), cwd=ROOT, capture_output=True, text=True, timeout=550, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (run,) = json.loads(out.read_text())["runs"]
    figures = run["figures"]
    assert (run["mode"], run["contestant"], run["size"]["processes"]) == ("open_2", "ours", 2)
    assert figures["jobs_failed"] == 0, (figures, run["log_tail"])
    # 38 jobs arrive per second. Even a slow machine finishes a third of them in the ten seconds.
    assert figures["admitted"] > 125, (figures, run["log_tail"])
    assert 0.25 < figures["goodput"] < 1.1, figures
    assert figures["rate_limited_per_success"] is not None
    assert 0 < figures["p50_ms"] <= figures["p99_ms"]
    assert figures["cpu_ms_per_request"] > 0
    assert len(figures["utilization"]) == 6
    assert all(0 <= share <= 1.001 for share in figures["utilization"].values()), figures
