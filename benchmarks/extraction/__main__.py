"""`python -m benchmarks.extraction [--pages FOLDER] [--format json] [--errors] [--out FILE]`: score the extractors on
the labeled pages, and compare the figures with the targets."""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.extraction import kinds, markdown
from benchmarks.extraction.batches import Batch, batches, scores_of
from benchmarks.extraction.figures import Measured, cpu_ms, measured, missed
from benchmarks.extraction.peers.compare import compare
from benchmarks.extraction.played import played
from benchmarks.extraction.run import labeled_pages, run
from benchmarks.extraction.scorer import Count, Report, score
from benchmarks.results import BenchmarkError


def main(arguments: list[str] | None = None) -> int:
    """Print the scores, and write the page if `--out` is given.

    Return 1 if `--check` is given and a score misses its target, and 2 if the pages or tools are missing.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.extraction", description=__doc__)
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument(
        "--pages",
        type=Path,
        metavar="FOLDER",
        help="a folder that holds truth.jsonl and the pages it names (default: the real pages, SHARED_DIR/pages)",
    )
    parser.add_argument(
        "--errors", action="store_true", help="list every missed and wrong value, and every answer that was lost"
    )
    parser.add_argument("--out", type=Path, help="write the page of figures and targets to this file")
    parser.add_argument("--peers", action="store_true", help="also run the other tools (make bench-extraction-peers)")
    parser.add_argument("--check", action="store_true", help="fail if a score misses its target")
    chosen = parser.parse_args(arguments)
    folder = labeled_pages(chosen.pages)
    if folder is None:
        return 2
    done = run(folder)
    cases = [*kinds.of_labeled(done), *kinds.of_labeled_apart(folder)]
    if chosen.pages is None:
        cases += kinds.of_fixtures()
    found = measured(done, score(done.records, done.truth), cases)
    if chosen.pages is None:
        found = replace(found, batches=list(batches(folder, done)), played=played(folder / "played"))
    if chosen.peers:
        try:
            found = replace(found, peers=compare(found.run, found.report, found.prompts))
        except BenchmarkError as exc:
            sys.stderr.write(f"{exc}\n")
            return 2
    if chosen.out is not None:
        chosen.out.write_text(markdown.page(found), "utf-8")
    if chosen.format == "json":
        print(json.dumps(_as_json(found, errors=chosen.errors), ensure_ascii=False, indent=2))
    else:
        _print_table(found, errors=chosen.errors)
    below = missed(found) if chosen.check else []
    for figure in below:
        sys.stderr.write(f"Missed: {figure.name}: {figure.shown}, {figure.target}\n")
    return 1 if below else 0


def _as_json(found: Measured, *, errors: bool) -> dict[str, Any]:
    figures = [{"name": f.name, "value": f.value, "target": f.target, "met": f.met} for f in found.figures]
    result = {**found.report.as_json(), "cpu_ms": cpu_ms(found.run), "figures": figures}
    if not errors:
        del result["errors"]
    return result


def _print_table(found: Measured, *, errors: bool) -> None:
    print_scores(found.report)
    print()
    for figure in found.figures:
        state = {True: "met", False: "MISSED", None: ""}[figure.met]
        print(f"{figure.name:75} {figure.shown:>9}  {figure.target:17} {state}")
    for one in found.batches:
        print(_batch(one))
    if errors:
        _print_errors(found)


def _batch(one: Batch) -> str:
    shown = " | ".join(f"{s.recall:.3f} {s.precision:.3f} {s.core:.3f}" for s in one.scores)
    shown += " | {0.recall:.3f} {0.precision:.3f} {0.core:.3f}".format(scores_of(one.with_errors))
    return f"{one.name:10} {shown}  {one.sent.mean_tokens:6,.0f} tokens, read or sent {one.sent.covered:.3f}"


def _print_errors(found: Measured) -> None:
    for error in found.report.errors:
        state = "missed" if error.emitted is None else "not on the page" if error.expected is None else "wrong"
        name = error.file.removeprefix("html/")
        proof = found.run.extractions[error.file].record.evidence.get(error.field or "")
        sure = f" ({proof.confidence:.2f})" if proof else ""
        print(f"{name:50} {error.label:16} {state:16} {error.expected!r} <- {error.emitted!r}{sure}")
    for fault in found.faults:
        print(f"{fault.file.removeprefix('html/'):50} {fault.field:16} {'no evidence':16} it {fault.why}")
    for case in found.kinds:
        if case.found is not case.expected:
            print(f"{case.name:50} {'kind':16} {'wrong':16} {case.expected} <- {case.found}: {case.reason}")
    for batch in found.batches:
        for state, refusals in (
            ("not stored", batch.answered.not_stored),
            ("planted, sure", batch.answered.sure),
            ("mistake, stored", batch.erring.stored),
        ):
            for one in refusals:
                claim = one.claim
                print(f"{one.file:50} {claim.field:16} {state:16} {claim.value!r} {one.why} <- {claim.quote!r}")
    for lost in found.played.not_stored if found.played else ():
        print(f"{lost.file:50} {lost.field:16} {'played, lost':16} {lost.value!r} {lost.why} <- {lost.quote!r}")


def print_scores(report: Report) -> None:
    print(f"{'field':16} {'labeled':>8} {'right':>6} {'wrong':>6} {'recall':>7} {'precision':>9}")
    for label, count in report.fields.items():
        print(_line(label, count))
    print(_line("all", report.total))


def _line(name: str, count: Count) -> str:
    recall, precision = (f"{v:.3f}" if v is not None else "-" for v in (count.recall, count.precision))
    return f"{name:16} {count.labeled:8} {count.right:6} {count.wrong:6} {recall:>7} {precision:>9}"


if __name__ == "__main__":
    sys.exit(main())
