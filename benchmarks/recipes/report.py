"""From figures to `docs/benchmarks/recipes.md`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.recipes.cost import MODEL
from benchmarks.recipes.figures import Figures, Relearned
from benchmarks.recipes.real import Host
from benchmarks.workers.tables import prose, table

_ABOUT = """
`make bench-recipes` measures this page. It generates {sites} sites with {pages:,} pages from a seed and reads them page
by page, once with [recipes](../recipes.md) and once asking a model about every page. Two pages of one site are three
hours apart.

The sites use common labels, abbreviations, and labels that no reader knows, such as `Vintage` for the year built, in
five languages and 13 HTML layouts, and two shapes of a county's JSON layer. Each site has two templates or more. Fields
are missing on some pages. Around the facts stand homes nearby with prices, values of other years, an office's address,
a mortgage calculator, menus, and galleries; in between come search results, agents, and pages that are gone. Every
third site is redesigned halfway: other layouts, classes, order, and half of its labels.

The model is simulated. It knows what every label means and answers from the page's truth with a quote of the text that
it was sent. With a chance of 3% for each value it takes another one from the page instead, and it prefers wrong values
that the check of quotes believes. It does not answer during pages 19 to 22 of each site, around the redesign. Its
answers pass the same check as in production. A template is new when it is seen for the first time and after a
redesign. Seed {seed}; {machine}.
"""
_CRAWL4AI = """
Cost is the model's part, at the price of `{model}` with cached input. "From the first page" is the whole run, "known
site" are pages from a template's 6th on. crawl4ai 0.9.2 was not run; its cost is computed from its source and
[documentation](https://docs.crawl4ai.com/extraction/no-llm-strategies/): `JsonCssExtractionStrategy.generate_schema`
sends 4,100 tokens of instructions and one page's HTML without head, scripts, and most attributes, once for each
template. The assumptions favor it: one call without refinement, an example of the wanted JSON from the user, and a new
schema on the very page of a redesign, which crawl4ai does not notice by itself. Its share of values is an upper bound:
its selectors find every value that stands in an element of its own on the page and on the template's first page. It
reads no JSON, scripts, or prose, nothing says that a value is wrong, and values come as text, without types.
"""
_ASKS = """
Of the pages from a template's 6th on, {asking} asked a model. No recipe read {unlearned} of them: the template was not
learned yet, or it shares a recipe with one that looks alike. A recipe left fields open on {partly}. A field stays open
until its anchors are borne out. A wrong answer among the first pages delays that until enough right ones stand against
it. A count has to differ between pages before it is more than chance. Facts in prose have no anchor. Values under
labels that no reader knows are missed, with recipes and without, where the check refuses the
model's answer for lack of a label.
"""
_REAL = """
The labelled pages of real sites: hosts with two pages or more, read with a simulated model that answers from the
labels, then once more to see what the recipes read. A recipe takes four pages of a template, and few of
these hosts have that many.
"""
_MOST_TOLD = 12
#: pages in which a redesigned template should be learned; templates with fewer pages are not counted
_ENOUGH = 6


def write_report(one: Figures, hosts: Sequence[Host] | None, *, docs: Path, seed: int, machine: str) -> None:
    """Write `recipes.md` below `docs`; without `hosts` the labelled pages are not there."""
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
        _hosts(hosts) if hosts is not None else "The labelled pages were not there.",
    ]
    docs.mkdir(parents=True, exist_ok=True)
    (docs / "recipes.md").write_text("\n\n".join(sections) + "\n", encoding="utf-8")


Row = tuple[str, str, str, bool]


def _rows(one: Figures) -> list[Row]:
    """Figure, target, what was measured, and whether that meets it."""
    again = [each for each in one.relearned if each.pages > _ENOUGH]
    in_time = sum(each.heard is not None and each.heard <= _ENOUGH for each in again)
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
        ("the same without those that an audit asked about", "", _percent(one.silent / max(1, one.later)), True),
        ("recall on those pages", "≥ 0.97", f"{values.recall:.3f}", values.recall >= 0.97),
        ("recall on the same pages when each is asked about", "", f"{every.recall:.3f}", True),
        (
            "values stored of those under labels that readers know; under labels that none knows",
            "",
            f"{_percent(one.known[1] / max(1, one.known[0]))} of {one.known[0]:,}; "
            f"{_percent(one.unknown[1] / max(1, one.unknown[0]))} of {one.unknown[0]:,}",
            True,
        ),
        ("precision on those pages", "≥ 0.99", f"{values.precision:.4f}", values.precision >= 0.99),
        ("precision on the same pages when each is asked about", "", f"{every.precision:.4f}", True),
        (
            "wrong values of recipes stored after a redesign",
            "≤ 0.1% of values",
            f"{one.redesigned_by_recipe} of {one.redesigned_stored:,}",
            by_recipe <= 0.001,
        ),
        (
            "wrong values stored after a redesign, by readers and the model as well",
            "",
            f"{one.redesigned_wrong}; asking on every page: {one.redesigned_every}",
            True,
        ),
        (
            "pages until a redesigned template is learned again, without those while the model was down",
            f"≤ {_ENOUGH}",
            f"{in_time} of {len(again)} templates within {_ENOUGH}; {_mean([each.heard for each in again])} on average",
            in_time == len(again),
        ),
        (
            "pages until a redesigned template's page needs no call, all pages counted",
            "",
            f"{free_in_time} of {len(again)} templates within {_ENOUGH}; "
            f"{_mean([each.free for each in again])} on average",
            True,
        ),
        (
            "anchors learned from a wrong answer",
            "0",
            f"{one.poisoned}, of {one.believed_wrong} wrong answers that the check believed",
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
    rows = [(name, str(pages), str(alone)) for name, (pages, alone) in list(one.open.items())[:_MOST_TOLD]]
    return table(("field", "pages that asked for it", "for it alone"), rows)


def _layouts(one: Figures) -> str:
    rows = [(name, str(pages), _percent(free / pages)) for name, (pages, free) in one.layouts.items()]
    return table(("layout", "pages from the 6th on", "that need no call"), rows)


def _redesigned(relearned: Sequence[Relearned]) -> str:
    rows = [
        (
            one.host,
            one.template.partition("/")[0],
            one.layout,
            str(one.pages),
            *map(_count, (one.learned, one.heard, one.free)),
        )
        for one in relearned
    ]
    heads = (
        "site",
        "template",
        "new layout",
        "pages",
        "until learned",
        "with the model up",
        "until one needed no call",
    )
    return table(heads, rows)


def _count(pages: int | None) -> str:
    return "never" if pages is None else str(pages)


def _wrong(one: Figures) -> str:
    if not one.wrong:
        return "None on any page."
    told = [
        f"- `{wrong.field}` {wrong.stored!r} instead of {wrong.expected!r} ({layout}, {wrong.url})"
        for layout, wrong in one.wrong[:_MOST_TOLD]
    ]
    more = [f"- and {len(one.wrong) - _MOST_TOLD} more"] if len(one.wrong) > _MOST_TOLD else []
    return "\n".join([*told, *more])


def _hosts(hosts: Sequence[Host]) -> str:
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
    told = [f"- {one.name}: {wrong}" for one in hosts for wrong in one.wrong]
    return "\n".join([table(heads, rows), *([""] if told else []), *told])


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def _mean(counts: Sequence[int | None]) -> str:
    known = [count for count in counts if count is not None]
    return f"{sum(known) / len(known):.1f}" if known else "—"
