"""The options of a benchmark run."""

from dataclasses import dataclass
from typing import Literal, get_args

from benchmarks.results import BenchmarkError

Database = Literal["sqlite", "postgresql"]
DATABASES: tuple[Database, ...] = get_args(Database)


def chosen_databases(text: str) -> tuple[Database, ...]:
    """Return the databases in `text`, separated by commas. Raises `BenchmarkError` for an unknown name."""
    unknown = set(text.split(",")) - set(DATABASES)
    if unknown:
        raise BenchmarkError(f"there is no database {', '.join(unknown)}; there are {', '.join(DATABASES)}")
    return tuple(name for name in DATABASES if name in text.split(","))


@dataclass(frozen=True)
class Pool:
    """A worker's pool and its number of concurrent jobs, written as `threads:32` on the command line."""

    name: str
    slots: int

    def __str__(self) -> str:
        return f"{self.name}:{self.slots}"


@dataclass(frozen=True)
class Options:
    """The options of a run. `scale` multiplies counts and durations; 1 is the published size."""

    databases: tuple[Database, ...]
    pools: tuple[Pool, ...]
    repeats: int = 3
    scale: float = 1.0

    def scaled(self, full: int, least: int) -> int:
        return max(least, round(full * self.scale))
