"""Write the figures to `docs/benchmarks/recipes.md`."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.recipes.cost import MODEL
from benchmarks.recipes.figures import Figures, Relearned
from benchmarks.recipes.real import Host
from benchmarks.workers.tables import prose, table

_ABOUT = """
`make bench-recipes` generates {sites} sites with {pages:,} pages from a seed and reads them twice, with
[recipes](../recipes.md) and with a model call for every page. Pages of one site are three hours apart.

The sites have common, abbreviated, and unknown labels (such as `Vintage` for the year built), five languages, 13 HTML
layouts, two forms of a county's JSON, and two templates or more each. Around the facts stand nearby homes with prices,
values of other years, an office's address, a mortgage calculator, menus, and galleries; search results, agents, and
gone pages come in between. Every third site is redesigned halfway, with half of its labels renamed.

The simulated model answers from the truth with quotes of the sent text. Each value is wrong with a chance of 3 %,
preferably one that the quote check accepts. It is down during pages 19 to 22 of each site, around the redesign. A
template is new at first sight and after a redesign. Seed {seed}; {machine}.
"""
_CRAWL4AI = """
The model's cost, at the price of `{model}` with cached input; a *known site* begins at a template's 6th page. crawl4ai
0.9.2 was not run: its cost follows from its source and
[documentation](https://docs.crawl4ai.com/extraction/no-llm-strategies/). `JsonCssExtractionStrategy.generate_schema`
sends 4,100 tokens of instructions and one page's HTML per template. The assumptions favor it: one call, an example from
the user, a new schema on the very page of a redesign, and every value in an element of its own found. It reads no JSON,
scripts, or prose, detects no wrong values, and returns text without types.
"""
_ASKS = """
Of the pages from a template's 6th on, {asking} needed a model. {unlearned} had no recipe yet, or shared one with a
similar template; {partly} had open fields. A field is open until its anchors are confirmed, which wrong answers delay.
A count must differ between pages; facts in prose have no anchor. Values under unknown labels are missed either way,
since the check rejects answers without a label.
"""
_REAL = """
Labeled real sites with two pages or more, read with a simulated model and again with recipes. A recipe needs four pages
of a template, which few of these hosts have.
"""
_MOST_LISTED = 12
#: A redesigned template should be learned within this many pages. Templates with at most this many pages are not
#: counted.
_ENOUGH = 6


def write_report(one: Figures, hosts: Sequence[Host] | None, *, docs: Path, seed: int, machine: str) -> None:
    """`hosts` is None if the labeled pages are missing."""
    about = _ABOUT.format(sites=one.sites, pages=one.pages, seed=seed, machine=machine)
    rows = _rows(one)
    sections = [
        "# Recipes: pages that need no model",
        prose(about),
        table(("figure", "target", "measured"), [row[:3] for row in rows]),
        _misses(rows),
        "## Model calls over pages",
        "![Model calls of a site that is redesigned halfway, with recipes and asking on every page](recipes.svg)",
        "## Cost for 1,000 pages",
        _costs(one),
        prose(_CRAWL4AI.format(model=MODEL)),
        "## What still asks",
        prose(_ASKS.format(asking=one.unlearned + one.partly, unlearned=one.unlearned, partly=one.partly)),
        _open(one),
        "## By layout",
        _layouts(one),
        "## Redesigned templates",
        _redesigned(one.relearned),
        "## Wrong values read by recipes",
        _wrong(one),
        "## Real hosts",
        prose(_REAL),
        _hosts(hosts) if hosts is not None else "The labeled pages were not there.",
    ]
    docs.mkdir(parents=True, exist_ok=True)
    (docs / "recipes.md").write_text("\n\n".join(sections) + "\n", encoding="utf-8")


Row = tuple[str, str, str, bool]


def _rows(one: Figures) -> list[Row]:
    again = [each for each in one.relearned if each.pages > _ENOUGH]
    in_time = sum(each.while_up is not None and each.while_up <= _ENOUGH for each in again)
    free_in_time = sum(each.free is not None and each.free <= _ENOUGH for each in again)
    values, every = one.values, one.every
    by_recipe = one.redesigned_by_recipe / max(1, one.redesigned_stored)
    return [
        (
            "pages from a template's 6th on that need no model call",
            "≥ 90%",
            f"{_percent(one.free_share)} of {one.later}",
            one.free_share >= 0.9,
        ),
        ("the same, without audits", "", _percent(one.silent / max(1, one.later)), True),
        ("recall on those pages", "≥ 0.97", f"{values.recall:.3f}", values.recall >= 0.97),
        ("the same, asking on every page", "", f"{every.recall:.3f}", True),
        (
            "values stored under known labels; under unknown labels",
            "",
            f"{_percent(one.known[1] / max(1, one.known[0]))} of {one.known[0]:,}; "
            f"{_percent(one.unknown[1] / max(1, one.unknown[0]))} of {one.unknown[0]:,}",
            True,
        ),
        ("precision on those pages", "≥ 0.99", f"{values.precision:.4f}", values.precision >= 0.99),
        ("the same, asking on every page", "", f"{every.precision:.4f}", True),
        (
            "wrong values of recipes stored after a redesign",
            "≤ 0.1% of values",
            f"{one.redesigned_by_recipe} of {one.redesigned_stored:,}",
            by_recipe <= 0.001,
        ),
        (
            "the same, with those of readers and the model",
            "",
            f"{one.redesigned_wrong}; asking on every page: {one.redesigned_every}",
            True,
        ),
        (
            "pages until a redesigned template is learned again, model up",
            f"≤ {_ENOUGH}",
            f"{in_time} of {len(again)} templates within {_ENOUGH}; {_mean([r.while_up for r in again])} on average",
            in_time == len(again),
        ),
        (
            "pages until one needs no call, all pages",
            "",
            f"{free_in_time} of {len(again)} templates within {_ENOUGH}; "
            f"{_mean([each.free for each in again])} on average",
            True,
        ),
        (
            "anchors learned from a wrong answer",
            "0",
            f"{one.poisoned}, of {one.wrong_accepted} accepted wrong answers",
            not one.poisoned,
        ),
        ("CPU per page with a recipe, relative to without", "≤ 1.1×", f"{one.cpu:.2f}×", one.cpu <= 1.1),
        (
            "recall / precision of all pages; asking on every page",
            "",
            f"{one.all_values.recall:.3f} / {one.all_values.precision:.3f}; "
            f"{one.all_every.recall:.3f} / {one.all_every.precision:.3f}",
            True,
        ),
    ]


def _misses(rows: Sequence[Row]) -> str:
    missed = [f"- {name}: {measured} (target {target})" for name, target, measured, is_met in rows if not is_met]
    return "Every target is met." if not missed else "\n".join(["Missed targets:", "", *missed])


def _costs(one: Figures) -> str:
    rows = [
        (
            name,
            f"${first.usd:.3f}",
            f"{first.calls:.0f}",
            _percent(first.read),
            f"${later.usd:.3f}",
            f"{later.calls:.0f}",
            _percent(later.read),
        )
        for name, (first, later) in one.costs.items()
    ]
    heads = ("", "from the first page", "calls", "values read", "known site", "calls", "values read")
    return table(heads, rows)


def _open(one: Figures) -> str:
    rows = [(name, str(pages), str(alone)) for name, (pages, alone) in list(one.open.items())[:_MOST_LISTED]]
    return table(("field", "pages asking for it", "for it alone"), rows)


def _layouts(one: Figures) -> str:
    rows = [(name, str(pages), _percent(free / pages)) for name, (pages, free) in one.layouts.items()]
    return table(("layout", "pages from the 6th on", "without a call"), rows)


def _redesigned(relearned: Sequence[Relearned]) -> str:
    rows = [
        (
            one.host,
            one.template.partition("/")[0],
            one.layout,
            str(one.pages),
            *map(_count, (one.learned, one.while_up, one.free)),
        )
        for one in relearned
    ]
    heads = ("site", "template", "new layout", "pages", "until learned", "with the model up", "until no call")
    return table(heads, rows)


def _count(pages: int | None) -> str:
    return "never" if pages is None else str(pages)


def _wrong(one: Figures) -> str:
    if not one.wrong:
        return "None on any page."
    listed = [
        f"- `{wrong.field}` {wrong.stored!r} instead of {wrong.expected!r} ({layout}, {wrong.url})"
        for layout, wrong in one.wrong[:_MOST_LISTED]
    ]
    more = [f"- and {len(one.wrong) - _MOST_LISTED} more"] if len(one.wrong) > _MOST_LISTED else []
    return "\n".join([*listed, *more])


def _hosts(hosts: Sequence[Host]) -> str:
    if not any(one.active for one in hosts):
        pages, templates = sum(one.pages for one in hosts), sum(one.templates for one in hosts)
        return f"{len(hosts)} hosts have {pages} pages of {templates} templates; no template was learned."
    rows = [
        (
            one.name,
            str(one.pages),
            str(one.templates),
            str(one.active),
            str(one.anchors),
            str(one.read),
            str(len(one.wrong)),
        )
        for one in hosts
    ]
    heads = ("host", "pages", "templates", "learned", "anchors", "values by recipes", "wrong")
    listed = [f"- {one.name}: {wrong}" for one in hosts for wrong in one.wrong]
    return "\n".join([table(heads, rows), *([""] if listed else []), *listed])


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def _mean(counts: Sequence[int | None]) -> str:
    known = [count for count in counts if count is not None]
    return f"{sum(known) / len(known):.1f}" if known else "—"
