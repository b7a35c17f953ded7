"""`python -m benchmarks.watching`: simulate sixty days, and write docs/benchmarks/watching.md."""

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.results import machine
from benchmarks.watching.judge import judge
from benchmarks.watching.report import write_report
from benchmarks.watching.run import START, simulate
from simulators.county.days import make_plan

_DOCS = Path(__file__).parents[2] / "docs" / "benchmarks"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.watching", description=__doc__)
    parser.add_argument("--homes", type=int, default=500)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--planted", type=int, default=150)
    parser.add_argument("--flapping", type=int, default=40)
    parser.add_argument("--interval", type=int, default=7, help="days between two refreshes of a property")
    parser.add_argument("--pages", type=int, default=240, help="pages a day")
    parser.add_argument("--model-calls", type=int, default=100, help="model calls a day")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--docs", type=Path, default=_DOCS, help="where watching.md is written")
    args = parser.parse_args(argv)
    logging.disable(logging.WARNING)
    plan = make_plan(
        START, homes=args.homes, days=args.days, planted=args.planted, flapping=args.flapping, seed=args.seed
    )
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="watching-") as folder:
        found = simulate(
            plan,
            Path(folder),
            days=args.days,
            interval_days=args.interval,
            daily_pages=args.pages,
            daily_model_calls=args.model_calls,
            progress=lambda text: print(f"{time.monotonic() - began:6.0f} s  {text}", file=sys.stderr, flush=True),
        )
    about = {
        "days": args.days,
        "interval": args.interval,
        "budget": args.pages,
        "calls": args.model_calls,
        "flapping": args.flapping,
        "seed": args.seed,
        "machine": machine(),
    }
    write_report(judge(found), docs=args.docs, **about)
    print((args.docs / "watching.md").read_text(encoding="utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
