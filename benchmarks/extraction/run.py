"""Runs the extractors over the labelled pages: records, and CPU seconds a page."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.property.fetch.decode.text import page_from_file
from app.property.reading.base import Extraction
from app.property.reading.pipeline import extract

#: when the newest of the pages was saved, roughly: what "this year" means to the plausibility checks
SAVED = datetime(2026, 7, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Run:
    """`extractions` and `cpu_seconds` by the label's `file`."""

    truth: list[dict[str, Any]]
    extractions: dict[str, Extraction]
    cpu_seconds: dict[str, float]

    @property
    def records(self) -> dict[str, dict[str, Any]]:
        return {file: extraction.record.values for file, extraction in self.extractions.items()}

    @property
    def confidences(self) -> dict[str, dict[str, float]]:
        """By the label's `file`, then by field."""
        return {
            file: {name: proof.confidence for name, proof in extraction.record.evidence.items()}
            for file, extraction in self.extractions.items()
        }


def pages_dir() -> Path:
    """Where the labelled pages are: SHARED_DIR/pages, else ../shared/pages beside the repository."""
    shared = Path(os.environ.get("SHARED_DIR") or Path(__file__).parents[3] / "shared")
    return shared / "pages"


def labelled_pages(chosen: Path | None = None) -> Path | None:
    """`chosen`, else `pages_dir()`; None, and a line on stderr that says what to do, where no labels are there."""
    folder = chosen or pages_dir()
    if (folder / "truth.jsonl").is_file():
        return folder
    advice = "it holds no truth.jsonl" if chosen else "set SHARED_DIR to the folder that holds pages/truth.jsonl"
    sys.stderr.write(f"No labelled pages at {folder}: {advice}.\n")
    return None


def load_truth(folder: Path, labels: str = "truth.jsonl") -> list[dict[str, Any]]:
    lines = (folder / labels).read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def run(folder: Path, labels: str = "truth.jsonl") -> Run:
    """Extract every page once that is labelled in the file `labels`; time is CPU time of this process, decoding
    included.
    """
    truth = load_truth(folder, labels)
    extractions: dict[str, Extraction] = {}
    cpu: dict[str, float] = {}
    for row in truth:
        started = time.process_time()
        url = row["url"] or f"https://unknown.invalid/{Path(row['file']).stem}"
        extractions[row["file"]] = extract(page_from_file(folder / row["file"], url, SAVED))
        cpu[row["file"]] = time.process_time() - started
    return Run(truth, extractions, cpu)
