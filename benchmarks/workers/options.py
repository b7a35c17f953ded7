"""What a run of the benchmark is told, and how it gives up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from benchmarks.results import BenchmarkError

Database = Literal["sqlite", "postgresql"]
DATABASES: tuple[Database, ...] = get_args(Database)


def chosen_databases(text: str) -> tuple[Database, ...]:
    """Those that `text` names, with commas between. Raises `BenchmarkError` for one that there is not."""
    unknown = set(text.split(",")) - set(DATABASES)
    if unknown:
        raise BenchmarkError(f"there is no database {', '.join(unknown)}; there are {', '.join(DATABASES)}")
    return tuple(name for name in DATABASES if name in text.split(","))


@dataclass(frozen=True)
class Pool:
    """One worker's pool and how many jobs it does at a time: `threads:32` on the command line."""

    name: str
    slots: int

    def __str__(self) -> str:
        return f"{self.name}:{self.slots}"


@dataclass(frozen=True)
class Options:
    """`scale` multiplies what is counted or waited for (1: the published size); `repeats` is of every measurement."""

    databases: tuple[Database, ...]
    pools: tuple[Pool, ...]
    repeats: int = 3
    scale: float = 1.0

    def scaled(self, full: int, least: int) -> int:
        """`full` at the published size, in proportion at another, at least `least`."""
        return max(least, round(full * self.scale))
