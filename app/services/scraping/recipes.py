"""Read pages with the recipes of their site, and learn recipes from a model's answers.

If a recipe fails, the page is read without recipes.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from app.clock import Clock
from app.errors.pages import PageTooComplexError
from app.plurals import counted
from app.property.page import Page
from app.property.reading.budget import INTERRUPTIONS
from app.property.recipes.keeper import AuditRate, RecipeKeeper, RecipeStore, host_of
from app.property.recipes.recipe import Recipe, RecipeState
from app.property.recipes.using import RecipeReading, read_rows_with, read_with
from app.property.record import WITH_PROPERTY, Method
from app.services.reports.metrics.instruments import RECIPE_PAGES, RECIPE_SAVED_CALLS, RECIPE_SAVED_TOKENS
from app.services.scraping.model_reading import ModelReading
from app.services.scraping.pages import read_page
from app.settings.forms import ModelUse

log = logging.getLogger(__name__)

#: Assumed number of prompt tokens per model request, until requests show the real number.
TYPICAL_TOKENS = 4_500


class Recipes:
    """Reads pages with recipes, and stores new ones in `store` (None: recipes are off). Thread-safe."""

    def __init__(
        self, store: RecipeStore | None, clock: Clock, audits: AuditRate | None = None, use: ModelUse = "missing"
    ) -> None:
        self._store = store
        self._keeper = RecipeKeeper(store, clock, audits) if store is not None else None
        self._use = use
        self._tokens: float = TYPICAL_TOKENS

    def read(self, page: Page) -> RecipeReading:
        """Read a page without a model. Raises `PageTooComplexError`."""
        if self._keeper is not None and (known := self._of_host(page)):
            with _harmless("Reading a page without its recipe"):
                return _titled(read_page(page, partial(self._keeper.read, known=known)))
        return read_page(page, lambda page: read_with(page, ()))

    def read_rows(self, page: Page, is_worth: Callable[[str], bool]) -> list[RecipeReading]:
        """Read each row of a page with several properties if `is_worth` accepts its JSON text.

        Raises `PageTooComplexError`.
        """
        if known := self._of_host(page):
            with _harmless("Reading rows without a recipe"):
                return [_titled(one) for one in read_page(page, lambda page: read_rows_with(page, known, is_worth))]
        return read_page(page, lambda page: read_rows_with(page, (), is_worth))

    def _of_host(self, page: Page) -> Sequence[Recipe]:
        found: list[Recipe] = []
        if self._store is not None:
            with _harmless("Recipes cannot be read"):
                found += self._store.of_host(host_of(page))
        return found

    def learn(self, read: RecipeReading, reading: ModelReading, *, could_ask: bool = True) -> None:
        """Count the page in the metrics, and learn from the model's answer, if any.

        `could_ask` is False if the model would not have been asked about this page even without a recipe.
        """
        if self._keeper is None or read.extraction.kind not in WITH_PROPERTY:
            return
        # without an answer of the model, there was no audit
        read = replace(read, extraction=replace(read.extraction, audited=reading.extraction.audited))
        asked = tuple(name for name in reading.asked if name not in reading.unanswered)
        no_model = could_ask and not reading.asked and not reading.unanswered and self._use != "never"
        by_recipe = any(proof.method is Method.RECIPE for proof in read.extraction.record.evidence.values())
        is_saved = no_model and (by_recipe or bool(replace(read.extraction, settled=frozenset()).asked(self._use)))
        saved = round(self._tokens) if is_saved else 0
        if asked and reading.prompt_tokens:
            self._tokens += (reading.prompt_tokens - self._tokens) / 10
        RECIPE_PAGES.labels(outcome_of(read, reading)).inc()
        RECIPE_SAVED_CALLS.inc(int(is_saved))
        RECIPE_SAVED_TOKENS.inc(saved)
        if self._use == "never" or (reading.asked and not asked) or (reading.unanswered and not asked):
            return
        with _harmless("A page cannot be learned from", INTERRUPTIONS):
            answered = reading.extraction if asked else None
            self._keeper.learn(read, asked, answered, dropped=reading.dropped, saved_tokens=saved)


@contextmanager
def _harmless(what: str, raised: Sequence[type[Exception]] | None = None) -> Iterator[None]:
    """Log exceptions of the block instead of raising them, except for the classes in `raised`.

    By default, these are the errors for too complex pages, lack of memory, and an interrupted run.
    """
    try:
        yield
    except Exception as exc:
        if isinstance(exc, tuple((PageTooComplexError, MemoryError, *INTERRUPTIONS) if raised is None else raised)):
            raise
        log.warning("%s: %s: %s", what, type(exc).__name__, exc)


def outcome_of(read: RecipeReading, reading: ModelReading) -> str:
    if read.recipe is None or read.recipe.state is RecipeState.LEARNING:
        return "none"
    if not read.applies:
        return "not_applied"
    if read.extraction.audited:
        return "audited"
    return "asked" if reading.asked or reading.unanswered else "settled"


def _titled(read: RecipeReading) -> RecipeReading:
    recipe = read.recipe
    if recipe is None:
        return read
    how = "written by hand" if recipe.written else f"learned from {counted(recipe.learned_from, 'page')}"
    return replace(read, extraction=replace(read.extraction, recipe=f"recipe for {recipe.host}, {how}"))
