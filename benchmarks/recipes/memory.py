"""Recipes in memory, for tests and benchmarks."""

import threading
from collections import defaultdict
from collections.abc import Sequence

from app.property.recipes.keeper import RecipeChange
from app.property.recipes.learning import Example
from app.property.recipes.recipe import MOST_EXAMPLES, MOST_OF_HOST, Recipe
from app.property.recipes.template import likest


class MemoryRecipes:
    """A thread-safe `RecipeStore` in memory."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._recipes: dict[str, Recipe] = {}
        self._examples: dict[str, dict[str, Example]] = defaultdict(dict)

    def of_host(self, host: str) -> Sequence[Recipe]:
        with self._lock:
            return [one for one in reversed(self._recipes.values()) if one.host == host][:MOST_OF_HOST]

    def find_or_add(self, recipe: Recipe) -> Recipe:
        with self._lock:
            known = [one for one in self.of_host(recipe.host) if one.kind == recipe.kind]
            alike = likest(known, recipe.fingerprint)
            return alike[0] if alike else self._recipes.setdefault(recipe.id, recipe)

    def add_example(self, recipe_id: str, example: Example) -> None:
        with self._lock:
            kept = self._examples[recipe_id]
            place = f"{example.page.final_url}#{example.row}"
            kept.pop(place, None)
            kept[place] = example
            for old in list(kept)[:-MOST_EXAMPLES]:
                del kept[old]

    def examples(self, recipe_id: str) -> list[Example]:
        with self._lock:
            return list(self._examples[recipe_id].values())

    def forget_examples(self, recipe_id: str) -> None:
        with self._lock:
            self._examples.pop(recipe_id, None)

    def update(self, recipe_id: str, change: RecipeChange) -> Recipe | None:
        with self._lock:
            if recipe_id in self._recipes:
                self._recipes[recipe_id] = change(self._recipes[recipe_id])
            return self._recipes.get(recipe_id)
