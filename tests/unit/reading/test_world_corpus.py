"""Invented pages of many countries: their recall and precision."""

from __future__ import annotations

from pathlib import Path

from app.property.record import PageKind
from benchmarks.extraction.core import core
from benchmarks.extraction.run import load_truth, run
from benchmarks.extraction.scorer import Outcome, score

_FOLDER = Path(__file__).parent / "corpus" / "world"
#: These floors are just below the current results, so that a regression fails.
_LEAST_RECALL, _LEAST_PRECISION, _LEAST_CORE = 0.89, 0.975, 0.95


def _listed(errors: list[Outcome]) -> str:
    return "\n".join(f"{e.file} {e.label}: {e.expected!r} <- {e.emitted!r}" for e in errors)


def test_pages_of_many_countries_are_read() -> None:
    """Every page is a listing, no reader fails, and the folder keeps its floors."""
    done = run(_FOLDER)
    assert {e.kind for e in done.extractions.values()} == {PageKind.LISTING}
    assert {file: e.notes for file, e in done.extractions.items() if e.notes} == {}
    report = score(done.records, done.truth)
    assert (report.total.recall or 0) >= _LEAST_RECALL, _listed(report.errors)
    assert (report.total.precision or 0) >= _LEAST_PRECISION, _listed(report.errors)
    assert core(report.outcomes).mean >= _LEAST_CORE, _listed(report.errors)


def test_the_folder_and_its_labels_list_the_same_pages() -> None:
    labeled = {row["file"] for row in load_truth(_FOLDER)}
    assert labeled == {f"html/{path.name}" for path in (_FOLDER / "html").iterdir()}
