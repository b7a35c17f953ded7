"""Write the benchmark's page: the figures with their targets, then the tables behind the figures."""

import re
import statistics
from collections import Counter
from collections.abc import Callable, Sequence

from app.property.record import PageKind
from benchmarks.extraction.batches import AT_FIRST, Scores, scores_of
from benchmarks.extraction.costs import MODEL, costs
from benchmarks.extraction.disputed import DISPUTED
from benchmarks.extraction.figures import Measured
from benchmarks.extraction.kinds import KindCase, confusion
from benchmarks.workers.tables import table

_HEAD = """# Extraction, measured

`make bench-extraction-peers` writes this page; `make bench-extraction` prints its figures. {pages} saved pages of real
sites, labeled by hand (`pages/truth.jsonl` below `SHARED_DIR`; not part of this repository), read without a model. A
value is right if it equals the label: areas to 0.5 %, coordinates to 0.0005 degrees, any id that the page shows. A
value is wrong if its label says that the page lacks the field. [How pages are read](../extraction.md).
"""


#: The reason why a figure misses its target, keyed by the beginning of the figure's name.
_WHY_MISSED = {
    "page kinds recognized": "the misread pages are listed under *Page kinds*.",
    "the same with the simulated model: recall": "the model quotes labels that the check does not know, and the "
    "simulated reader does not answer what no word of its own explains.",
    "right recorded answers not stored": "the reasons are counted under *Recorded answers*.",
    "files that name a field": "the field table and the languages are 1.8; most others check one value against "
    "another ([ADR 55](../decisions/0055-knowledge-of-fields-is-data-and-a-reader-is-a-function.md)).",
    "lines of Python": "[ADR 55](../decisions/0055-knowledge-of-fields-is-data-and-a-reader-is-a-function.md) says "
    "what would have to go.",
}


def page(done: Measured) -> str:
    parts = [_HEAD.format(pages=done.report.pages)]
    parts += [section for make in SECTIONS for section in make(done)]
    return "\n".join(part.rstrip() + "\n" for part in parts)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _figures(done: Measured) -> list[str]:
    states = {True: "met", False: "missed", None: "–"}
    rows = [(f.name, f.shown, f.target or "–", states[f.met]) for f in done.figures]
    missed = [f.name for f in done.figures if f.met is False]
    whys = [f"- {name}: {why}" for name in missed for begins, why in _WHY_MISSED.items() if name.startswith(begins)]
    reasons = ["Missed, and why:", "\n".join(whys)] if whys else []
    return ["## Figures and targets", table(("figure", "measured", "target", ""), rows), *reasons]


def _batches(done: Measured) -> list[str]:
    if not done.batches:
        return []
    note = (
        "Recall / precision / core fields of each batch of labeled pages, without a model and with a simulated one "
        "that answers from the labels and quotes the shortest passage with the value and its label, whatever the label "
        "is; then with the same model, of whose answers 3 % are wrong. Batches with figures *at first* were written "
        "without knowledge of the readers; those figures, from before any change for them, are what an unknown site "
        "can expect. *Right, not stored* are right answers that the record lacks in the end; *planted, accepted* are "
        "another field's values with their true quotes that the check accepts."
    )
    rows = [
        (
            one.name, one.rules.pages, *map(_triple, one.scores), _triple(scores_of(one.with_errors)),
            _share(one.sent.covered), f"{one.sent.mean_tokens:,.0f}",
            f"{len(one.answered.not_stored)} of {one.answered.asked}",
            f"{len(one.answered.accepted)} of {one.answered.planted}",
            "{1} of {0}".format(*one.sure), *map(_triple, AT_FIRST.get(one.name, (None, None))),
        )
        for one in done.batches
    ]  # fmt: skip
    headings = (
        "batch", "pages", "rules", "with model", "model that errs", "read or sent", "tokens", "right, not stored",
        "planted, accepted",
        "right at 0.9", "rules at first", "with model at first",
    )  # fmt: skip
    return ["## All batches", note, table(headings, rows)]


