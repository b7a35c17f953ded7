"""Run a small fetch benchmark, and check its report."""

from dataclasses import replace
from pathlib import Path

from benchmarks.fetch.__main__ import run_cell
from benchmarks.fetch.cells import OURS, OURS_SHARED, Cell, cells
from benchmarks.fetch.figures import Figures
from benchmarks.fetch.report import write_report
from tests.plugins.network_namespace import require_namespaces


def test_a_benchmark_cell_is_measured() -> None:
    """Speeds need only be above zero, because a busy machine delays requests."""
    require_namespaces()
    found = run_cell(Cell(OURS_SHARED, sites=3, pages=4, gap_seconds=0.4, at_once=8), peers="")
    assert found.pages == 12
    assert found.pace_share is not None
    assert 0 < found.pace_share <= 1
    assert found.cpu_ms_per_page > 0
    assert found.pages_per_second > 0


def test_the_report_names_missed_targets(tmp_path: Path) -> None:
    """Equal contestants miss no target. A project that is slightly worse in one cell misses all three targets."""
    found = {cell: Figures(10, 5.0, 2.0, 0.96 if cell.gap_seconds else None, 0) for cell in cells(1.0)}
    write_report(found, tmp_path, machine="2 cores", scrapy="Scrapy 2", size=39, repeats=3)
    assert "missed" not in (tmp_path / "fetching.md").read_text()
    cell = next(cell for cell in found if cell.contestant == OURS and cell.gap_seconds)
    found[cell] = replace(found[cell], pace_share=0.94, cpu_ms_per_page=2.5, too_soon=1)
    write_report(found, tmp_path, machine="2 cores", scrapy="Scrapy 2", size=39, repeats=3)
    assert (tmp_path / "fetching.md").read_text().count("**missed**") == 3
