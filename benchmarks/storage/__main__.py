"""`python -m benchmarks.storage`: measure stores of several sizes, and write docs/benchmarks/storage.md."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.postgresql import servers_of
from benchmarks.results import BenchmarkError, exit_code, machine, read_results, write_results
from benchmarks.storage.measure import measure
from benchmarks.storage.report import write_report
from benchmarks.workers.options import DATABASES, chosen_databases

_DOCS = Path(__file__).parents[2] / "docs" / "benchmarks"
#: Stores with more observations are measured on PostgreSQL only.
_MOST_ON_SQLITE = 1_000_000


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storage", description=__doc__)
    parser.add_argument("--databases", default=",".join(DATABASES), help=f"comma-separated: {', '.join(DATABASES)}")
    parser.add_argument("--sizes", default="100000,1000000,10000000", help="numbers of observations, comma-separated")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long writers write, each time")
    parser.add_argument("--out", type=Path, default=Path("bench-storage.json"), help="the figures; older ones stay")
    parser.add_argument("--docs", type=Path, default=_DOCS, help="where storage.md is written, of all figures in --out")
    args = parser.parse_args(argv)
    return exit_code(lambda: _measure_all(args))


def _measure_all(args: argparse.Namespace) -> None:
    databases, sizes = chosen_databases(args.databases), [int(size) for size in args.sizes.split(",") if size.isdigit()]
    if not sizes or min(sizes) < 1 or args.seconds <= 0:
        raise BenchmarkError("--sizes takes numbers such as 100000,1000000 and --seconds one; all must be above zero")
    runs = read_results(args.out, "a measurement")["runs"] if args.out.exists() else []
    for size in sizes:
        for name in databases:
            if name == "sqlite" and size > _MOST_ON_SQLITE:
                continue
            # a separate server for each store: its files are deleted before the next store needs the space
            with servers_of([name]) as servers, tempfile.TemporaryDirectory(prefix="storage-") as folder:
                server = servers[name]
                url = server.new_database() if server is not None else f"sqlite:///{folder}/store.sqlite3"
                row = {"database": name, "machine": machine(), **measure(url, size, args.seconds)}
            print(row, flush=True)
            runs = [run for run in runs if (run["database"], run["observations"]) != (name, size)] + [row]
            write_results(args.out, {"runs": runs})
    write_report(sorted(runs, key=lambda run: run["observations"]), args.docs)


if __name__ == "__main__":
    sys.exit(main())
