"""Format the result table, and the logs that help to explain a missed target."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.workers import tables as markdown
from tests.chaos.account import Figure
from tests.chaos.evidence import Evidence

_CASES = 20
_TAIL_LINES = 30


def table(figures: Sequence[Figure]) -> str:
    """Return a Markdown table of figures, targets, and measured values. Missed targets are marked."""
    return markdown.table(("figure", "target", "seen"), [(f.name, f.target, _seen(f)) for f in figures])


def _seen(figure: Figure) -> str:
    return f"{figure.seen}{' (missed)' if figure.holds is False else ''}"


def misses(figures: Sequence[Figure]) -> str:
    parts = []
    for figure in figures:
        if figure.holds is False:
            more = len(figure.cases) - _CASES
            cases = [f"  {case}" for case in figure.cases[:_CASES]] + ([f"  and {more} more"] if more > 0 else [])
            parts.append("\n".join([f"{figure.name}: {figure.seen}, not {figure.target}", *cases]))
    return "\n".join(parts)


def tails(evidence: Evidence) -> str:
    return "\n".join(f"--- {name}: {log}\n{_tail(log)}" for name, log in evidence.logs.items())


def _tail(log: Path) -> str:
    if not log.exists():
        return "(nothing)"
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL_LINES:])
