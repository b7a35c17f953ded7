"""`python -m benchmarks.exports`: export every format in a separate process, and write docs/benchmarks/exports.md."""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.property.storage.database import Database, database_url
from app.services.reports.exports import ExportFormat
from app.settings import Settings
from benchmarks.exports.filling import fill
from benchmarks.results import BenchmarkError, exit_code, machine
from benchmarks.workers.tables import number, prose, table

_DOCS = Path(__file__).parents[2] / "docs" / "benchmarks"
_COUNTS = (1_000, 10_000, 100_000)
#: The maximum ratio of the memory for the most properties to the memory for the fewest. Smaller growth is noise.
_FLAT = 1.25
_ABOUT = """
`make bench-exports` measures this page: `propintel properties export` to a file, in a new process, from SQLite. Each
property has 32 values with evidence, three sources, and a conflict. *Memory* is the peak resident set; exporting an
empty database takes up to {idle:.0f} MB. Measured on {machine}; other programs there cost seconds, not memory.

Target: memory grows by less than a quarter from the fewest properties to the most.
"""


@dataclass(frozen=True, slots=True)
class Run:
    chosen: ExportFormat
    properties: int
    seconds: float
    memory_mb: float
    file_mb: float


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exports", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="how much is stored; 1: as published")
    parser.add_argument("--docs", type=Path, default=_DOCS, help="where exports.md is written")
    args = parser.parse_args(argv)
    return exit_code(lambda: _measure(args.scale, args.docs))


def _measure(scale: float, docs: Path) -> None:
    counts = [max(1, round(count * scale)) for count in _COUNTS]
    with tempfile.TemporaryDirectory() as folder:
        idle = max(_export(_filled(Path(folder) / "empty", 0), chosen, 0).memory_mb for chosen in ExportFormat)
        runs = []
        for count in counts:
            home = _filled(Path(folder) / f"{count}", count)
            for chosen in ExportFormat:
                runs.append(_export(home, chosen, count))
                print(runs[-1], flush=True)
    _write(runs, idle, docs)


def _filled(home: Path, count: int) -> Path:
    database = Database(database_url(Settings.of(propintel_home=home)))
    database.open()
    fill(database, count)
    database.close()
    return home


def _export(home: Path, chosen: ExportFormat, count: int) -> Run:
    out = home / f"all.{chosen}"
    command = [str(Path(sys.executable).with_name("propintel"))]
    command += ["properties", "export", "--format", str(chosen), "-o", str(out)]
    began = time.perf_counter()
    child = subprocess.Popen(command, env={**os.environ, "PROPINTEL_HOME": str(home)}, stderr=subprocess.PIPE)
    assert child.stderr is not None
    log = child.stderr.read().decode()
    _, status, usage = os.wait4(child.pid, 0)
    took = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0 or not log.startswith(f"{count} properties exported"):
        raise BenchmarkError(f"{' '.join(command)} ended with {child.returncode}: {log}")
    size = out.stat().st_size
    out.unlink()
    return Run(chosen, count, took, usage.ru_maxrss / 1024, size / 1e6)


def _write(runs: Sequence[Run], idle: float, docs: Path) -> None:
    heads = ("format", "properties", "seconds", "properties/s", "memory", "file", "target")
    lines = []
    for chosen in ExportFormat:
        ours = [run for run in runs if run.chosen is chosen]
        grown = ours[-1].memory_mb / ours[0].memory_mb
        for run in ours:
            verdict = "" if run is not ours[-1] else f"{'met' if grown < _FLAT else '**missed**'} ({grown:.2f} ×)"
            speed = number(run.properties / run.seconds, 0)
            size = f"{run.memory_mb:.0f} MB", f"{run.file_mb:.1f} MB"
            lines.append([f"`{chosen}`", number(run.properties, 0), f"{run.seconds:.1f}", speed, *size, verdict])
    sections = ["# Exports, measured", prose(_ABOUT.format(idle=idle, machine=machine()))]
    if tuple(dict.fromkeys(run.properties for run in runs)) != _COUNTS:
        sections.append("**Not the published size: for development only.**")
    docs.mkdir(parents=True, exist_ok=True)
    (docs / "exports.md").write_text("\n\n".join([*sections, table(heads, lines)]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
