"""`python -m benchmarks.recipes`: read generated sites with recipes, and write docs/benchmarks/recipes.md."""

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.extraction.run import labeled_pages
from benchmarks.recipes.figures import figures
from benchmarks.recipes.plot import draw
from benchmarks.recipes.real import real_hosts
from benchmarks.recipes.report import write_report
from benchmarks.recipes.run import run
from benchmarks.recipes.sites import make_sites
from benchmarks.results import machine

_DOCS = Path(__file__).parents[2] / "docs" / "benchmarks"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recipes", description=__doc__)
    parser.add_argument("--sites", type=int, default=30)
    parser.add_argument("--pages", type=int, default=40, help="pages of each site")
    parser.add_argument("--seed", type=int, default=23)
    parser.add_argument("--docs", type=Path, default=_DOCS, help="where recipes.md and recipes.svg are written")
    args = parser.parse_args(argv)
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        _measure(args)
    finally:
        logging.disable(disabled)
    return 0


def _measure(args: argparse.Namespace) -> None:
    began = time.monotonic()
    found = run(
        make_sites(args.sites, pages=args.pages, seed=args.seed),
        lambda text: print(f"{time.monotonic() - began:6.0f} s  {text}", file=sys.stderr, flush=True),
    )
    folder = labeled_pages()
    hosts = real_hosts(folder) if folder else None
    write_report(figures(found), hosts, docs=args.docs, seed=args.seed, machine=machine())
    draw(found, args.docs / "recipes.svg")
    print((args.docs / "recipes.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main())
