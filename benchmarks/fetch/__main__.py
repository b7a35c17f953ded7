"""`python -m benchmarks.fetch`: compare the fetcher with its peers, and write docs/benchmarks/fetching.md."""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from benchmarks import network_namespace
from benchmarks.fetch.cells import SCRAPY, Cell, cells
from benchmarks.fetch.figures import Figures, figures, median
from benchmarks.fetch.report import write_report
from benchmarks.fetch.sites import PAGE
from benchmarks.results import BenchmarkError, exit_code, machine

_ROOT = Path(__file__).parents[2]


def main(argv: Sequence[str] | None = None) -> int:
    args = _arguments(argv)
    return exit_code(lambda: _measure(args))


def _measure(args: argparse.Namespace) -> None:
    _require(args.peers)
    found = _measured(args.peers, args.repeats, args.scale)
    version = [args.peers, "-c", "import scrapy; print('Scrapy', scrapy.__version__)"]
    scrapy = subprocess.run(version, capture_output=True, text=True, check=True).stdout.strip()
    size = round(len(PAGE) / 1000)
    write_report(found, args.docs, machine=machine(), scrapy=scrapy, size=size, repeats=args.repeats)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fetch", description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="rounds")
    parser.add_argument("--scale", type=float, default=1.0, help="how many pages a site has; 1: as published")
    parser.add_argument("--peers", default=str(_ROOT / ".venv-bench/bin/python"), help="the Python that has Scrapy")
    parser.add_argument("--docs", type=Path, default=_ROOT / "docs/benchmarks", help="where fetching.md is written")
    return parser.parse_args(argv)


def _require(python: str) -> None:
    if (problem := network_namespace.problem()) is not None:
        raise BenchmarkError(problem)
    if not shutil.which(python) or subprocess.run([python, "-c", "import scrapy"], check=False).returncode:
        raise BenchmarkError(f"{python} has no Scrapy: `make bench-fetch` sets it up")


def _measured(peers: str, repeats: int, scale: float) -> dict[Cell, Figures]:
    runs: dict[Cell, list[Figures]] = defaultdict(list)
    for number in range(repeats):
        for cell in cells(scale):
            one = run_cell(cell, peers)
            runs[cell].append(one)
            print(f"round {number + 1}: {cell.contestant}, {cell.sites} sites, gap {cell.gap_seconds:g} s: {one}")
    return {cell: median(found) for cell, found in runs.items()}


def run_cell(cell: Cell, peers: str) -> Figures:
    """Run one cell. `peers` is the path of the Python interpreter that has Scrapy.

    Raises `BenchmarkError` if a page is missing.
    """
    python = peers if cell.contestant == SCRAPY else sys.executable
    with tempfile.TemporaryDirectory() as folder:
        cell_file, out = Path(folder) / "cell.json", Path(folder) / "out.json"
        cell_file.write_text(json.dumps(cell.as_json()))
        command = [
            *network_namespace.ISOLATE,
            sys.executable,
            "-m",
            "benchmarks.fetch.arena",
            str(cell_file),
            python,
            str(out),
        ]
        subprocess.run(command, cwd=_ROOT, stderr=subprocess.PIPE, text=True, check=True)
        found = json.loads(out.read_text())
    one = figures(found["pages"], found["wall_seconds"], found["cpu_seconds"], found["asked"], cell.gap_seconds)
    if one.pages != len(cell.urls):
        raise BenchmarkError(f"{cell.contestant} fetched {one.pages} of {len(cell.urls)} pages: nothing to compare")
    return one


if __name__ == "__main__":
    sys.exit(main())
