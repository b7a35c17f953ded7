"""All saved real pages are read without exceptions and in little time, and each gets a kind."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.property.fetch.decode.text import page_from_file
from app.property.reading.pipeline import extract
from app.property.record import PageKind
from benchmarks.extraction.run import run
from benchmarks.extraction.scorer import score

pytestmark = pytest.mark.real_pages


def test_every_saved_page_gets_a_kind(shared_dir: Path) -> None:
    files = sorted(p for p in (shared_dir / "pages" / "html").rglob("*") if p.is_file())
    assert len(files) >= 38
    for file in files:
        extraction = extract(
            page_from_file(file, f"https://unknown.invalid/{file.stem}", datetime(2026, 7, 31, tzinfo=UTC))
        )
        assert isinstance(extraction.kind, PageKind), file
        assert extraction.notes == (), file


def test_labeled_pages_are_read_well_and_fast(shared_dir: Path) -> None:
    """The required scores are just below the benchmark's result, so that a regression fails."""
    done = run(shared_dir / "pages")
    report = score(done.records, done.truth)
    assert max(done.cpu_seconds.values()) < 2.0
    assert {e.kind for e in done.extractions.values()} <= {PageKind.LISTING, PageKind.RECORD}
    assert (report.total.recall or 0) >= 0.92
    assert (report.total.precision or 0) >= 0.92
