"""Score each batch of labeled pages: by rules alone, and with a simulated model (`simulated.py`).

The batches are the real pages below SHARED_DIR and the project's own corpora.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.property.reading.base import SURE
from app.property.reading.document import Document
from app.property.reading.model.claim_check import check_claims
from app.property.reading.model.label_words import names
from app.property.reading.model.prompt import Prompt, as_sent, build_prompt
from app.property.reading.model.tokens import count_tokens
from app.property.reading.pipeline import with_model_values
from benchmarks.extraction.bands import reliability
from benchmarks.extraction.core import core
from benchmarks.extraction.mistakes import AnsweredPage, make_mistakes
from benchmarks.extraction.prompts import Prompts, prompts
from benchmarks.extraction.run import Run, run
from benchmarks.extraction.scorer import LABELS, Report, score
from benchmarks.extraction.simulated import Claimed, answers, planted

_CORPORA = Path(__file__).parents[2] / "tests" / "unit" / "reading" / "corpus"


@dataclass(frozen=True, slots=True)
class Scores:
    recall: float
    precision: float
    core: float


#: The scores of corpora by independent authors, measured before any rule was changed for the corpus. Each pair has the
#: score of the rules alone and the score with the simulated model (None: not measured). The simulated model of these
#: scores chose its quotes by the labels that the check knows, so they are too good.
AT_FIRST: Mapping[str, tuple[Scores, Scores | None]] = {
    "sixth": (Scores(0.642, 0.908, 0.771), None),
    "seventh": (Scores(0.670, 0.906, 0.822), None),
    "eighth": (Scores(0.613, 0.912, 0.774), Scores(0.876, 0.964, 0.973)),
    "ninth": (Scores(0.669, 0.887, 0.757), Scores(0.896, 0.943, 0.954)),
    "tenth": (Scores(0.765, 0.923, 0.889), Scores(0.925, 0.975, 0.960)),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A wrong decision about a claim: a correct claim that was not stored, or a wrong claim that was accepted.

    `why` is the check's flaw, or what happened after the check.
    """

    file: str
    claim: Claimed
    why: str


@dataclass
class Answered:
    """The checked answers of the simulated model.

    `rejected` are correct claims that the check refused. `not_stored` are correct claims without a correct value in the
    final record. `unknown` counts the correct claims whose label no reader knows, and `unknown_not_stored` those among
    them that were not stored. `accepted` are wrong claims that the check accepted, and `sure` those stored with a
    confidence of at least `SURE`. `asked` and `planted` count all correct and all wrong claims. `records` and `tokens`
    (the sizes of the answers) are keyed by the label's `file`.
    """

    records: dict[str, dict[str, object]] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)
    asked: int = 0
    planted: int = 0
    rejected: list[Refusal] = field(default_factory=list)
    not_stored: list[Refusal] = field(default_factory=list)
    unknown: int = 0
    unknown_not_stored: int = 0
    accepted: list[Refusal] = field(default_factory=list)
    sure: list[Refusal] = field(default_factory=list)


@dataclass
class Erring:
    """The checked answers of a simulated model that makes mistakes, and how many of `mistakes` were `stored`."""

    records: dict[str, dict[str, object]] = field(default_factory=dict)
    confidences: dict[str, dict[str, float]] = field(default_factory=dict)
    mistakes: int = 0
    stored: list[Refusal] = field(default_factory=list)
    sure: list[Refusal] = field(default_factory=list)


@dataclass(frozen=True)
class Batch:
    name: str
    run: Run
    rules: Report
    model: Report
    answered: Answered
    erring: Erring
    with_errors: Report
    sent: Prompts

    @property
    def sure_with_errors(self) -> tuple[int, int]:
        """Return how many values have a confidence of at least 0.9 after a model with errors answered, and how many of
        these are correct."""
        best = reliability(self.with_errors.outcomes, self.erring.confidences)[0]
        return best.count, best.right

    @property
    def sure(self) -> tuple[int, int]:
        """Return how many values rules read with a confidence of at least 0.9, and how many of these are correct."""
        best = reliability(self.rules.outcomes, self.run.confidences)[0]
        return best.count, best.right

    @property
    def scores(self) -> tuple[Scores, Scores]:
        return scores_of(self.rules), scores_of(self.model)


