"""Score recorded answers of a real model: `pages/played` below SHARED_DIR has pages, labels, and an answer for each.

The answers were given to an earlier prompt of this project. Each is checked against the prompt that the current code
builds, as a model's answer is in production.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.property.reading.base import Extraction
from app.property.reading.model.answers import take_apart
from app.property.reading.model.claim_check import check_claims
from app.property.reading.model.prompt import Prompt, build_prompt
from app.property.reading.model.quotes import find_quotes
from app.property.reading.pipeline import with_model_values
from app.property.record import WITH_PROPERTY
from benchmarks.extraction import matching
from benchmarks.extraction.run import Run, run
from benchmarks.extraction.scorer import LABELS, Report, score
from benchmarks.extraction.simulated import answers

_UNITS = (("LivingAreaUnits", "living_area_unit"), ("LotSizeUnits", "lot_unit"))
Row = Mapping[str, Any]
Values = Mapping[str, tuple[Any, str]]


@dataclass(frozen=True, slots=True)
class NotStored:
    """A right answer without a right value in the final record, and the reason."""

    file: str
    field: str
    value: Any
    quote: str
    why: str


@dataclass
class Played:
    """The results of the recorded answers.

    `right` counts the right answers for labeled fields. Right answers that were not stored are in `refused` (by the
    check, with the flaw), `unquoted` (the current prompt's text lacks the quote), or `lost` (after the check, or
    without it).

    `quoted` counts the recorded answers for labeled fields, by field, and `same_lines` those of them for which the
    simulated model quotes from a line of the recorded quote.
    """

    rules: Report
    answered: Report
    right: int = 0
    refused: list[NotStored] = field(default_factory=list)
    unquoted: list[NotStored] = field(default_factory=list)
    lost: list[NotStored] = field(default_factory=list)
    quoted: Counter[str] = field(default_factory=Counter)
    same_lines: Counter[str] = field(default_factory=Counter)

    @property
    def not_stored(self) -> list[NotStored]:
        return [*self.refused, *self.unquoted, *self.lost]


def played(folder: Path) -> Played | None:
    """Check the recorded answers of the pages in `folder`, or return None if it has none."""
    if not (folder / "truth.jsonl").is_file() or not (folder / "answers").is_dir():
        return None
    return check_played(run(folder, pages=folder / "html"), _answers(folder))


def check_played(done: Run, recorded: Mapping[str, str]) -> Played:
    """Check the `recorded` answers, which map a label's `file` to the JSON that the model answered."""
    records: dict[str, Mapping[str, Any]] = {}
    result = Played(score(done.records, done.truth), Report())
    for row in done.truth:
        file, extraction = row["file"], done.extractions[row["file"]]
        prompt = build_prompt(extraction)
        every = _values(recorded.get(file, ""), prompt)
        kept, dropped = check_claims({name: every[name] for name in every if name in prompt.fields}, prompt)
        after = with_model_values(extraction, kept, len(dropped))
        records[file] = after.record.values
        flaws = {one.field: str(one.flaw) for one in dropped}
        _compare_quotes(result, row, extraction, {name: quote for name, (_, quote) in every.items()})
        for name in _right_fields(row, {name: value for name, (value, _) in every.items()}):
            result.right += 1
            if name in _right_fields(row, after.record.values):
                continue
            value, quote = every[name]
            flaw = flaws.get(name) if extraction.kind in WITH_PROPERTY else None
            lost = NotStored(file, name, value, quote, flaw or _why_lost(name, extraction, prompt, after))
            is_gone = flaw is not None and not any(find_quotes(quote, prompt.text))
            (result.unquoted if is_gone else result.refused if flaw else result.lost).append(lost)
    result.answered = score(records, done.truth)
    return result


def _answers(folder: Path) -> dict[str, str]:
    found = {path.name: path.read_text("utf-8") for path in (folder / "answers").glob("*.json")}
    return {name.removesuffix(".json").replace("__", "/", 1): text for name, text in found.items()}


def _values(answer: str, prompt: Prompt) -> Values:
    fields = tuple(name for names, _ in LABELS.values() for name in names)
    found = take_apart(answer, tuple(dict.fromkeys((*fields, *prompt.fields))), lang=prompt.lang)
    return {} if found is None else {name: one for name, one in found.values.items() if name not in found.odd}


def _compare_quotes(result: Played, row: Row, extraction: Extraction, quotes: Mapping[str, str]) -> None:
    prompt = build_prompt(extraction, use="always")
    simulated = {one.field: one.quote for one in answers(prompt, row)}
    labeled = {name for label, (names, _) in LABELS.items() if row.get(label) is not None for name in names}
    for name, quote in quotes.items():
        if name in labeled:
            result.quoted[name] += 1
            own = simulated.get(name)
            result.same_lines[name] += bool(own and _lines_of(quote, prompt.text) & _lines_of(own, prompt.text))


def _lines_of(quote: str, text: str) -> set[int]:
    """Return the numbers of the lines of every place of a quote."""
    starts = (text.count("\n", 0, match.start()) for match in re.finditer(re.escape(quote), text))
    return {start + line for start in starts for line in range(quote.count("\n") + 1)}


def _right_fields(row: Row, values: Mapping[str, Any]) -> Iterator[str]:
    """Yield the fields whose value equals its label. An area without a unit has the label's."""
    units = {name: matching.UNITS.get(row.get(label) or "") for name, label in _UNITS}
    record = {**units, **values}
    for label, (names, matches) in LABELS.items():
        name = names[0]
        if row.get(label) is not None and name in values and matches(row[label], values[name], row, record):
            yield name


def _why_lost(name: str, extraction: Extraction, prompt: Prompt, after: Extraction) -> str:
    if extraction.kind not in WITH_PROPERTY:
        return f"page kind {extraction.kind}"
    if name not in prompt.fields:
        return "not asked"
    winner = after.record.evidence.get(name)
    return "not kept" if winner is None else f"ranked below {winner.value!r} by {winner.method}"
