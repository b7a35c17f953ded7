"""The recipes of a fleet as one process sees them: kept for some seconds, and counted together before they are written.

A page would else cost a query and a write. What a process that is killed had counted since the last time is lost: some
seconds of counts. What is learned, and what suspends a recipe, is written at once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import reduce

from app.errors import PropertyIntelligenceError
from app.property.recipes.keeper import RecipeChange, RecipeStore
from app.property.recipes.learning import Example
from app.property.recipes.recipe import Counts, Recipe
from app.services.runtime.ttl_cache import Kept

log = logging.getLogger(__name__)

#: how old a recipe may be, and how long counts wait
SECONDS = 5.0
#: changes of one recipe that wait at most, and hosts whose recipes are kept
_MOST_WAITING, _MOST_HOSTS = 50, 500


class SharedRecipes:
    """A `RecipeStore` in front of one that all processes share. Thread-safe."""

    def __init__(
        self, store: RecipeStore, seconds: float = SECONDS, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._seconds = seconds
        self._monotonic = monotonic
        self._lock = threading.RLock()
        self._hosts: dict[str, Kept[dict[str, Recipe]]] = {}
        self._known: dict[str, dict[str, Recipe]] = {}
        self._waiting: defaultdict[str, list[RecipeChange]] = defaultdict(list)
        self._timer: threading.Timer | None = None

    def of_host(self, host: str) -> Sequence[Recipe]:
        """Return the recipes of `host` as they were at most some seconds ago, with what was counted here since."""
        with self._lock:
            if len(self._hosts) > _MOST_HOSTS:
                self._hosts.clear()
                self._known.clear()
            fresh = Kept(lambda: self._load(host), self._seconds, monotonic=self._monotonic)
            kept = self._hosts.setdefault(host, fresh)
        return list(kept().values())

    def find_or_add(self, recipe: Recipe) -> Recipe:
        found = self._store.find_or_add(recipe)
        with self._lock:
            self._hosts.pop(recipe.host, None)
        return found

    def add_example(self, recipe_id: str, example: Example) -> None:
        self._store.add_example(recipe_id, example)

    def examples(self, recipe_id: str) -> list[Example]:
        return self._store.examples(recipe_id)

    def forget_examples(self, recipe_id: str) -> None:
        self._store.forget_examples(recipe_id)

    def update(self, recipe_id: str, change: RecipeChange) -> Recipe | None:
        """Apply `change` to the recipe and return it; None: it was forgotten. A change that only counts waits for
        others, and is then applied to what is stored by that time."""
        with self._lock:
            mine = self._known.get(recipe_id)
            if mine is not None and recipe_id in mine:
                changed = change(mine[recipe_id])
                if _only_counts(mine[recipe_id], changed) and len(self._waiting[recipe_id]) < _MOST_WAITING:
                    mine[recipe_id] = changed
                    self._waiting[recipe_id].append(change)
                    self._wake()
                    return changed
        return self._write(recipe_id, change)

    def flush(self) -> None:
        """Write what waits. What the store does not take is lost."""
        with self._lock:
            timer, self._timer = self._timer, None
            ids = list(self._waiting)
        if timer is not None:
            timer.cancel()
        for recipe_id in ids:
            try:
                self._write(recipe_id)
            except PropertyIntelligenceError as exc:
                log.warning("Counts of recipe %s are lost: %s", recipe_id, exc)

    def _load(self, host: str) -> dict[str, Recipe]:
        self.flush()
        found = {one.id: one for one in self._store.of_host(host)}
        with self._lock:
            self._known.update(dict.fromkeys(found, found))
        return found

    def _write(self, recipe_id: str, *more: RecipeChange) -> Recipe | None:
        with self._lock:
            changes = [*self._waiting.pop(recipe_id, ()), *more]
        if not changes:
            return None
        changed = self._store.update(recipe_id, lambda recipe: reduce(lambda it, change: change(it), changes, recipe))
        with self._lock:
            mine = self._known.get(recipe_id)
            if mine is not None and changed is not None:
                mine[recipe_id] = changed
            elif mine is not None:
                mine.pop(recipe_id, None)
        return changed

    def _wake(self) -> None:
        """Have what waits written soon, also if no page follows."""
        if self._timer is None:
            self._timer = threading.Timer(self._seconds, self.flush)
            self._timer.daemon = True
            with suppress(RuntimeError):  # no thread is to be had now; the next page writes it
                self._timer.start()


def _only_counts(before: Recipe, after: Recipe) -> bool:
    bare = (replace(one, counts=Counts(), recent=(), audited_at="") for one in (before, after))
    return next(bare) == next(bare)
