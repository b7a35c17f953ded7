"""`python -m benchmarks.workers PART|all|report`: measure one part or all, or write the page."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.postgresql import servers_of
from benchmarks.results import BenchmarkError, exit_code, machine, read_results, write_results
from benchmarks.workers import pools
from benchmarks.workers.options import DATABASES, Options, Pool, chosen_databases
from benchmarks.workers.report import PARTS, write_report

_DOCS = Path(__file__).parents[2] / "docs" / "benchmarks"
_QUICK_POOLS = "prefork:4,threads:32"


def main(argv: Sequence[str] | None = None) -> int:
    args = _arguments(argv)
    if args.what == "report":
        return exit_code(lambda: write_report(read_results(args.out, "a measurement"), args.docs))
    return exit_code(lambda: _measure(list(PARTS) if args.what == "all" else [args.what], _options(args), args.out))


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers", description=__doc__)
    parser.add_argument("what", choices=[*PARTS, "all", "report"])
    parser.add_argument("--out", type=Path, default=Path("bench-workers.json"), help="runs are added to what it holds")
    parser.add_argument("--docs", type=Path, default=_DOCS, help="where report writes workers.md")
    parser.add_argument("--databases", default=",".join(DATABASES), help=f"comma-separated: {', '.join(DATABASES)}")
    parser.add_argument("--pools", default="", help="pool:slots, comma-separated; the published ones if not given")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="how many jobs and seconds; 1: as published")
    parser.add_argument("--quick", action="store_true", help="one repeat of a fifth, two pools: for development only")
    return parser.parse_args(argv)


def _options(args: argparse.Namespace) -> Options:
    databases = chosen_databases(args.databases)
    if args.scale <= 0 or args.repeats < 1:
        raise BenchmarkError("--scale and --repeats must be above zero")
    names = args.pools or (_QUICK_POOLS if args.quick else "")
    chosen = tuple(_pool(name) for name in names.split(",")) if names else pools.POOLS
    return Options(databases, chosen, 1 if args.quick else args.repeats, 0.2 if args.quick else args.scale)


def _pool(text: str) -> Pool:
    name, _, slots = text.partition(":")
    if name not in ("prefork", "threads", "solo") or not slots.isdigit() or int(slots) < 1:
        raise BenchmarkError(f"{text!r} is no pool; give prefork, threads or solo and its slots, as in threads:32")
    return Pool(name, int(slots))


def _measure(names: Sequence[str], options: Options, out: Path) -> None:
    results = read_results(out, "a measurement") if out.exists() else {"runs": []}
    with servers_of(options.databases) as servers:
        for name in names:
            for row in PARTS[name].measure(options, servers):
                print(f"{name:9} " + "  ".join(f"{figure} {value}" for figure, value in row.items()), flush=True)
                results["runs"].append({"part": name, "at": _now(), "machine": machine(), **row})
                write_results(out, results)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


if __name__ == "__main__":
    sys.exit(main())
