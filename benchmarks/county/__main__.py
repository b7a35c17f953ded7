"""`python -m benchmarks.county`: scrape the whole fictional county, and write docs/benchmarks/county.md."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.county.judge import Figures, judge
from benchmarks.county.report import write_report
from benchmarks.county.run import Scraped, scrape_county
from benchmarks.postgresql import PostgreSQL, servers_of
from benchmarks.results import exit_code, machine
from benchmarks.workers.options import DATABASES, chosen_databases
from simulators.county.county import SEED
from simulators.county.serving import RunningCounty

_DOCS = Path(__file__).parents[2] / "docs" / "benchmarks"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.county", description=__doc__)
    parser.add_argument("--databases", default=",".join(DATABASES), help=f"comma-separated: {', '.join(DATABASES)}")
    parser.add_argument("--seed", type=int, default=SEED, help="of the county")
    parser.add_argument("--every", type=int, default=1, help="only every N-th property")
    parser.add_argument("--docs", type=Path, default=_DOCS, help="where county.md is written")
    parser.add_argument("--verbose", action="store_true", help="say everything that is wrong")
    args = parser.parse_args(argv)
    return exit_code(lambda: _measure_all(args))


def _measure_all(args: argparse.Namespace) -> None:
    runs: dict[str, Figures] = {}
    with servers_of(chosen_databases(args.databases)) as servers:
        for name, server in servers.items():
            runs[name] = _measured(server, args.seed, args.every)
    write_report(runs, seed=args.seed, machine=machine(), docs=args.docs)
    print((args.docs / "county.md").read_text(encoding="utf-8"))
    if args.verbose:
        for one in runs.values():
            print(one)


def _measured(server: PostgreSQL | None, seed: int, every: int) -> Figures:
    with tempfile.TemporaryDirectory(prefix="county-") as folder, RunningCounty(seed) as running:
        homes = running.county.homes[::every]
        url = server.new_database() if server else None
        scraped, stored = scrape_county(running, homes, url, Path(folder), _progress)
        print(file=sys.stderr)
        return judge(running, homes, scraped, stored)


def _progress(one: Scraped) -> None:
    print("." if one.property_id else "x", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
