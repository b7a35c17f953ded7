"""`python -m benchmarks.merging`: merge the pages of 20,000 properties, timed at 1/4, 1/2, and all of them."""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from app.property.storage.database import Database
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.properties.tables import Observation, Property
from benchmarks.merging.workload import WINDOW, pages
from benchmarks.postgresql import servers_of
from benchmarks.results import BenchmarkError, exit_code, machine
from benchmarks.saving import save_record
from benchmarks.workers.tables import DATABASE_NAMES, prose, table

_DATABASES = ("sqlite", "postgresql")
_SHARES = (0.25, 0.5, 1.0)


_ABOUT = """
`make bench-merge` measures this page: 20,000 fictional properties with an assessor's and a portal's page each, 102,000
observations (one value of one page, with its evidence). Pages come shuffled; one in ten contradicts the other. One
process stores each as a worker does, in its own transaction; SQLite, or a default PostgreSQL, on {machine}.

Each row covers the work since the row before. If work grows linearly, milliseconds per page stay the same. CPU is
without the server's.
"""


@dataclass(frozen=True, slots=True)
class Mark:
    """The totals so far, and the seconds since the previous mark."""

    observations: int
    properties: int
    pages: int
    seconds: float
    cpu_seconds: float


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.merging", description=__doc__)
    parser.add_argument("--properties", type=int, default=20_000)
    parser.add_argument("--databases", nargs="+", choices=_DATABASES, default=list(_DATABASES))
    parser.add_argument("--out", type=Path, help="Markdown file to write; stdout without it.")
    chosen = parser.parse_args()
    if chosen.properties % (4 * WINDOW):
        parser.error(f"--properties takes multiples of {4 * WINDOW}: each mark is at the end of a shuffled window")
    return exit_code(lambda: _measure_all(chosen.databases, chosen.properties, chosen.out))


def _measure_all(databases: Sequence[str], properties: int, out: Path | None) -> None:
    tables = {}
    with servers_of(databases) as servers:
        for name, server in servers.items():
            with tempfile.TemporaryDirectory(prefix="merging-") as folder:
                url = server.new_database() if server is not None else f"sqlite:///{folder}/store.sqlite3"
                tables[name] = measure(url, properties)
    text = report(tables)
    if out is None:
        print(text)
    else:
        out.write_text(text, encoding="utf-8")


def measure(url: str, count: int) -> list[Mark]:
    """Store the pages of `count` properties, each page in its own transaction, as a worker does."""
    database = Database(url)
    store = PropertyStore(database)
    database.open()
    found, last = list[Mark](), Mark(0, 0, 0, 0.0, 0.0)
    try:
        done = 0
        for share in _SHARES:
            upto = round(count * share)
            begun = time.perf_counter(), time.process_time()
            new = list(pages(upto))[done:]
            begun = time.perf_counter(), time.process_time()
            for page in new:
                save_record(store, page)
            spent = time.perf_counter() - begun[0], time.process_time() - begun[1]
            done += len(new)
            last = _mark(database, done, *spent)
            found.append(last)
            if last.properties != upto:
                raise BenchmarkError(f"{last.properties} properties came of {upto}: some were not told apart")
    finally:
        database.close()
    return found


def _mark(database: Database, done: int, seconds: float, cpu_seconds: float) -> Mark:
    with database.reading() as connection:
        seen = connection.execute(select(func.count()).select_from(Observation)).scalar_one()
        living = select(func.count()).select_from(Property).where(Property.merged_into.is_(None))
        return Mark(seen, connection.execute(living).scalar_one(), done, seconds, cpu_seconds)


def report(tables: dict[str, list[Mark]]) -> str:
    sections = ["# Merging, measured", prose(_ABOUT.format(machine=machine()))]
    sections += [f"## {DATABASE_NAMES[name]}\n\n{table(_HEADS, _rows(marks))}" for name, marks in tables.items()]
    return "\n\n".join(sections) + "\n"


_HEADS = ("observations", "properties", "s", "observations/s", "ms per page", "CPU ms per page", "to the first row")


def _rows(marks: Sequence[Mark]) -> list[tuple[str, ...]]:
    rows = []
    before, first = Mark(0, 0, 0, 0.0, 0.0), 0.0
    for mark in marks:
        fresh, saved = mark.observations - before.observations, mark.pages - before.pages
        each = mark.seconds / saved * 1000
        first = first or each
        cells = (
            f"{before.observations:,} to {mark.observations:,}",
            f"{mark.properties:,}",
            f"{mark.seconds:.0f}",
            f"{fresh / mark.seconds:,.0f}",
            f"{each:.1f}",
            f"{mark.cpu_seconds / saved * 1000:.1f}",
            f"{each / first:.2f} ×",
        )
        rows.append(cells)
        before = mark
    return rows


if __name__ == "__main__":
    sys.exit(main())
