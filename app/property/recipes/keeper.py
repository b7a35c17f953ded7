"""Manage the life cycle of recipes: learning, use, audits, suspension, and relearning."""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

from app.clock import Clock
from app.errors.pages import PageTooComplexError
from app.property.page import Page
from app.property.reading.base import Extraction
from app.property.reading.budget import reading
from app.property.reading.ranking import same
from app.property.recipes.learning import LEAST_PAGES, Example, example_of, learn
from app.property.recipes.recipe import MOST_EXAMPLES, Counts, Recipe, RecipeState, new_recipe, recipe_host
from app.property.recipes.typed import READER
from app.property.recipes.using import RecipeReading, read_with
from app.property.record import WITH_PROPERTY, Method

_LOG = logging.getLogger(__name__)

#: A recipe is suspended if the mean of `Recipe.recent` over its newest `_RECENT` pages is below `_LEAST_RECENT`.
_RECENT, _LEAST_RECENT = 8, 0.75
#: Minimum time between two attempts to relearn a suspended recipe.
_RELEARNED_AFTER = timedelta(days=1)
_LEARNED = ["state", "reason", "fields", "suspended", "never", "unanswered", "unsure", "outvoted"]
_LEARNED += ["usual", "learned_from"]
_LEARNING_SECONDS = 10.0
RecipeChange = Callable[[Recipe], Recipe]


class RecipeStore(Protocol):
    """A store of recipes and examples: the database, or memory in tests and benchmarks."""

    def of_host(self, host: str) -> Sequence[Recipe]:
        """Return up to `MOST_OF_HOST` recipes of `host`: handwritten ones first, then the most recently updated."""
        ...

    def find_or_add(self, recipe: Recipe) -> Recipe:
        """Return the stored recipe for the same template and kind. If there is none, store `recipe` and return it."""
        ...

    def add_example(self, recipe_id: str, example: Example) -> None:
        """Store an example, replacing an older example of the same page. Keep the newest `MOST_EXAMPLES` per recipe."""
        ...

    def examples(self, recipe_id: str) -> list[Example]: ...

    def forget_examples(self, recipe_id: str) -> None: ...

    def update(self, recipe_id: str, change: RecipeChange) -> Recipe | None:
        """Replace the stored recipe by the result of `change`, in one transaction.

        Return the result, or None if the recipe was deleted. `change` must be a pure function, because the transaction
        may be repeated.
        """
        ...


@dataclass(frozen=True, slots=True)
class AuditRate:
    """How often a page that a recipe read is audited: a model is then asked for all fields of the page.

    `share` is the share of audited pages, from 0 (no audits) to 1. For recipes with fewer than `young` pages,
    `young_share` applies if it is higher.
    """

    share: float = 0.02
    young_share: float = 0.1
    young: int = 50

    def chooses(self, page: Page, recipe: Recipe) -> bool:
        """Return whether to audit `page`. The choice depends only on the hash of its body."""
        share = max(self.share, self.young_share) if recipe.counts.pages < self.young and self.share else self.share
        return int(page.sha256[:8], 16) < share * 0x1_0000_0000