def _played(done: Measured) -> list[str]:
    if done.played is None:
        return []
    found = done.played
    note = (
        f"{found.rules.pages} further pages of sites that no rule was tuned for, with the recorded answers of a real "
        "model to this project's prompt. A right answer is stored if the final record has its value."
    )
    scores = [("rules alone", _triple(scores_of(found.rules))), ("with answers", _triple(scores_of(found.answered)))]
    reasons = Counter(
        re.sub(r"^ranked below .* by ", "ranked below a value of method ", one.why) for one in found.not_stored
    )
    counts = [("right answers", found.right), ("stored", found.right - len(found.not_stored)), *reasons.most_common()]
    return [
        "## Recorded answers",
        note,
        table(("", "recall / precision / core fields"), scores),
        table(("", "answers"), counts),
    ]


def _triple(scores: Scores | None) -> str:
    return "–" if scores is None else f"{scores.recall:.3f} / {scores.precision:.3f} / {scores.core:.3f}"


def _core(done: Measured) -> list[str]:
    rows = [(name, had, right, _share(right / had if had else None)) for name, (had, right) in done.core.fields.items()]
    note = (
        f"{len(done.core.all_right)} of {done.core.pages} pages have every core field right. `rooms or beds` and "
        "`area` use the first that the page has (rooms, living area)."
    )
    return ["## Core fields", table(("core field", "pages that have it", "exact", "share"), rows), note]


def _bands(done: Measured) -> list[str]:
    rows = [
        (
            f"{b.low:.1f} to {b.high:.1f}",
            b.count,
            b.right,
            _share(b.share_right),
            f"{b.mean_confidence:.3f}",
            f"{agreed.right} of {agreed.count}",
        )
        for b, agreed in zip(done.bands, done.undisputed_bands, strict=True)
    ]
    note = (
        "Values of labeled fields by stored confidence "
        "([ADR 0052](../decisions/0052-confidence-is-fitted-on-labeled-pages.md))."
    )
    headings = ("confidence", "values", "right", "share right", "mean confidence", "right, disputed labels set aside")
    return ["## Confidence", note, table(headings, rows)]


def _evidence(done: Measured) -> list[str]:
    note = (
        "Each stored value's locator leads to its raw text, the quote is on the page and states the value, and a "
        "computed value follows from its fields."
    )
    rows = [(f"`{f.file}`", f.field, f.why) for f in done.faults]
    return ["## Evidence", note, table(("page", "field", "fault"), rows) if rows else "No value fails."]


def _disputed(done: Measured) -> list[str]:
    wrong = {(o.file, o.label): o for o in done.report.outcomes if o.verdict == "wrong"}
    disputed = sum(key in wrong for key in DISPUTED)
    rest = [f"`{o.file}` {o.label}" for key, o in wrong.items() if key not in DISPUTED]
    note = (
        f"{disputed} values count as wrong in all figures although the page states them: all but one of these "
        'labels say "not on the page". [The list](../../benchmarks/extraction/disputed.py) says where each value '
        f"stands. Wrong without dispute: {', '.join(rest) or 'none'}."
    )
    return ["## Disputed labels", note]


def _kinds(done: Measured) -> list[str]:
    parts = ["## Page kinds", "Rows: the page's kind; columns: the kind that was read."]
    for source, name in (("real", "Real pages"), ("own", "The project's own fixtures")):
        cases = [case for case in done.kinds if case.source == source]
        rows = [(kind, sum(row.values()), *row.values()) for kind, row in confusion(cases).items() if any(row.values())]
        parts += [f"{name}:", table(("is", "pages", *PageKind), rows)]
    wrong = [case for case in done.kinds if case.found is not case.expected]
    return [*parts, *([_wrong_kinds(wrong)] if wrong else [])]


def _wrong_kinds(wrong: Sequence[KindCase]) -> str:
    return "\n".join(f"- `{c.name}` is {c.expected}, read as {c.found}: {c.reason}" for c in wrong)


