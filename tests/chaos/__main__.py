"""`python -m tests.chaos --jobs 1000 --seed 1 --database sqlite`: run the full suite as root and print its table."""

import argparse
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from tests.chaos import report
from tests.chaos.account import figures
from tests.chaos.plan import ALL, Plan
from tests.chaos.run import missing, run


def main(argv: list[str] | None = None) -> int:
    """Return 0 if every target is met, 1 if a target is missed, and 2 if this machine lacks a requirement."""
    args = _arguments(argv)
    lacking = missing(args.database)
    if lacking:
        sys.stderr.write("".join(f"{line}\n" for line in lacking))
        return 2
    home = Path(tempfile.mkdtemp(prefix="chaos-"))
    evidence = run(_plan(args), home, lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201
    found = figures(evidence)
    print(report.table(found))  # noqa: T201
    missed = report.misses(found)
    if not missed:
        shutil.rmtree(home)
        return 0
    sys.stderr.write(f"{missed}\n{report.tails(evidence)}\nkept: {home}\n")
    return 1


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--jobs", type=int, help="default: 1,000; with --small 100")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--small", action="store_true", help="every fault once, as the test does")
    parser.add_argument("--faults", help=f"these alone, comma-separated: {', '.join(ALL)}, poison, clock")
    return parser.parse_args(argv)


def _plan(args: argparse.Namespace) -> Plan:
    if args.small:
        plan = Plan.small(args.seed, args.database, args.jobs or 100)
    else:
        plan = Plan.full(args.seed, args.database, args.jobs or 1000)
    if args.faults is None:
        return plan
    chosen = args.faults.split(",")
    faults = {name: times for name, times in plan.faults.items() if name in chosen}
    return replace(plan, faults=faults, poison="poison" in chosen, skewed_clock="clock" in chosen)


if __name__ == "__main__":
    sys.exit(main())