class RecipeKeeper:
    """Reads pages with recipes, and learns recipes from a model's answers. Thread-safe."""

    def __init__(self, store: RecipeStore, clock: Clock, audits: AuditRate | None = None) -> None:
        self._store = store
        self._clock = clock
        self._audits = audits or AuditRate()

    def read(self, page: Page, known: Sequence[Recipe]) -> RecipeReading:
        """Read `page` with `known`, the recipes of its host. If the page is audited, mark the extraction as `audited`.

        Raises `PageTooComplexError` if the page exceeds the limits for reading.
        """
        read = read_with(page, known)
        if read.recipe is None or not read.applies or not self._audits.chooses(page, read.recipe):
            return read
        return replace(read, extraction=replace(read.extraction, audited=True))

    def learn(
        self,
        read: RecipeReading,
        asked: Collection[str],
        answered: Extraction | None,
        *,
        dropped: Collection[str] = (),
        saved_tokens: int = 0,
    ) -> None:
        """Update the recipe's counters with a page that was read, store the page as an example, and relearn the recipe
        if needed.

        Fields for which the model's answer contradicts the recipe are suspended.

        `asked` are the fields that a model was asked for; empty means no model call. `answered` is the extraction with
        the model's checked values, or None if the model did not answer. `dropped` are fields for which the model's
        value was rejected. `saved_tokens` counts prompt tokens that were not sent because of the recipe.
        """
        extraction = read.extraction
        if extraction.kind not in WITH_PROPERTY or (asked and answered is None):
            return
        recipe = read.recipe if read.recipe is not None and read.recipe.kind in ("", extraction.kind) else None
        if recipe is None:
            if not asked:
                return
            recipe = self._store.find_or_add(new_recipe(host_of(extraction.page), read.fingerprint, extraction.kind))
        wrong = _denied(read, answered) if asked and answered is not None and read.applies else {}
        if recipe.state is RecipeState.ACTIVE:
            self._count(read, recipe, wrong, asked=bool(asked), saved_tokens=saved_tokens)
        if asked and answered is not None and not recipe.written:
            self._store.add_example(recipe.id, example_of(answered, asked, dropped))
            taught = self._store.update(recipe.id, lambda stored: replace(stored, taught=stored.taught + 1))
            if taught is not None and (wrong or not read.applies or _is_due(taught)):
                self._relearn(taught)

    def _count(
        self, read: RecipeReading, recipe: Recipe, wrong: dict[str, str], *, asked: bool, saved_tokens: int
    ) -> None:
        now = self._clock.now()
        one = Counts(
            pages=1,
            without_model=int(not asked),
            hits=len(read.hits),
            misses=len(read.misses),
            contradicted=len(read.contradicted) + len(wrong),
            audits=int(read.extraction.audited),
            saved_tokens=0 if asked else saved_tokens,
        )

        def change(stored: Recipe) -> Recipe:
            recent = (*stored.recent, round(read.found, 3))[-_RECENT:]
            audited = now.isoformat() if read.extraction.audited else stored.audited_at
            suspended = {**stored.suspended, **{name: why for name, why in wrong.items() if name in stored.fields}}
            changed = replace(
                stored, counts=stored.counts.plus(one), recent=recent, audited_at=audited, suspended=suspended
            )
            return _judged(changed)

        changed = self._store.update(recipe.id, change)
        if changed is not None and changed.state is RecipeState.SUSPENDED and not changed.written:
            self._store.forget_examples(recipe.id)

    def _relearn(self, recipe: Recipe) -> None:
        now = self._clock.now()
        is_again = recipe.state is RecipeState.SUSPENDED and recipe.relearned_at
        if is_again and now - datetime.fromisoformat(recipe.relearned_at) < _RELEARNED_AFTER:
            return
        examples = self._store.examples(recipe.id)
        learned = _learned(recipe, examples) if len(examples) >= LEAST_PAGES else recipe

        def change(stored: Recipe) -> Recipe:
            tried = replace(stored, tried=recipe.taught)
            if learned is recipe:
                return tried
            counts = Counts() if stored.state is RecipeState.SUSPENDED else stored.counts
            relearned = now.isoformat() if stored.state is RecipeState.SUSPENDED else stored.relearned_at
            known: dict[str, Any] = {name: getattr(learned, name) for name in _LEARNED}
            known |= {"counts": counts, "learned_at": now.isoformat(), "relearned_at": relearned, "recent": ()}
            return replace(tried, **known)

        self._store.update(recipe.id, change)


def _learned(recipe: Recipe, examples: Sequence[Example]) -> Recipe:
    try:
        with reading(recipe.host, seconds=_LEARNING_SECONDS):
            return learn(recipe, examples)
    except PageTooComplexError as exc:
        _LOG.warning("Cannot learn a recipe for %s: %s", recipe.host, exc)
        return recipe


def _is_due(recipe: Recipe) -> bool:
    """Return whether to learn the recipe now: first with `LEAST_PAGES` examples, then with each new example.

    Above `MOST_EXAMPLES` examples, a quarter more must have been added.
    """
    return recipe.taught >= max(
        LEAST_PAGES, recipe.tried + 1, recipe.tried * 5 // 4 if recipe.tried > MOST_EXAMPLES else 0
    )


def host_of(page: Page) -> str:
    return recipe_host(urlsplit(page.final_url).hostname)


def _judged(recipe: Recipe) -> Recipe:
    recent = sum(recipe.recent) / len(recipe.recent) if recipe.recent else 1.0
    if len(recipe.recent) < _RECENT or recent >= _LEAST_RECENT:
        return recipe
    reason = f"the last {_RECENT} pages have {recent:.0%} of the usual fields"
    return replace(recipe, state=RecipeState.SUSPENDED, reason=reason, recent=())


def _denied(read: RecipeReading, answered: Extraction) -> dict[str, str]:
    answers = {one.field: one for one in answered.candidates if one.method is Method.LLM}
    own = {one.field: one for one in read.extraction.candidates if one.reader == READER}
    return {
        name: _contradiction(answers[name].value, own[name].value)
        for name in read.hits & answers.keys() & own.keys()
        if not same(answers[name], own[name])
    }


def _contradiction(answer: object, own: object) -> str:
    """Describe a contradiction without page text, because the text may name people and recipes are kept longer than
    pages.
    """
    if isinstance(answer, int | float) and isinstance(own, int | float):
        return f"a model read {answer!r} where the recipe read {own!r}"
    return "a model read something else than the recipe"
