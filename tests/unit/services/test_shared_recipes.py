"""Recipes of a fleet in one process: few queries, few writes, and nothing but counts that a crash can lose."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest

from app.errors.storage import StoreError
from app.property.recipes.recipe import Counts, Recipe, RecipeState, new_recipe
from app.services.scraping.shared_recipes import SharedRecipes
from benchmarks.recipes.memory import MemoryRecipes

HOST = "homes.example"


class Noting(MemoryRecipes):
    """Counts what the database would be asked."""

    def __init__(self) -> None:
        super().__init__()
        self.queries = self.writes = 0
        self.is_away = False

    def of_host(self, host: str) -> Sequence[Recipe]:
        self.queries += 1
        return super().of_host(host)

    def update(self, recipe_id: str, change: object) -> Recipe | None:
        if self.is_away:
            raise StoreError("sqlite", "gone")
        self.writes += 1
        return super().update(recipe_id, change)  # type: ignore[arg-type]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store() -> Noting:
    return Noting()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shared(store: Noting, clock: Clock) -> SharedRecipes:
    """One that writes by no timer of its own within a test."""
    return SharedRecipes(store, 600.0, clock)


def stored(store: Noting) -> Recipe:
    (recipe,) = MemoryRecipes.of_host(store, HOST)
    return recipe


def count(recipe: Recipe) -> Recipe:
    return replace(recipe, counts=recipe.counts.plus(Counts(pages=1)), recent=(*recipe.recent, 1.0))


def suspend(recipe: Recipe) -> Recipe:
    return replace(count(recipe), state=RecipeState.SUSPENDED)


@pytest.fixture
def recipe(shared: SharedRecipes) -> Recipe:
    made = shared.find_or_add(new_recipe(HOST, frozenset({1, 2})))
    shared.of_host(HOST)
    return made


def test_many_pages_cost_one_query_and_one_write(
    shared: SharedRecipes, store: Noting, clock: Clock, recipe: Recipe
) -> None:
    queries = store.queries
    for pages in range(1, 11):
        changed = shared.update(recipe.id, count)
        assert changed is not None
        assert changed.counts.pages == pages, "what this process counted is seen at once"
        assert shared.of_host(HOST) == [changed]
    assert (store.queries - queries, store.writes) == (0, 0)
    clock.now += 601
    assert shared.of_host(HOST)[0].counts.pages == 10
    assert (store.queries - queries, store.writes, stored(store).counts.pages) == (1, 1, 10)


def test_what_suspends_a_recipe_is_written_at_once_with_what_was_counted(
    shared: SharedRecipes, store: Noting, recipe: Recipe
) -> None:
    shared.update(recipe.id, count)
    changed = shared.update(recipe.id, suspend)
    assert changed is not None
    assert (store.writes, stored(store), changed.counts.pages) == (1, changed, 2)


def test_counts_are_added_to_what_others_stored_meanwhile(shared: SharedRecipes, store: Noting, recipe: Recipe) -> None:
    shared.update(recipe.id, count)
    MemoryRecipes.update(store, recipe.id, lambda one: replace(count(one), learned_from=5))
    shared.flush()
    assert (stored(store).counts.pages, stored(store).learned_from) == (2, 5)


def test_many_changes_do_not_wait_for_ever(shared: SharedRecipes, store: Noting, recipe: Recipe) -> None:
    for _ in range(120):
        shared.update(recipe.id, count)
    assert store.writes == 2
    shared.flush()
    assert stored(store).counts.pages == 120


def test_a_recipe_that_was_forgotten_is_not_brought_back(shared: SharedRecipes, store: Noting, recipe: Recipe) -> None:
    shared.update(recipe.id, count)
    del store._recipes[recipe.id]
    shared.flush()
    assert shared.update(recipe.id, count) is None
    assert MemoryRecipes.of_host(store, HOST) == []


def test_a_store_that_is_away_loses_counts_and_no_page(
    shared: SharedRecipes, store: Noting, recipe: Recipe, caplog: pytest.LogCaptureFixture
) -> None:
    shared.update(recipe.id, count)
    store.is_away = True
    shared.flush()
    assert "Counts of recipe" in caplog.text
    with pytest.raises(StoreError):
        shared.update(recipe.id, suspend)
    store.is_away = False
    shared.flush()
    assert stored(store).counts.pages == 0


def test_what_waits_is_written_though_no_page_follows(store: Noting, recipe: Recipe) -> None:
    soon = SharedRecipes(store, 0.01)
    soon.of_host(HOST)
    soon.update(recipe.id, count)
    timer = soon._timer
    if timer is not None:
        timer.join(30)
    assert stored(store).counts.pages == 1


def test_threads_lose_nothing(shared: SharedRecipes, store: Noting, recipe: Recipe) -> None:
    def work() -> None:
        for _ in range(200):
            shared.of_host(HOST)
            shared.update(recipe.id, count)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shared.flush()
    assert stored(store).counts.pages == 800
