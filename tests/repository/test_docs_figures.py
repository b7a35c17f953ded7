"""Sizes in the runbook match the latest benchmark."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.plugins.documented import ROOT

_RUNBOOK = ROOT / "docs" / "runbooks" / "scale-out.md"
_NUMBER = re.compile(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?")


def _rows() -> Iterator[tuple[str, Path]]:
    """Yield each row of the runbook's size tables, without its purpose, and the benchmark that measured the row."""
    text = _RUNBOOK.read_text(encoding="utf-8")
    sizes = text[text.index("## How many\n") : text.index("## Redis")]
    benchmark = re.compile(r"\((\.\./benchmarks/\w+\.md)\)")
    usual = benchmark.search(sizes)
    assert usual is not None
    for row in re.findall(r"^\|.+\|$", sizes, re.M):
        named = benchmark.search(row) or usual
        yield " ".join(row.split("|")[2:4]), _RUNBOOK.parent / named[1]


def test_every_figure_of_the_runbook_is_in_its_benchmark() -> None:
    rows = list(_rows())
    assert len(rows) > 10
    missing = [
        f"{number} of {row!r} is not in {page.name}"
        for row, page in rows
        for number in _NUMBER.findall(re.sub(r"\(\.\./.*?\)", "", row))
        if not re.search(rf"(?<![\d.,]){re.escape(number)}(?![\d]|[.,]\d)", page.read_text(encoding="utf-8"))
    ]
    assert missing == []
