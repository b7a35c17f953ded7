"""The corpora of invented pages: every page is fully labeled, and each folder keeps its quality."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.extraction.core import core
from benchmarks.extraction.run import load_truth, run
from benchmarks.extraction.scorer import LABELS, Report, score

_CORPUS = Path(__file__).parent / "corpus"
_UNITS = frozenset({"living_area_unit", "lot_unit"})
_ABOUT = frozenset({"file", "kind", "lang", "note", "url"})


@dataclass(frozen=True)
class Floor:
    """A folder's measured quality minus 0.01, which tolerates one wrong value but no regression."""

    folder: str
    pages: int
    recall: float
    precision: float
    core: float


FLOORS = (
    Floor("us", pages=55, recall=0.96, precision=0.98, core=0.98),
    Floor("us_fourth", pages=16, recall=0.88, precision=0.97, core=0.94),
    Floor("us_fifth", pages=16, recall=0.90, precision=0.96, core=0.93),
    Floor("sixth", pages=18, recall=0.70, precision=0.93, core=0.79),
    Floor("seventh", pages=18, recall=0.70, precision=0.93, core=0.83),
    Floor("eighth", pages=18, recall=0.63, precision=0.89, core=0.76),
    Floor("ninth", pages=18, recall=0.65, precision=0.89, core=0.77),
    Floor("tenth", pages=18, recall=0.76, precision=0.92, core=0.90),
)


@pytest.mark.parametrize("floor", FLOORS, ids=lambda floor: floor.folder)
def test_every_page_has_a_label_and_every_label_a_page(floor: Floor) -> None:
    """The labels name known fields, and every area has a unit."""
    folder = _CORPUS / floor.folder
    truth = load_truth(folder)
    files = {str(p.relative_to(folder)) for p in (folder / "html").rglob("*") if p.is_file()}
    assert files == {row["file"] for row in truth}
    assert len(truth) == len(files) >= floor.pages
    for row in truth:
        assert set(row) <= set(LABELS) | _UNITS | _ABOUT, row["file"]
        assert row["kind"] in ("listing", "record"), row["file"]
        for area, unit in (("living_area", "living_area_unit"), ("lot_size", "lot_unit")):
            assert (row.get(area) is None) == (row.get(unit) is None), row["file"]


@pytest.mark.parametrize("floor", FLOORS, ids=lambda floor: floor.folder)
def test_the_corpus_keeps_its_quality(floor: Floor) -> None:
    """The folder keeps its recall, precision, and mean of the core fields. A failure lists every error."""
    done = run(_CORPUS / floor.folder)
    report = score(done.records, done.truth)
    errors = _errors(report)
    assert (report.total.recall or 0) >= floor.recall, errors
    assert (report.total.precision or 0) >= floor.precision, errors
    assert (core(report.outcomes).mean or 0) >= floor.core, errors


def _errors(report: Report) -> str:
    lines = [
        f"{error.file.removeprefix('html/')}: {error.label}: {json.dumps(error.expected)} <- {error.emitted!r}"
        for error in report.errors
    ]
    return "\n".join(
        [f"recall {report.total.recall}, precision {report.total.precision}, core {core(report.outcomes).mean}", *lines]
    )
