"""The table for people and for the docs, and what helps to find the cause of a miss."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.chaos.account import Figure
from tests.chaos.evidence import Evidence

_CASES = 20
_TAIL_LINES = 30


def table(figures: Sequence[Figure]) -> str:
    """Markdown: figure, target, seen; a miss is marked."""
    lines = ["| figure | target | seen |", "|---|---|---|"]
    lines += [f"| {f.name} | {f.target} | {f.seen}{' (missed)' if f.holds is False else ''} |" for f in figures]
    return "\n".join(lines)


def misses(figures: Sequence[Figure]) -> str:
    """Each missed figure with its cases; empty if all targets hold."""
    parts = []
    for figure in figures:
        if figure.holds is False:
            more = len(figure.cases) - _CASES
            cases = [f"  {case}" for case in figure.cases[:_CASES]] + ([f"  and {more} more"] if more > 0 else [])
            parts.append("\n".join([f"{figure.name}: {figure.seen}, not {figure.target}", *cases]))
    return "\n".join(parts)


def tails(evidence: Evidence) -> str:
    """The last lines of each process's log."""
    return "\n".join(f"--- {name}: {log}\n{_tail(log)}" for name, log in evidence.logs.items())


def _tail(log: Path) -> str:
    if not log.exists():
        return "(nothing)"
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL_LINES:])


def section(evidence: Evidence, figures: Sequence[Figure]) -> str:
    """The part of docs/benchmarks/chaos.md that this run fills."""
    plan = evidence.plan
    return f"## {plan.database}, {plan.jobs} jobs, seed {plan.seed}\n\n{table(figures)}\n"
