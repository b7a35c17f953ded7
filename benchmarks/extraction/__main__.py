"""`python -m benchmarks.extraction [--pages FOLDER] [--format json] [--errors]`: recall, precision and CPU time on the
labelled pages.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks.extraction.run import Run, labelled_pages, run
from benchmarks.extraction.scorer import Count, Report, score


def main(arguments: list[str] | None = None) -> int:
    """Print the scores; 2 where the pages are not there."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.extraction", description=__doc__)
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument(
        "--pages",
        type=Path,
        metavar="FOLDER",
        help="a folder that holds truth.jsonl and the pages it names (default: the real pages, SHARED_DIR/pages)",
    )
    parser.add_argument("--errors", action="store_true", help="list every missed and every wrong value")
    chosen = parser.parse_args(arguments)
    folder = labelled_pages(chosen.pages)
    if folder is None:
        return 2
    done = run(folder)
    report = score(done.records, done.truth)
    if chosen.format == "json":
        print(json.dumps(_as_json(done, report, errors=chosen.errors), ensure_ascii=False, indent=2))
    else:
        _print_table(done, report, errors=chosen.errors)
    return 0


def _cpu(done: Run) -> dict[str, float]:
    milliseconds = sorted(1000 * s for s in done.cpu_seconds.values())
    several = milliseconds * 2 if len(milliseconds) == 1 else milliseconds
    return {
        "median": round(statistics.median(milliseconds), 1),
        "p99": round(statistics.quantiles(several, n=100, method="inclusive")[98], 1),
        "max": round(milliseconds[-1], 1),
    }


def _as_json(done: Run, report: Report, *, errors: bool) -> dict[str, Any]:
    result = {**report.as_json(), "cpu_ms": _cpu(done)}
    if not errors:
        del result["errors"]
    return result


def _print_table(done: Run, report: Report, *, errors: bool) -> None:
    print_scores(report)
    cpu = _cpu(done)
    print(f"{report.pages} pages, CPU a page: median {cpu['median']} ms, p99 {cpu['p99']} ms, max {cpu['max']} ms")
    if errors:
        for error in report.errors:
            state = "missed" if error.emitted is None else "not on the page" if error.expected is None else "wrong"
            name = error.file.removeprefix("html/")
            print(f"{name:50} {error.label:16} {state:16} {error.expected!r} <- {error.emitted!r}")


def print_scores(report: Report) -> None:
    """A line per labelled field, then all of them."""
    print(f"{'field':16} {'labelled':>8} {'right':>6} {'wrong':>6} {'recall':>7} {'precision':>9}")
    for label, count in report.fields.items():
        print(_line(label, count))
    print(_line("all", report.total))


def _line(name: str, count: Count) -> str:
    recall, precision = (f"{v:.3f}" if v is not None else "-" for v in (count.recall, count.precision))
    return f"{name:16} {count.labelled:8} {count.right:6} {count.wrong:6} {recall:>7} {precision:>9}"


if __name__ == "__main__":
    sys.exit(main())
