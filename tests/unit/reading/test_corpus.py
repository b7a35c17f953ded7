"""The corpora of invented pages: their labels, the values read from them, the evidence, and the prompts.

`outcomes.json` lists the labels that are missed or read wrongly, by page. After a change of the readers, run `python -m
tests.unit.reading.test_corpus` to rewrite the file; its diff shows what the change improved or broke.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from app.property.reading.model.prompt import TEXT_TOKENS
from benchmarks.extraction.prompts import prompts
from benchmarks.extraction.proof import faults
from benchmarks.extraction.run import Run, load_truth, run
from benchmarks.extraction.scorer import LABELS, score

_CORPUS = Path(__file__).parent / "corpus"
_OUTCOMES = _CORPUS / "outcomes.json"
_FOLDERS = sorted(path.parent.name for path in _CORPUS.glob("*/truth.jsonl"))
_UNITS = frozenset({"living_area_unit", "lot_unit"})
_ABOUT = frozenset({"batch", "file", "kind", "lang", "note", "url"})
#: The minimum share of values that are read or sent, for folders whose pages were rarely used to fix readers.
_LEAST_COVERED = {"sixth": 0.94, "seventh": 0.94, "eighth": 0.93, "ninth": 0.94, "tenth": 0.93}

_read = cache(lambda folder: run(_CORPUS / folder))


def _outcomes(done: Run) -> dict[str, dict[str, Any]]:
    kinds = {row["file"]: (row["kind"], str(done.extractions[row["file"]].kind)) for row in done.truth}
    found: dict[str, dict[str, Any]] = {
        file: {"kind": read} for file, (labeled, read) in kinds.items() if labeled != read
    }
    for error in score(done.records, done.truth).errors:
        found.setdefault(error.file, {})[error.label] = None if error.verdict == "missed" else error.emitted
    return found


@pytest.mark.parametrize("folder", _FOLDERS)
def test_every_page_has_a_label_and_every_label_a_page(folder: str) -> None:
    truth = load_truth(_CORPUS / folder)
    files = {str(p.relative_to(_CORPUS / folder)) for p in (_CORPUS / folder / "html").rglob("*") if p.is_file()}
    assert files == {row["file"] for row in truth}
    assert len(truth) == len(files) >= 16
    for row in truth:
        assert set(row) <= set(LABELS) | _UNITS | _ABOUT, row["file"]
        for area, unit in (("living_area", "living_area_unit"), ("lot_size", "lot_unit")):
            assert (row.get(area) is None) == (row.get(unit) is None), row["file"]


@pytest.mark.parametrize("folder", _FOLDERS)
def test_every_labeled_value_is_read_as_before(folder: str) -> None:
    done = _read(folder)
    assert {file: e.notes for file, e in done.extractions.items() if e.notes} == {}
    assert _outcomes(done) == json.loads(_OUTCOMES.read_text("utf-8"))[folder]


@pytest.mark.parametrize("folder", _FOLDERS)
def test_every_value_has_valid_evidence(folder: str) -> None:
    found = _read(folder).extractions
    assert [(file, f.field, f.why) for file, one in found.items() for f in faults(file, one)] == []


@pytest.mark.parametrize("folder", _FOLDERS)
def test_prompts_are_limited_and_cover_the_labeled_values(folder: str) -> None:
    """At least 95% of the values, or the folder's share in `_LEAST_COVERED`, are read or sent."""
    found = prompts(_read(folder))
    assert max(page.instruction + page.schema for page in found.pages) <= 1_200
    # the text includes the markers and the names of wanted fields
    assert max(page.text for page in found.pages) <= TEXT_TOKENS + 300
    lost = {page.file: page.lost for page in found.pages if page.lost}
    assert found.covered >= _LEAST_COVERED.get(folder, 0.95), lost


if __name__ == "__main__":
    found = {folder: _outcomes(_read(folder)) for folder in _FOLDERS}
    lines = (
        f'"{folder}": {{\n'
        + ",\n".join(f"{json.dumps(file)}: {json.dumps(one, ensure_ascii=False)}" for file, one in pages.items())
        + "\n}"
        for folder, pages in found.items()
    )
    _OUTCOMES.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
