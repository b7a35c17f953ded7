"""The web page benchmark runs as a command on a small scale and writes its report."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.redis.embedded_valkey import ending_with_parent
from benchmarks.pages.report import verdict

ROOT = Path(__file__).parents[2]
PAGES = [
    "/", "/jobs", "/jobs/{id}", "/batches", "/batches/{id}", "/properties", "/properties?q=", "/properties/{id}",
    "/watches", "/recipes", "/keys", "/enqueue", "/sign-in",
]  # fmt: skip


@pytest.mark.benchmark
def test_every_page_is_painted_and_reported(tmp_path: Path) -> None:
    if shutil.which("chromium") is None:
        pytest.skip("no Chromium: install Debian's package chromium")
    command = [sys.executable, "-m", "benchmarks.pages", "--databases", "sqlite", "--repeats", "1", "--scale", "0.01"]
    done = subprocess.run(
        ending_with_parent([*command, "--docs", str(tmp_path)]),
        cwd=ROOT, capture_output=True, text=True, timeout=550, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    page = (tmp_path / "pages.md").read_text(encoding="utf-8")
    text = " ".join(page.split())
    assert "100 jobs in a hundred batches and one of a tenth of them, 50 properties" in text
    assert "Not the published size" in text
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line[:3] == "| `"]
    assert [row[0].strip("`") for row in rows] == PAGES
    for name, *figures, size, target in rows:
        times = [re.fullmatch(r"([\d,]+) ms", figures[n]) for n in (0, 1, 2, 3, 5)]
        assert all(found and int(found[1].replace(",", "")) > 0 for found in times), (name, figures)
        assert int(size) > 0, "a page is empty"
        assert target in ("met", "in the median", "**missed**")


def test_the_target_is_met_only_if_every_visit_meets_it() -> None:
    assert verdict([120.0, 299.9], [80.0, 90.0]) == "met"
    assert verdict([120.0, 130.0, 300.0], [80.0, 90.0]) == "in the median"
    assert verdict([120.0, 130.0], [310.0, 320.0]) == "**missed**"
