"""Write the table of figures, the page docs/benchmarks/chaos.md, and the logs that help to explain a miss."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.workers import tables as markdown
from tests.chaos.account import Figure
from tests.chaos.evidence import Evidence

_DATABASES = ("sqlite", "postgresql")
_CASES = 20
_TAIL_LINES = 30


def table(figures: Sequence[Figure]) -> str:
    """Return a Markdown table of figures, targets, and measured values, in which misses are marked."""
    return markdown.table(("figure", "target", "seen"), [(f.name, f.target, _seen(f)) for f in figures])


def _seen(figure: Figure) -> str:
    return f"{figure.seen}{' (missed)' if figure.holds is False else ''}"


def misses(figures: Sequence[Figure]) -> str:
    """Return each missed figure with its cases; empty if all targets are met."""
    parts = []
    for figure in figures:
        if figure.holds is False:
            more = len(figure.cases) - _CASES
            cases = [f"  {case}" for case in figure.cases[:_CASES]] + ([f"  and {more} more"] if more > 0 else [])
            parts.append("\n".join([f"{figure.name}: {figure.seen}, not {figure.target}", *cases]))
    return "\n".join(parts)


def tails(evidence: Evidence) -> str:
    """Return the last lines of each process's log."""
    return "\n".join(f"--- {name}: {log}\n{_tail(log)}" for name, log in evidence.logs.items())


def _tail(log: Path) -> str:
    if not log.exists():
        return "(nothing)"
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL_LINES:])


def put(page: str, database: str, run: str, figures: Sequence[Figure]) -> str:
    """Return the page with a new column for this database. `run` describes the run."""
    intro, _, rest = page.partition("\n| figure |")
    old = [[cell.strip() for cell in line.strip("|").split("|")] for line in rest.splitlines()[2:] if line[:1] == "|"]
    targets = {name: target for name, target, *_ in old} | {f.name: f.target for f in figures}
    columns: dict[str, dict[str, str]] = {name: {} for name in _DATABASES}
    for name, _, *cells in old:
        for column, cell in zip(columns.values(), cells, strict=True):
            column[name] = cell
    columns[database] = {"run": run, **{f.name: _seen(f) for f in figures}}
    names = dict.fromkeys(["run", *targets])
    rows = [(name, targets.get(name, ""), *(column.get(name, "") for column in columns.values())) for name in names]
    shown = [row for row in rows if any(row[2:])]
    return f"{intro.rstrip()}\n\n{markdown.table(('figure', 'target', *columns), shown)}\n"
