"""Read the generated sites twice: once with recipes, and once without recipes, asking the model about every page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from app.clock import ManualClock
from app.property.reading.base import Extraction
from app.property.reading.pipeline import extract
from app.property.recipes.keeper import RecipeKeeper, host_of
from app.property.recipes.recipe import Anchor, Recipe, RecipeState
from app.property.recipes.using import read_with
from app.property.record import WITH_PROPERTY, Method
from benchmarks.recipes.judge import Judged, alike, judge
from benchmarks.recipes.memory import MemoryRecipes
from benchmarks.recipes.simulated import Answer, ask
from benchmarks.recipes.sites import Site, SitePage

START = datetime(2026, 7, 1, tzinfo=UTC)
#: The time between the readings of two pages of a site.
PACE = timedelta(hours=3)
#: The model is down during these pages of each site (counted from 0), which include the first redesigned page.
DOWN = range(18, 22)


@dataclass(frozen=True, slots=True)
class Tokens:
    prompt: int = 0
    cached: int = 0
    completion: int = 0

    @classmethod
    def of(cls, answer: Answer) -> Tokens:
        return cls(answer.prompt_tokens, answer.cached_tokens, answer.completion_tokens)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result for one page.

    `nth` counts the pages of its template from 1; 0 for a page without a property. `open` are the fields left for the
    model. `audited` means that no field was left, but the model was asked anyway. `called` tells whether the model
    answered, and `applied` whether a recipe read the page. `every` and `every_tokens` are the results if the model is
    asked on every page.
    """

    site: int
    number: int
    page: SitePage
    nth: int
    open: tuple[str, ...]
    audited: bool
    called: bool
    applied: bool
    judged: Judged
    tokens: Tokens
    every: Judged
    every_tokens: Tokens
    wrong_given: int

    @property
    def needed(self) -> bool:
        return bool(self.open)

    @property
    def after_redesign(self) -> bool:
        return self.page.template.endswith("/2")


@dataclass(frozen=True, slots=True)
class Poisoned:
    url: str
    field: str
    anchor: Anchor
    value: Any


@dataclass
class Run:
    """All results, with each site's final recipes and recipe keeper, and the anchors learned from wrong answers."""

    sites: Sequence[Site]
    outcomes: list[Outcome] = field(default_factory=list)
    recipes: dict[int, Sequence[Recipe]] = field(default_factory=dict)
    keepers: dict[int, RecipeKeeper] = field(default_factory=dict)
    poisoned: list[Poisoned] = field(default_factory=list)
    wrong_accepted: int = 0


def run(sites: Iterable[Site], progress: Callable[[str], None] = lambda _: None) -> Run:
    """Read all pages of all sites, taking one page of each site in turn."""
    known = list(sites)
    found = Run(known)
    readers = [_Reader(at, site) for at, site in enumerate(known)]
    for number in range(max((len(site.pages) for site in known), default=0)):
        for reader in readers:
            if number < len(reader.site.pages):
                found.outcomes.append(reader.read(number))
        progress(f"page {number + 1} of every site")
    for reader in readers:
        found.recipes[reader.at] = reader.recipes()
        found.keepers[reader.at] = reader.keeper
        found.poisoned += reader.poisoned()
        found.wrong_accepted += sum(len(wrong) for _, wrong in reader.wrong)
    return found


class _Reader:
    def __init__(self, at: int, site: Site) -> None:
        self.at, self.site = at, site
        self._clock = ManualClock(START)
        self._store = MemoryRecipes()
        self.keeper = RecipeKeeper(self._store, self._clock)
        self._seen = Counter[str]()
        self._hosts = sorted({host_of(page.page(START)) for page in site.pages})
        #: Each page for which the check accepted wrong answers, and these answers by field.
        self.wrong: list[tuple[SitePage, dict[str, Any]]] = []
        self._anchors: dict[tuple[str, str, Anchor], Recipe] = {}

    def read(self, number: int) -> Outcome:
        page = self.site.pages[number]
        self._clock.advance(PACE.total_seconds())
        fetched = page.page(self._clock.now())
        read = self.keeper.read(fetched, self._store.of_host(host_of(fetched)))
        asked = read.extraction.asked("missing") if read.extraction.kind in WITH_PROPERTY else ()
        answer = ask(read.extraction, page) if asked and number not in DOWN else None
        every = _every(page, self._clock.now())
        tokens = Tokens.of(answer) if answer else Tokens()
        every_tokens = Tokens.of(every) if isinstance(every, Answer) else Tokens()
        saved = max(0, every_tokens.prompt - tokens.prompt)
        dropped = answer.dropped if answer else ()
        self.keeper.learn(read, asked, answer.extraction if answer else None, dropped=dropped, saved_tokens=saved)
        if answer is not None and answer.wrong:
            self.wrong.append((page, answer.wrong))
        self._note_anchors()
        self._seen[page.template] += page.home is not None
        open_ = replace(read.extraction, audited=False).asked("missing") if asked else ()
        return Outcome(
            site=self.at,
            number=number,
            page=page,
            nth=self._seen[page.template],
            open=open_,
            audited=read.extraction.audited and not open_,
            called=answer is not None,
            applied=read.applies,
            judged=judge((answer.extraction if answer else read.extraction).record, page),
            tokens=tokens,
            every=judge((every.extraction if isinstance(every, Answer) else every).record, page),
            every_tokens=every_tokens,
            wrong_given=answer.wrong_given if answer else 0,
        )

    def recipes(self) -> Sequence[Recipe]:
        return [recipe for host in self._hosts for recipe in self._store.of_host(host)]

    def _note_anchors(self) -> None:
        for recipe in self.recipes():
            for name, anchors in recipe.fields.items():
                self._anchors.update({(recipe.id, name, anchor): recipe for anchor in anchors})

    def poisoned(self) -> Iterator[Poisoned]:
        """Yield each anchor that reproduces a wrong but accepted answer of the model, on the page of that answer."""
        for page, wrong in self.wrong:
            for (_, name, anchor), recipe in self._anchors.items():
                if name in wrong and _reads(recipe, name, anchor, page, wrong[name]):
                    yield Poisoned(page.url, name, anchor, wrong[name])


def _reads(recipe: Recipe, name: str, anchor: Anchor, page: SitePage, value: Any) -> bool:
    alone = replace(
        recipe, fields={name: (anchor,)}, suspended={}, state=RecipeState.ACTIVE, never=(), unanswered=(), usual=1.0
    )
    read = read_with(page.page(START), [alone])
    return any(
        one.method is Method.RECIPE and one.field == name and alike(one.value, value)
        for one in read.extraction.candidates
    )


def _every(page: SitePage, now: datetime) -> Answer | Extraction:
    """Read the page without recipes, and ask the model for missing fields, even on the pages in `DOWN`."""
    extraction = extract(page.page(now))
    is_asked = extraction.kind in WITH_PROPERTY and extraction.asked("missing")
    return ask(extraction, page) if is_asked else extraction
