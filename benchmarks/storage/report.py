"""Write the figures to `docs/benchmarks/storage.md`, next to their targets."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.workers.tables import DATABASE_NAMES, Rows, number, prose, table

_ABOUT = """
`make bench-storage` fills stores with copies of a sample: {homes} properties per 100,000 observations (one value of one
page, with evidence), one to three pages each, every page read twice within 300 days, with a job and a copy per reading.
SQLite, or a default PostgreSQL, on {machine}. Other programs used up to {before} cores before a store was filled.

A writer saves new and known pages in turn; no two writers share properties. Pruning and purging run in another process
without pause; half of all names and old values are too old. A save that gives up on a lock counts with its ten seconds.
*Worst* is of five, or of a hundred properties. CPU is the writer's; busy cores are the machine's. **Bold**: target
missed.
"""
#: The rows that show a median and a maximum, and the target of each median.
_ALONE = {
    "prune_values": ("pruning values, nothing due: median (worst)", 50),
    "prune_copies": ("pruning page copies, nothing due: median (worst)", 50),
    "purge": ("purging one URL: median (worst)", 1000),
    "property": ("the JSON of one property: median (worst)", 50),
    "metrics": ("what `/metrics` reads: median (worst)", None),
}
_SAVING = {
    "writers_1": "saving alone",
    "while_pruning": "saving while pruning",
    "while_purging": "saving while purging",
}


def write_report(rows: Rows, docs: Path) -> None:
    """`rows` come from `measure`, sorted by the size of the store."""
    homes = number(100_000 * rows[0]["homes"] / rows[0]["observations"], 0)
    before = f"{max(row['busy_before'] for row in rows):.1f}"
    sections = ["# Storage, measured", prose(_ABOUT.format(machine=rows[0]["machine"], homes=homes, before=before))]
    for database, name in DATABASE_NAMES.items():
        ours = [row for row in rows if row["database"] == database]
        if ours:
            heads = ["observations", *(number(row["observations"], 0) for row in ours), "target"]
            columns = [_cells(row, ours[0]) for row in ours]
            lines = [[what, *(column[what] for column in columns), _TARGETS.get(what, "")] for what in columns[0]]
            sections.append(f"## {name}\n\n{table(heads, lines)}")
    docs.mkdir(parents=True, exist_ok=True)
    (docs / "storage.md").write_text("\n\n".join(sections) + "\n", encoding="utf-8")


_TARGETS = {what: f"≤ {most} ms" for what, most in _ALONE.values() if most} | {
    "p50 alone, of the smallest store's": "≤ 1.3 ×",
    "p99 while pruning, of that alone": "≤ 1.5 ×",
    "16 writers, of one": "≥ 3 ×, or two busy cores",
}


def _cells(row: Mapping[str, Any], smallest: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for name, (what, most) in _ALONE.items():
        cell = f"{_ms(row[name]['p50'])} ({_ms(row[name]['most'])})"
        found[what] = _judged(cell, most is None or row[name]["p50"] <= most)
    for name, what in _SAVING.items():
        save = row[name]
        gave_up = f", {save['gave_up']} gave up" if save["gave_up"] else ""
        found[f"{what}: p50 / p99"] = f"{_ms(save['p50'])} / {_ms(save['p99'])}{gave_up}"
    alone = row["writers_1"]
    grown, slowed = alone["p50"] / smallest["writers_1"]["p50"], row["while_pruning"]["p99"] / alone["p99"]
    many = row["writers_16"]["per_second"] / alone["per_second"]
    found["p50 alone, of the smallest store's"] = _judged(f"{grown:.2f} ×", grown <= 1.3)
    found["p99 while pruning, of that alone"] = _judged(f"{slowed:.2f} ×", slowed <= 1.5)
    for writers in (1, 4, 16):
        wrote = row[f"writers_{writers}"]
        cell = f"{wrote['per_second']} ({_ms(wrote['cpu_ms'])} of CPU each, {wrote['busy']} busy cores)"
        found[f"records a second, {writers} writer{'s' * (writers > 1)}"] = cell
    found["16 writers, of one"] = _judged(f"{many:.2f} ×", many >= 3)
    return found | {"seconds to fill": f"{row['fill_seconds']}"}


def _judged(cell: str, is_met: bool) -> str:
    return cell if is_met else f"**{cell}**"


def _ms(value: float) -> str:
    return f"{number(value, 0 if value >= 100 else 1)} ms"
