"""Prompts of the invented pages stay within their limits and contain most values that were not read."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.property.reading.model.prompt import TEXT_TOKENS
from benchmarks.extraction.prompts import prompts
from benchmarks.extraction.run import run

#: The least share of covered values in folders for whose pages few fixes were made.
LEAST_COVERED = {"sixth": 0.94, "seventh": 0.94, "eighth": 0.93, "ninth": 0.94, "tenth": 0.93}
CORPORA = sorted(path.parent for path in (Path(__file__).parent / "corpus").glob("*/truth.jsonl"))


@pytest.mark.parametrize("folder", CORPORA, ids=lambda folder: folder.name)
def test_prompts_are_limited_and_cover_the_labeled_values(folder: Path) -> None:
    """Both parts of a prompt are limited. Of the values, 95% or the share in `LEAST_COVERED` are read or sent."""
    found = prompts(run(folder))
    assert len(found.pages) > 15
    assert max(page.instruction + page.schema for page in found.pages) <= 1_200
    # the text includes the markers and the names of wanted fields
    assert max(page.text for page in found.pages) <= TEXT_TOKENS + 300
    lost = {page.file: page.lost for page in found.pages if page.lost}
    assert found.covered >= LEAST_COVERED.get(folder.name, 0.95), lost