def _prompts(done: Measured) -> list[str]:
    pages = done.prompts.pages
    parts = [
        (name, round(statistics.mean(sizes)), round(statistics.median(sizes)), max(sizes))
        for name, sizes in (
            ("instruction", [page.instruction for page in pages]),
            ("text of the page, in its markers", [page.text for page in pages]),
            ("schema of the answer", [page.schema for page in pages]),
            ("whole prompt", [page.tokens for page in pages]),
            ("fields asked for", [page.fields for page in pages]),
        )
    ]
    lost = Counter(label for page in pages for label in page.lost)
    covered, read = _share(done.prompts.covered), _share(done.prompts.read)
    note = (
        "Tokens of o200k. A labeled value is covered if it was read rightly without the model, or if its field is "
        f"asked for and the sent text states it: {covered}; {read} without the model. "
    )
    names = ", ".join(f"{label} ({count})" for label, count in lost.most_common())
    return ["## What the model is sent", table(("", "mean", "median", "most"), parts), note + f"Not covered: {names}."]


def _costs(done: Measured) -> list[str]:
    if not done.batches:
        return []
    cost = costs(done.batches[0])
    saved = 100 * (1 - cost.with_cache / cost.plain) if cost.plain else 0.0
    note = (
        f"List prices for 1,000 pages like these, with one prompt ({cost.prompt:,.0f} tokens on average) and answer "
        f"({cost.answer:,.0f}) each. Schema and instruction are the same for every page: {cost.alike:,} tokens, "
        f"{100 * cost.alike / cost.prompt:.0f} %. OpenAI caches {cost.cached:,} of them (1,024, then steps of 128), "
        f"{100 * cost.cached / cost.prompt:.0f} % of a prompt, if requests are at most some minutes apart; this saves "
        f"{saved:.0f} %. OpenAI adds some tokens around messages; its `usage` is what is stored. Batches are priced "
        "without cached input."
    )
    rows = [
        ("one by one, nothing cached", f"${cost.plain:.2f}"),
        ("one by one, the beginning cached", f"${cost.with_cache:.2f}"),
        ("in batches", f"${cost.batches:.2f}"),
    ]
    return ["## What the model costs", note, table((MODEL, "1,000 pages"), rows)]


def _peers(done: Measured) -> list[str]:
    if done.peers is None:
        return []
    readers = [
        (f"{one.name} {one.version}".strip(), _share(one.report.total.recall), _share(one.report.total.precision),
         f"{one.cpu_ms:.0f}")
        for one in done.peers.readers
    ]  # fmt: skip
    texts = [
        (f"{one.name} {one.version}".strip(), f"{one.tokens:,.0f}", _share(one.kept),
         "–" if one.cpu_ms is None else f"{one.cpu_ms:.0f}", one.failed or "–")
        for one in done.peers.texts
    ]  # fmt: skip
    return [
        "## Beside other tools",
        "One run on the same pages, each tool in its own process; CPU is the median milliseconds per page. extruct "
        "reads JSON-LD, microdata, RDFa, and Open Graph; schema.org terms are mapped to our fields "
        "(`benchmarks/extraction/peers/schema_org.py`).",
        table(("reads markup", "recall", "precision", "CPU"), readers),
        "Tools that prepare text for a model: mean tokens per page, and the share of the model fields' labeled "
        "values that the text still states (`presence.py`). The first line is our whole prompt, and counts values "
        "read before; all other lines are text without instruction and schema.",
        table(("text", "tokens", "values kept", "CPU", "failed pages"), texts),
    ]


def _fields(done: Measured) -> list[str]:
    note = "Recall is right / labeled, precision right / (right + wrong). Fields without a label or value are left out."
    counts = {**done.report.fields, "all": done.report.total}
    rows = [(name, one.labeled, one.right, one.wrong) for name, one in counts.items() if one.labeled or one.wrong]
    return ["## Fields", note, table(("field", "labeled", "right", "wrong"), rows)]


#: The functions that return the paragraphs of the page's sections, in this order.
SECTIONS: list[Callable[[Measured], list[str]]] = [
    _figures,
    _batches,
    _played,
    _core,
    _bands,
    _evidence,
    _kinds,
    _prompts,
    _costs,
    _peers,
    _fields,
    _disputed,
]
