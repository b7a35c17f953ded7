"""Medians, numbers, and Markdown tables for the reports."""

import statistics
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Rows = Sequence[Mapping[str, Any]]
DATABASE_NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def median(rows: Rows, figure: str) -> float:
    return statistics.median(float(row[figure]) for row in rows)


def number(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}"


def prose(text: str) -> str:
    return "\n\n".join(textwrap.fill(" ".join(part.split()), 120) for part in text.split("\n\n"))


def table(heads: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    first, *others = [f"| {' | '.join(map(str, cells))} |" for cells in (heads, *rows)]
    return "\n".join([first, "|" + "---|" * len(heads), *others])
