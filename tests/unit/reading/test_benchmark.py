"""`python -m benchmarks.extraction --pages FOLDER` scores a folder of pages by the labels in the folder."""

import json
from pathlib import Path

import pytest

from benchmarks.extraction.__main__ import main

_PAGE = "<html><body><h1>House for sale</h1><table><tr><td>List price:</td><td>$310,000</td></tr></table></body></html>"


def _folder(tmp_path: Path, **labels: object) -> str:
    (tmp_path / "html").mkdir()
    (tmp_path / "html" / "one.html").write_text(_PAGE, "utf-8")
    row = {"file": "html/one.html", "kind": "listing", "lang": "en", "note": "", "url": None, **labels}
    (tmp_path / "truth.jsonl").write_text(json.dumps(row) + "\n", "utf-8")
    return str(tmp_path)


@pytest.mark.parametrize(("price", "right"), [(310000, 1), (300000, 0)])
def test_the_named_folder_is_scored(price: int, right: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--pages", _folder(tmp_path, price=price), "--format", "json", "--errors"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["pages"], report["all"]["labeled"], report["all"]["right"]) == (1, 1, right)
    assert len(report["errors"]) == 1 - right


@pytest.mark.parametrize(("price", "status"), [(310000, 0), (300000, 1)])
def test_a_check_fails_if_a_score_misses_its_target(
    price: int, status: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--pages", _folder(tmp_path, price=price), "--check"]) == status
    assert ("Missed: emitted values that are right (precision): 0.000" in capsys.readouterr().err) == bool(status)


def test_a_folder_without_labels_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--pages", str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err
