"""The benchmark's page: targets beside figures, then each table that they come from."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from app.property.record import PageKind
from benchmarks.extraction.batches import AT_FIRST, Scores
from benchmarks.extraction.costs import MODEL, costs
from benchmarks.extraction.disputed import DISPUTED
from benchmarks.extraction.figures import Measured
from benchmarks.extraction.kinds import KindCase, confusion
from benchmarks.extraction.scorer import Count

_HEAD = """# Extraction, measured

`make bench-extraction-peers` writes this page; `make bench-extraction` prints its figures. {pages} saved pages of real
sites with labels by hand (`pages/truth.jsonl` below `SHARED_DIR`; other people's pages, not part of this repository),
read without a model. A value counts as right where it equals the label: areas whatever their unit to 0.5 %,
coordinates to 0.0005 degrees, any id that the page shows. A value emitted on a field that its label says is not on the
page counts as wrong. How a page becomes a record: [extraction.md](../extraction.md).
"""


#: why a figure may miss its target, by how its name begins
_WHY_MISSED = {
    "page kinds told right": "the pages that are taken for something else are listed under *Page kinds*.",
    "files that name a field": "the table of fields and the languages alone are 1.8; most of the rest is checks of one "
    "value against another ([ADR 55](../decisions/0055-knowledge-of-fields-is-data-and-a-reader-is-a-function.md)).",
    "lines of Python": "[ADR 55](../decisions/0055-knowledge-of-fields-is-data-and-a-reader-is-a-function.md) says "
    "what would have to go.",
}


def page(done: Measured) -> str:
    """The whole page."""
    parts = [_HEAD.format(pages=done.report.pages)]
    parts += [section for make in SECTIONS for section in make(done)]
    return "\n".join(part.rstrip() + "\n" for part in parts)


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _figures(done: Measured) -> list[str]:
    states = {True: "met", False: "missed", None: "–"}
    rows = [(f.name, f.shown, f.target or "–", states[f.met]) for f in done.figures]
    missed = [f.name for f in done.figures if f.met is False]
    whys = [f"- {name}: {why}" for name in missed for begins, why in _WHY_MISSED.items() if name.startswith(begins)]
    told = ["Missed, and why:", "\n".join(whys)] if whys else []
    return ["## Figures and targets", table(("figure", "measured", "target", ""), rows), *told]


def _batches(done: Measured) -> list[str]:
    """All batches of labelled pages, and what those scored at first that were written to be scored."""
    if not done.batches:
        return []
    note = (
        "Recall, precision, and core fields of every batch of labelled pages: without a model, and with a simulated "
        "one that answers from the labels what the text it was sent says, with its true quote. Batches with figures in "
        "the last two columns were written by somebody who had not seen the readers; those are their figures before "
        "anything was changed on their account, which is what a site that nobody has seen can expect. Of the answers, "
        "some right ones are rejected by the check, and some planted wrong ones are believed: another field's value "
        "with its own true quote."
    )
    rows = [
        (
            one.name, one.rules.pages, *map(_triple, one.scores),
            _share(one.sent.covered), f"{one.sent.mean_tokens:,.0f}",
            f"{len(one.answered.rejected)} of {one.answered.asked}",
            f"{len(one.answered.accepted)} of {one.answered.planted}",
            "{1} of {0}".format(*one.sure), *map(_triple, AT_FIRST.get(one.name, (None, None))),
        )
        for one in done.batches
    ]  # fmt: skip
    headings = (
        "batch", "pages", "rules", "with model", "read or sent", "tokens", "right, rejected", "planted, believed",
        "right at 0.9", "rules at first", "with model at first",
    )  # fmt: skip
    return ["## All batches", note, table(headings, rows)]


def _triple(scores: Scores | None) -> str:
    return "–" if scores is None else f"{scores.recall:.3f} / {scores.precision:.3f} / {scores.core:.3f}"


def _core(done: Measured) -> list[str]:
    rows = [(name, had, right, _share(right / had if had else None)) for name, (had, right) in done.core.fields.items()]
    note = (
        f"On {len(done.core.all_right)} of {done.core.pages} pages nothing of the core is missed or wrong. `rooms or "
        "beds` and `area` go by the first that the page has (rooms, living area)."
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
        "Values on labelled fields, by the confidence they were stored with "
        "([ADR 0052](../decisions/0052-confidence-is-fitted-on-labelled-pages.md))."
    )
    headings = ("confidence", "values", "right", "share right", "mean confidence", "right, disputed labels set aside")
    return ["## Confidence", note, table(headings, rows)]


def _evidence(done: Measured) -> list[str]:
    note = (
        "Each stored value's locator was followed again on the page: its raw text stands there, its quote on the page, "
        "and the quote says the value; a computed value follows from the fields it names."
    )
    rows = [(f"`{f.file}`", f.field, f.why) for f in done.faults]
    return ["## Evidence", note, table(("page", "field", "fault"), rows) if rows else "No value fails."]


def _disputed(done: Measured) -> list[str]:
    wrong = {(o.file, o.label): o for o in done.report.outcomes if o.verdict == "wrong"}
    note = (
        "Values that count as wrong although the page has them, as looked at by hand: all but one of these labels say "
        '"not on the page". Counted as wrong in every figure that does not say otherwise.'
    )
    rows = [(f"`{file}`", label, why) for (file, label), why in DISPUTED.items() if (file, label) in wrong]
    rest = [(f"`{o.file}`", o.label) for key, o in wrong.items() if key not in DISPUTED]
    return [
        "## Disputed labels",
        note,
        table(("page", "label", "where the value stands"), rows),
        "Wrong beyond dispute:",
        table(("page", "label"), rest),
    ]


def _kinds(done: Measured) -> list[str]:
    parts = ["## Page kinds", "Rows: what a page is; columns: what it was taken for."]
    for source, name in (("real", "Real pages"), ("own", "The project's own fixtures")):
        cases = [case for case in done.kinds if case.source == source]
        rows = [(kind, sum(row.values()), *row.values()) for kind, row in confusion(cases).items() if any(row.values())]
        parts += [f"{name}:", table(("is", "pages", *PageKind), rows)]
    wrong = [case for case in done.kinds if case.found is not case.expected]
    return [*parts, *([_wrong_kinds(wrong)] if wrong else [])]


def _wrong_kinds(wrong: Sequence[KindCase]) -> str:
    return "\n".join(f"- `{c.name}` is {c.expected}, taken for {c.found}: {c.reason}" for c in wrong)


def _prompts(done: Measured) -> list[str]:
    """Where the tokens go, and what the values that nobody covers are."""
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
        "Tokens of o200k. A labelled value is covered where it was read rightly without the model, or where its field "
        f"is asked for and the text that is sent says it: {covered} are, {read} without the model. "
    )
    names = ", ".join(f"{label} ({count})" for label, count in lost.most_common())
    return ["## What the model is sent", table(("", "mean", "median", "most"), parts), note + f"Not covered: {names}."]


def _costs(done: Measured) -> list[str]:
    """Dollars with and without the provider's cache, and how much of a prompt that can hold."""
    if not done.batches:
        return []
    told = costs(done.batches[0])
    saved = 100 * (1 - told.with_cache / told.plain) if told.plain else 0.0
    note = (
        f"List prices for 1,000 pages like these, each with one prompt ({told.prompt:,.0f} tokens on average) and the "
        f"answer that names what the page says ({told.answer:,.0f}). Of a prompt the schema and the instruction are "
        f"the same for every page: {told.alike:,} tokens, {100 * told.alike / told.prompt:.0f} %. OpenAI keeps "
        f"{told.cached:,} of them (1,024, then steps of 128), {100 * told.cached / told.prompt:.0f} % of a prompt; the "
        "rest is the page. That is reckoned for every page but the first, if no more than some minutes lie between two "
        f"requests: it saves {saved:.0f} %. OpenAI counts some tokens of its own around messages, and its word in "
        "`usage` is what is stored and shown. For batches no price of cached input is taken for granted."
    )
    rows = [
        ("one by one, nothing cached", f"${told.plain:.2f}"),
        ("one by one, the beginning cached", f"${told.with_cache:.2f}"),
        ("in batches", f"${told.batches:.2f}"),
    ]
    return ["## What the model costs", note, table((MODEL, "1,000 pages"), rows)]


def _peers(done: Measured) -> list[str]:
    """Readers of markup, then makers of text."""
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
        "One run on the same pages, decoded alike, each tool in a process of its own; CPU is the median of a page in "
        "milliseconds. extruct reads JSON-LD, microdata, RDFa and Open Graph; what schema.org has a word for is mapped "
        "to our fields (`benchmarks/extraction/peers/schema_org.py`).",
        table(("reads markup", "recall", "precision", "CPU"), readers),
        "Tools that make a text for a model: mean tokens a page, and the share of the labelled values of fields that "
        "a model is asked for which the text still says (`presence.py`, one rule for all). Tokens of the others are of "
        "the text alone: the instruction and the schema of the answer come on top. Ours are of the whole prompt in the "
        "first line, where a value also counts if it was read already, and of the text alone in the second.",
        table(("text", "tokens", "values kept", "CPU", "pages that broke it"), texts),
    ]


def _fields(done: Measured) -> list[str]:
    def row(name: str, count: Count) -> tuple[object, ...]:
        return (name, count.labelled, count.right, count.wrong, _share(count.recall), _share(count.precision))

    rows = [*(row(name, count) for name, count in done.report.fields.items()), row("all", done.report.total)]
    return ["## Fields", table(("field", "labelled", "right", "wrong", "recall", "precision"), rows)]


#: the page's sections, in this order; each gives paragraphs
SECTIONS: list[Callable[[Measured], list[str]]] = [
    _figures,
    _batches,
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
