"""Measure the model's prompt for each labeled page: its tokens, and how many labeled values it covers.

A value is covered if it was read correctly without the model, or if the prompt asks for its field and contains the
value. Tokens are counted in the o200k encoding, for instruction, text, and answer schema together.
"""

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.property.reading.model.prompt import Prompt, as_sent, build_prompt
from app.property.reading.model.tokens import count_tokens
from benchmarks.extraction.presence import ASKED, Said
from benchmarks.extraction.run import Run
from benchmarks.extraction.scorer import LABELS, score

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """The prompt of one page: its tokens by part (all 0 if nothing is asked), and the coverage of its labels."""

    file: str
    fields: int
    instruction: int
    text: int
    schema: int
    labeled: int
    read: int
    sent: int
    lost: tuple[str, ...]
    cpu_ms: float

    @property
    def tokens(self) -> int:
        return self.instruction + self.text + self.schema


@dataclass(frozen=True, slots=True)
class Prompts:
    pages: Sequence[Asked]

    @property
    def mean_tokens(self) -> float:
        return statistics.mean(page.tokens for page in self.pages)

    @property
    def covered(self) -> float:
        """Return the share of labeled values that were read correctly or are in the prompt."""
        return sum(page.read + page.sent for page in self.pages) / max(1, sum(page.labeled for page in self.pages))

    @property
    def read(self) -> float:
        return sum(page.read for page in self.pages) / max(1, sum(page.labeled for page in self.pages))


def prompts(run: Run) -> Prompts:
    return Prompts([_asked(run, row) for row in run.truth])


def _asked(run: Run, row: Row) -> Asked:
    extraction = run.extractions[row["file"]]
    started = time.process_time()
    prompt = build_prompt(extraction)
    cpu_ms = 1000 * (time.process_time() - started)
    parsed = Said(prompt.text, prompt.country)
    labels = [label for label in LABELS if row.get(label) is not None]
    records = {row["file"]: extraction.record.values}
    right = {label for label in labels if score(records, [_alone(row, label)]).total.right}
    sent = {label for label in labels if label not in right and _is_asked(label, prompt) and parsed.says(label, row)}
    sizes = (count_tokens(prompt.messages[0]["content"]), count_tokens(prompt.messages[1]["content"]))
    schema = count_tokens(as_sent(prompt.schema))
    parts = (*sizes, schema) if prompt.fields else (0, 0, 0)
    lost = tuple(label for label in labels if label not in right | sent)
    return Asked(row["file"], len(prompt.fields), *parts, len(labels), len(right), len(sent), lost, cpu_ms)


def _alone(row: Row, label: str) -> Row:
    return {name: value for name, value in row.items() if name not in LABELS or name == label}


def _is_asked(label: str, prompt: Prompt) -> bool:
    return label in ASKED and any(field in prompt.fields for field in LABELS[label][0])
