"""Score each batch of labeled pages: by rules alone, and with a simulated model (`simulated.py`).

The batches are the real pages below SHARED_DIR and the project's own corpora.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.property.reading.model.claim_check import check_claims
from app.property.reading.model.prompt import as_sent, build_prompt
from app.property.reading.model.tokens import count_tokens
from app.property.reading.pipeline import with_model_values
from benchmarks.extraction.bands import reliability
from benchmarks.extraction.core import core
from benchmarks.extraction.prompts import Prompts, prompts
from benchmarks.extraction.run import Run, run
from benchmarks.extraction.scorer import Report, score
from benchmarks.extraction.simulated import Claimed, answers, planted

_CORPORA = Path(__file__).parents[2] / "tests" / "unit" / "reading" / "corpus"


@dataclass(frozen=True, slots=True)
class Scores:
    recall: float
    precision: float
    core: float


#: The scores of corpora by independent authors, measured before any rule was changed for the corpus. Each pair has the
#: score of the rules alone and the score with the simulated model (None: not measured).
AT_FIRST: Mapping[str, tuple[Scores, Scores | None]] = {
    "sixth": (Scores(0.642, 0.908, 0.771), None),
    "seventh": (Scores(0.670, 0.906, 0.822), None),
    "eighth": (Scores(0.613, 0.912, 0.774), Scores(0.876, 0.964, 0.973)),
    "ninth": (Scores(0.669, 0.887, 0.757), Scores(0.896, 0.943, 0.954)),
    "tenth": (Scores(0.765, 0.923, 0.889), Scores(0.925, 0.975, 0.960)),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A wrong decision of `check_claims`: a rejected correct claim, or an accepted wrong claim."""

    file: str
    claim: Claimed
    why: str


@dataclass
class Answered:
    """The checked answers of the simulated model.

    `rejected` are correct claims, and `accepted` are wrong claims. `asked` and `planted` count all correct and all
    wrong claims. `records` and `tokens` (the sizes of the answers) are keyed by the label's `file`.
    """

    records: dict[str, dict[str, object]] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)
    asked: int = 0
    planted: int = 0
    rejected: list[Refusal] = field(default_factory=list)
    accepted: list[Refusal] = field(default_factory=list)


@dataclass(frozen=True)
class Batch:
    name: str
    run: Run
    rules: Report
    model: Report
    answered: Answered
    sent: Prompts

    @property
    def sure(self) -> tuple[int, int]:
        """Return how many values rules read with a confidence of at least 0.9, and how many of these are correct."""
        best = reliability(self.rules.outcomes, self.run.confidences)[0]
        return best.count, best.right

    @property
    def scores(self) -> tuple[Scores, Scores]:
        return _scores(self.rules), _scores(self.model)


def _scores(report: Report) -> Scores:
    return Scores(report.total.recall or 0.0, report.total.precision or 0.0, core(report.outcomes).mean)


def batches(real: Path, done: Run) -> Iterator[Batch]:
    return (batch(name, one) for name, one in runs(real, done))


def runs(real: Path, done: Run | None = None) -> Iterator[tuple[str, Run]]:
    """Read the pages of each batch, and yield its name and run.

    `done` is an existing run of `real`, which is then not read again.
    """
    yield "real", done or run(real)
    if (real / "more_truth.jsonl").is_file():
        yield "more", run(real, "more_truth.jsonl")
    for folder in sorted(path.parent for path in _CORPORA.glob("*/truth.jsonl")):
        yield folder.name, run(folder)


def batch(name: str, done: Run) -> Batch:
    answered = answer(done)
    rules, model = score(done.records, done.truth), score(answered.records, done.truth)
    return Batch(name, done, rules, model, answered, prompts(done))


def answer(done: Run) -> Answered:
    """Let the simulated model answer each page's prompt, and add the accepted claims to the records."""
    result = Answered()
    for row in done.truth:
        file, extraction = row["file"], done.extractions[row["file"]]
        prompt = build_prompt(extraction)
        claims = list(answers(prompt, row))
        kept, dropped = check_claims({one.field: (one.value, one.quote) for one in claims}, prompt)
        result.records[file] = with_model_values(extraction, kept, len(dropped)).record.values
        result.asked += len(claims)
        facts = [{"field": one.field, "value": one.value, "quote": one.quote} for one in claims]
        result.tokens[file] = count_tokens(as_sent({"facts": facts}))
        why = {one.field: one.flaw for one in dropped}
        result.rejected += [Refusal(file, one, why[one.field]) for one in claims if one.field in why]
        for wrong in planted(claims, prompt, row):
            result.planted += 1
            accepted, _ = check_claims({wrong.field: (wrong.value, wrong.quote)}, prompt)
            if accepted:
                result.accepted.append(Refusal(file, wrong, ""))
    return result
