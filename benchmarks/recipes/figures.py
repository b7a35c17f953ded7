"""Compute the figures of a run."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from app.property.page import Page
from app.property.reading.model.label_words import names
from app.property.reading.pipeline import extract
from app.property.reading.terms import words_of
from app.property.recipes.keeper import host_of
from app.property.record import Method
from benchmarks.recipes.cost import Cost, by_template, of_every, of_recipes, of_schema
from benchmarks.recipes.judge import Judged, Wrong
from benchmarks.recipes.run import DOWN, START, Outcome, Run

#: Recipes learn from this many first pages of each template. The main figures describe the pages after them.
LEARNING = 5
_ROUNDS, _MOST_TIMED = 7, 60


@dataclass(frozen=True, slots=True)
class Values:
    recall: float
    precision: float

    @classmethod
    def of(cls, judged: Sequence[Judged]) -> Values:
        right = sum(one.right for one in judged)
        stated, stored = sum(one.stated for one in judged), sum(one.stored for one in judged)
        return cls(right / max(1, stated), right / max(1, stored))


@dataclass(frozen=True, slots=True)
class Relearned:
    """How fast recipes learned a redesigned template, which has `pages` pages.

    `learned` is the number of pages before the first page that a recipe read. `while_up` is the same without the pages
    during the model's outage. `free` is the number of pages before the first page on which no field was left for the
    model. None means never.
    """

    host: str
    template: str
    layout: str
    pages: int
    learned: int | None
    while_up: int | None
    free: int | None


@dataclass
class Figures:
    """The figures in recipes.md.

    `later` are pages from a template's 6th on. `free` are later pages on which no field was left for the model;
    `silent` are free pages without an audit. `values` describe the free pages; `every` describes the same pages if the
    model is asked on every page. `known` and `unknown` count values of free pages and how many are stored: values under
    labels that readers know, and all others. Other later pages were read by no recipe (`unlearned`), or by a recipe
    that left fields open (`partly`). `open` counts, for each field, the partly read pages that lacked it, and those
    that lacked only this field. `layouts` counts later and free pages by layout.
    """

    sites: int
    pages: int
    templates: int
    later: int
    free: int
    silent: int
    values: Values
    every: Values
    known: tuple[int, int]
    unknown: tuple[int, int]
    all_values: Values
    all_every: Values
    redesigned_stored: int
    redesigned_by_recipe: int
    redesigned_wrong: int
    redesigned_every: int
    relearned: list[Relearned]
    poisoned: int
    wrong_given: int
    wrong_accepted: int
    cpu: float
    costs: dict[str, tuple[Cost, Cost]]
    layouts: dict[str, tuple[int, int]]
    open: dict[str, tuple[int, int]]
    unlearned: int
    partly: int
    wrong: list[tuple[str, Wrong]] = field(default_factory=list)

    @property
    def free_share(self) -> float:
        return self.free / max(1, self.later)


def figures(found: Run, *, rounds: int = _ROUNDS) -> Figures:
    outcomes = found.outcomes
    templates = by_template(outcomes)
    later = [one for one in outcomes if one.nth > LEARNING]
    free = [one for one in later if not one.needed]
    redesigned = [one for one in outcomes if one.after_redesign]
    by_recipe = [wrong for one in redesigned for wrong in one.judged.wrong if wrong.method == Method.RECIPE]
    return Figures(
        sites=len(found.sites),
        pages=len(outcomes),
        templates=len(templates),
        later=len(later),
        free=len(free),
        silent=sum(not one.audited for one in free),
        values=Values.of([one.judged for one in free]),
        every=Values.of([one.every for one in free]),
        known=_stored(free, unknown=False),
        unknown=_stored(free, unknown=True),
        all_values=Values.of([one.judged for one in outcomes]),
        all_every=Values.of([one.every for one in outcomes]),
        redesigned_stored=sum(one.judged.stored for one in redesigned),
        redesigned_by_recipe=len(by_recipe),
        redesigned_wrong=sum(len(one.judged.wrong) for one in redesigned),
        redesigned_every=sum(len(one.every.wrong) for one in redesigned),
        relearned=[
            _relearned(found, site, name, ones) for (site, name), ones in templates.items() if ones[0].after_redesign
        ],
        poisoned=len(found.poisoned),
        wrong_given=sum(one.wrong_given for one in outcomes),
        wrong_accepted=found.wrong_accepted,
        cpu=cpu_ratio(found, free, rounds=rounds),
        costs={
            "asking on every page": (of_every(outcomes), of_every(later)),
            "recipes": (of_recipes(outcomes), of_recipes(later)),
            "crawl4ai's cached schema": (of_schema(outcomes), of_schema(outcomes, later)),
        },
        layouts={
            layout: (sum(one.page.layout == layout for one in later), sum(one.page.layout == layout for one in free))
            for layout in sorted({one.page.layout for one in later})
        },
        open=_open([one for one in later if one.needed and one.applied]),
        unlearned=sum(one.needed and not one.applied for one in later),
        partly=sum(one.needed and one.applied for one in later),
        wrong=[
            (one.page.layout, wrong) for one in outcomes for wrong in one.judged.wrong if wrong.method == Method.RECIPE
        ],
    )


def _stored(free: Sequence[Outcome], *, unknown: bool) -> tuple[int, int]:
    facts = [
        (one, fact.field)
        for one in free
        if one.page.home is not None
        for fact in one.page.home.facts
        if names(fact.field, words_of(fact.label or fact.key), None) is not unknown
    ]
    return len(facts), sum(name not in one.judged.missed for one, name in facts)


def _open(asking: Sequence[Outcome]) -> dict[str, tuple[int, int]]:
    counted = Counter(name for one in asking for name in one.open)
    alone = Counter(one.open[0] for one in asking if len(one.open) == 1)
    return {name: (count, alone[name]) for name, count in counted.most_common()}


def _relearned(found: Run, site: int, name: str, ones: Sequence[Outcome]) -> Relearned:
    learned = next((at for at, one in enumerate(ones) if one.applied), None)
    free = next((at for at, one in enumerate(ones) if not one.needed), None)
    while_up = None if learned is None else sum(one.number not in DOWN for one in ones[:learned])
    return Relearned(found.sites[site].host, name, ones[0].page.layout, len(ones), learned, while_up, free)


def cpu_ratio(found: Run, free: Sequence[Outcome], *, rounds: int) -> float:
    """Return the CPU time of reading pages with recipes, relative to reading without: the median of all rounds."""
    step = max(1, len(free) // _MOST_TIMED)
    timed = free[::step]
    ratios = []
    for number in range(rounds + 1):
        seconds = [0.0, 0.0]
        for one in timed:
            host = host_of(one.page.page(START))
            known = [recipe for recipe in found.recipes[one.site] if recipe.host == host]
            ways: list[Callable[[Page], object]] = [extract, partial(found.keepers[one.site].read, known=known)]
            for way in (0, 1) if number % 2 else (1, 0):
                page = one.page.page(START)
                began = time.process_time()
                ways[way](page)
                seconds[way] += time.process_time() - began
        ratios.append(seconds[1] / seconds[0] if seconds[0] else 1.0)
    return statistics.median(ratios[1:])
