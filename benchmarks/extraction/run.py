"""Run the extractors over the labeled pages; return records and CPU seconds for each page."""

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

#: About when the newest page was saved. The plausibility checks use its year as the current year.
SAVED = datetime(2026, 7, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Run:
    """The labels and results of one run. `extractions` and `cpu_seconds` are keyed by the label's `file`."""

    truth: list[dict[str, Any]]
    extractions: dict[str, Extraction]
    cpu_seconds: dict[str, float]

    @property
    def records(self) -> dict[str, dict[str, Any]]:
        return {file: extraction.record.values for file, extraction in self.extractions.items()}

    @property
    def confidences(self) -> dict[str, dict[str, float]]:
        return {
            file: {name: proof.confidence for name, proof in extraction.record.evidence.items()}
            for file, extraction in self.extractions.items()
        }


def pages_dir() -> Path:
    """Return the folder of the labeled pages: SHARED_DIR/pages, else ../shared/pages beside the repository."""
    shared = Path(os.environ.get("SHARED_DIR") or Path(__file__).parents[3] / "shared")
    return shared / "pages"


def labeled_pages(chosen: Path | None = None) -> Path | None:
    """Return `chosen`, else `pages_dir()`. If the folder has no labels, print the remedy on stderr and return None."""
    folder = chosen or pages_dir()
    if (folder / "truth.jsonl").is_file():
        return folder
    advice = "it holds no truth.jsonl" if chosen else "set SHARED_DIR to the folder that holds pages/truth.jsonl"
    sys.stderr.write(f"No labeled pages at {folder}: {advice}.\n")
    return None


def load_truth(folder: Path, labels: str = "truth.jsonl") -> list[dict[str, Any]]:
    lines = (folder / labels).read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def run(folder: Path, labels: str = "truth.jsonl", *, pages: Path | None = None) -> Run:
    """Extract each page in the file `labels` once. Times are CPU time of this process, including decoding.

    `pages` is the folder of the pages, if it is not `folder`.
    """
    truth = load_truth(folder, labels)
    extractions: dict[str, Extraction] = {}
    cpu: dict[str, float] = {}
    for row in truth:
        started = time.process_time()
        url = row["url"] or f"https://unknown.invalid/{Path(row['file']).stem}"
        extractions[row["file"]] = extract(page_from_file((pages or folder) / row["file"], url, SAVED))
        cpu[row["file"]] = time.process_time() - started
    return Run(truth, extractions, cpu)