def scores_of(report: Report) -> Scores:
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
    pages = answer_pages(done)
    answered, erring = check_answers(done, pages), check_mistakes(done, pages)
    rules, model = score(done.records, done.truth), score(answered.records, done.truth)
    with_errors = score(erring.records, done.truth)
    return Batch(name, done, rules, model, answered, erring, with_errors, prompts(done))


def answer_pages(done: Run) -> dict[str, AnsweredPage]:
    """Let the simulated model answer each page's prompt, without mistakes."""
    found: dict[str, AnsweredPage] = {}
    for row in done.truth:
        prompt = build_prompt(done.extractions[row["file"]])
        found[row["file"]] = AnsweredPage(prompt, row, list(answers(prompt, row)))
    return found


def check_answers(done: Run, pages: Mapping[str, AnsweredPage]) -> Answered:
    """Check the right answers and the planted wrong ones, and add the accepted right answers to the records."""
    result = Answered()
    for file, page in pages.items():
        extraction, prompt, claims = done.extractions[file], page.prompt, page.claims
        kept, dropped = check_claims(_as_answered(claims), prompt)
        record = with_model_values(extraction, kept, len(dropped)).record
        result.records[file] = record.values
        result.asked += len(claims)
        facts = [{"field": one.field, "value": one.value, "quote": one.quote} for one in claims]
        result.tokens[file] = count_tokens(as_sent({"facts": facts}))
        why = {one.field: one.flaw for one in dropped}
        document = Document(extraction.page)
        result.rejected += [Refusal(file, one, why[one.field]) for one in claims if one.field in why]
        for claim in claims:
            is_unknown = _is_under_unknown_label(claim, prompt, document)
            result.unknown += is_unknown
            if not is_stored(claim, page.row, record.values):
                result.not_stored.append(Refusal(file, claim, why.get(claim.field, "lost")))
                result.unknown_not_stored += is_unknown
        for wrong in planted(claims, prompt, page.row):
            result.planted += 1
            accepted, _ = check_claims(_as_answered([wrong]), prompt)
            if accepted:
                result.accepted.append(Refusal(file, wrong, ""))
                proof = with_model_values(extraction, accepted, 0).record.evidence.get(wrong.field)
                if proof is not None and proof.value == wrong.value and proof.confidence >= SURE:
                    result.sure.append(Refusal(file, wrong, ""))
    return result


def check_mistakes(done: Run, pages: Mapping[str, AnsweredPage]) -> Erring:
    """Check the answers of a model that errs, as often as `mistakes.WRONG` says, and add the accepted ones."""
    mistakes = make_mistakes(pages)
    result = Erring(mistakes=sum(map(len, mistakes.values())))
    for file, page in pages.items():
        wrong = mistakes.get(file, {})
        claims = [wrong.get(one.field, one) for one in page.claims]
        kept, dropped = check_claims(_as_answered(claims), page.prompt)
        record = with_model_values(done.extractions[file], kept, len(dropped)).record
        result.records[file] = record.values
        result.confidences[file] = {name: proof.confidence for name, proof in record.evidence.items()}
        for claim in wrong.values():
            if record.values.get(claim.field) == claim.value:
                result.stored.append(Refusal(file, claim, ""))
                if record.evidence[claim.field].confidence >= SURE:
                    result.sure.append(Refusal(file, claim, ""))
    return result


def is_stored(claim: Claimed, row: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """Return whether the record has the claim's value, by the scorer's own comparison."""
    value = record.get(claim.field)
    if claim.field == "PropertyType":
        return value == claim.value
    return value is not None and LABELS[claim.label][1](row[claim.label], value, row, record)


def _as_answered(claims: Sequence[Claimed]) -> dict[str, tuple[Any, str]]:
    return {one.field: (one.value, one.quote) for one in claims}


def _is_under_unknown_label(claim: Claimed, prompt: Prompt, document: Document) -> bool:
    """Return whether the quote has a label that the product does not know. This only classifies results."""
    label = claim.shown_label.strip(" :|\n")
    if not label or names(claim.field, claim.quote, prompt.lang):
        return False
    meaning = document.meaning(label)
    return meaning is None or meaning.field.startswith("_Ignore")
