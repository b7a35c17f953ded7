"""Write `docs/benchmarks/workers.md` from the results: a section for each measured part."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.results import BenchmarkError
from benchmarks.workers import enqueue, fairness, instruments, overhead, pools, reports, scrapes
from benchmarks.workers.tables import prose

PARTS = {
    "pools": pools,
    "overhead": overhead,
    "enqueue": enqueue,
    "reports": reports,
    "fairness": fairness,
    "scrapes": scrapes,
    "instruments": instruments,
}
_INTRODUCTION = """
`make bench-workers` measures this page (`python -m benchmarks.workers --help`): real workers, the embedded Valkey,
SQLite or a default PostgreSQL, and simulators of the API and a site on one machine: {machine}. {repeats} of each
measurement, medians.
"""


def write_report(results: Mapping[str, Any], docs: Path) -> None:
    """Write `workers.md` below `docs`. Raises `BenchmarkError` if there are no runs."""
    runs = results["runs"]
    if not runs:
        raise BenchmarkError("the results hold no runs; measure some first: python -m benchmarks.workers all")
    machines = "; ".join(sorted({run["machine"] for run in runs}))
    repeats = max(run.get("repeat", 1) for run in runs)
    times = "One run" if repeats == 1 else f"{repeats} runs"
    sections = ["# Workers, measured", prose(_INTRODUCTION.format(machine=machines, repeats=times))]
    for name, part in PARTS.items():
        rows = [run for run in runs if run["part"] == name]
        if rows:
            sections.append(part.section(rows))
    docs.mkdir(parents=True, exist_ok=True)
    (docs / "workers.md").write_text("\n\n".join(sections) + "\n", encoding="utf-8")
