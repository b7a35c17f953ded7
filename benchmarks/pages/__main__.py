"""`python -m benchmarks.pages`: measure the first paint of every page, and write docs/benchmarks/pages.md."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.pages.measure import measure
from benchmarks.pages.report import verdict, write_report
from benchmarks.postgresql import servers_of
from benchmarks.results import BenchmarkError, exit_code, machine
from benchmarks.workers.options import DATABASES, Options, chosen_databases

_DOCS = Path(__file__).parents[2] / "docs" / "benchmarks"


def main(argv: Sequence[str] | None = None) -> int:
    args = _arguments(argv)
    return exit_code(lambda: write_report(_measured(_options(args)), machine(), args.docs))


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description=__doc__)
    parser.add_argument("--databases", default=",".join(DATABASES), help=f"comma-separated: {', '.join(DATABASES)}")
    parser.add_argument("--repeats", type=int, default=15, help="visits of each page, cold and warm")
    parser.add_argument("--scale", type=float, default=1.0, help="how much is stored; 1: as published")
    parser.add_argument("--docs", type=Path, default=_DOCS, help="where pages.md is written")
    return parser.parse_args(argv)


def _options(args: argparse.Namespace) -> Options:
    if args.scale <= 0 or args.repeats < 1:
        raise BenchmarkError("--scale and --repeats must be above zero")
    return Options(chosen_databases(args.databases), (), args.repeats, args.scale)


def _measured(options: Options) -> list[dict[str, Any]]:
    rows = []
    with servers_of(options.databases) as servers:
        for row in measure(options, servers):
            figures = "  ".join(f"{figure} {value}" for figure, value in row.items())
            print(f"{verdict(row['cold_ms'], row['warm_ms']):14} {figures}", flush=True)
            rows.append(row)
    return rows


if __name__ == "__main__":
    sys.exit(main())
