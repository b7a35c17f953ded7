"""Stored recipes: one per template, no lost updates by concurrent workers, no partial writes."""

from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import update

from app.clock import ManualClock
from app.errors.recipes import RecipeNotFoundError
from app.property.page import CacheValidators, Page
from app.property.recipes.learning import Example
from app.property.recipes.recipe import MOST_EXAMPLES, MOST_OF_HOST, Anchor, Counts, RecipeState, new_recipe
from app.property.storage.database import Database
from app.property.storage.expiry import delete_expired
from app.property.storage.pages.repository import PageStore
from app.property.storage.pages.retention import Retention
from app.property.storage.privacy.repository import PurgeStore
from app.property.storage.privacy.scope import PurgeKind
from app.property.storage.properties.recipes import StoredRecipes
from app.property.storage.properties.tables import RecipeExample, RecipeRow
from app.settings import Settings
from tests.contract.conftest import at_once, count

HOST = "homes.example"
AGENT = "Ottilie Quackenbush"
TEMPLATE = frozenset(range(100))


@pytest.fixture
def store(database: Database) -> StoredRecipes:
    return StoredRecipes(database)


def page(clock: ManualClock, number: int, *, host: str = HOST, validators: CacheValidators = CacheValidators()) -> Page:  # noqa: B008
    url, text = f"https://{host}/h/{number}", f"<p>House {number}, call {AGENT}</p>"
    return Page(url, url, "text/html", text, text.encode(), clock.now(), validators)


def example(database: Database, clock: ManualClock, number: int, *, host: str = HOST) -> Example:
    """Return an example, and store its page."""
    found = page(clock, number, host=host)
    PageStore(database).save_page(found)
    clock.advance(1)
    values = {"LivingArea": (90 + number, "m2"), "ListAgentFullName": (AGENT, None)}
    return Example(found, values, frozenset({"Roof"}), frozenset({"Roof", "Heating"}))


def test_a_stored_recipe_is_read_unchanged(store: StoredRecipes) -> None:
    recipe = replace(
        new_recipe(HOST, TEMPLATE),
        state=RecipeState.ACTIVE,
        fields={"YearBuilt": (Anchor("label", "Built", "cell", unit="m2"), Anchor("path", "/a/*[b=c]/d", "body"))},
        suspended={"YearBuilt": "a model says 1999"},
        never=("Roof",),
        recent=(1.0, 0.5),
        counts=Counts(pages=3, hits=2),
    )
    assert store.find_or_add(recipe) == recipe
    assert store.of_host(HOST) == [recipe]
    assert store.get(recipe.id) == recipe
    assert store.of_host("other.example") == []


def test_pages_of_one_template_have_one_recipe(store: StoredRecipes) -> None:
    first = store.find_or_add(new_recipe(HOST, TEMPLATE))
    near, far = frozenset(range(10, 110)), frozenset(range(60, 160))
    assert store.find_or_add(new_recipe(HOST, near)) == first
    assert store.find_or_add(new_recipe(HOST, far)).id != first.id
    assert store.find_or_add(new_recipe("other.example", TEMPLATE)).id != first.id
    assert store.find_or_add(new_recipe(HOST, TEMPLATE, "record")).id != first.id
    assert len(store.of_host(HOST)) == 3


def test_concurrent_workers_make_one_recipe_per_template_and_their_changes_add_up(
    database: Database, store: StoredRecipes
) -> None:
    """Pages of one template differ slightly, so no unique key can prevent duplicate recipes."""

    def work(number: int) -> str:
        recipe = store.find_or_add(new_recipe(HOST, TEMPLATE | {1000 + number}))
        for _ in range(5):
            store.update(recipe.id, lambda one: replace(one, counts=one.counts.plus(Counts(pages=1))))
        return recipe.id

    (recipe_id,) = set(at_once(*(partial(work, number) for number in range(4))))
    assert count(database, RecipeRow) == 1
    assert store.get(recipe_id).counts.pages == 20


def test_forgetting_a_recipe_deletes_its_examples(database: Database, store: StoredRecipes, clock: ManualClock) -> None:
    recipe = store.find_or_add(new_recipe(HOST, TEMPLATE))
    store.add_example(recipe.id, example(database, clock, 1))
    assert store.forget(recipe.id)
    assert not store.forget(recipe.id)
    assert count(database, RecipeExample) == 0
    assert store.update(recipe.id, lambda one: one) is None
    store.add_example(recipe.id, example(database, clock, 1))
    assert count(database, RecipeExample) == 0, "a forgotten recipe must not return"
    with pytest.raises(RecipeNotFoundError):
        store.get(recipe.id)


def test_a_recipe_in_another_format_is_learned_again(database: Database, store: StoredRecipes) -> None:
    """A recipe in another format is ignored, so its document may have any content."""
    recipe = store.find_or_add(new_recipe(HOST, TEMPLATE))
    with database.writing() as connection:
        connection.execute(update(RecipeRow).values(format=0, document={"format": "of the future"}))
    assert store.of_host(HOST) == store.page().items == []
    assert store.update(recipe.id, lambda one: one) is None
    assert store.find_or_add(recipe) == recipe
    assert store.of_host(HOST) == [recipe]


def test_the_least_recently_used_recipe_of_a_full_host_is_deleted(
    database: Database, store: StoredRecipes, clock: ManualClock
) -> None:
    """A site whose pages all have different layouts must not fill the database."""
    made = []
    for number in range(MOST_OF_HOST):
        made.append(store.find_or_add(new_recipe(HOST, frozenset({number}))))
        clock.advance(1)
    store.put(replace(new_recipe(HOST, frozenset()), written=True, pages="/h/*"))
    store.update(made[0].id, lambda one: one)
    store.find_or_add(new_recipe(HOST, TEMPLATE))
    assert count(database, RecipeRow) <= MOST_OF_HOST + 1
    kept = {one.id for one in store.of_host(HOST)}
    assert made[0].id in kept
    assert made[1].id not in kept


def test_examples_have_their_pages_and_are_listed_oldest_first(
    database: Database, store: StoredRecipes, clock: ManualClock
) -> None:
    recipe = store.find_or_add(new_recipe(HOST, TEMPLATE))
    first, second = example(database, clock, 1), example(database, clock, 2)
    store.add_example(recipe.id, first)
    clock.advance(1)
    store.add_example(recipe.id, second)
    assert store.examples(recipe.id) == [first, second]
    clock.advance(1)
    store.add_example(recipe.id, replace(first, values={"LivingArea": (5, None)}))
    assert [one.values["LivingArea"] for one in store.examples(recipe.id)] == [(92, "m2"), (5, None)]
    store.forget_examples(recipe.id)
    assert store.examples(recipe.id) == []


def test_only_the_newest_examples_with_stored_pages_are_used(
    database: Database, store: StoredRecipes, clock: ManualClock
) -> None:
    recipe = store.find_or_add(new_recipe(HOST, TEMPLATE))
    for number in range(MOST_EXAMPLES + 3):
        store.add_example(recipe.id, example(database, clock, number))
    # the example's page is not stored
    store.add_example(recipe.id, Example(page(clock, 99), {}, frozenset(), frozenset()))
    kept = [one.page.url.rpartition("/")[2] for one in store.examples(recipe.id)]
    assert kept == [str(number) for number in range(4, MOST_EXAMPLES + 3)]


def test_a_page_with_no_store_is_no_example(database: Database, store: StoredRecipes, clock: ManualClock) -> None:
    recipe = store.find_or_add(new_recipe(HOST, TEMPLATE))
    secret = page(clock, 1, validators=CacheValidators(no_store=True))
    store.add_example(recipe.id, Example(secret, {}, frozenset(), frozenset()))
    assert count(database, RecipeExample) == 0


def test_examples_are_pruned_with_their_pages(database: Database, store: StoredRecipes, clock: ManualClock) -> None:
    """Examples may name people, so they have the age limit of personal data."""
    recipe = store.find_or_add(new_recipe(HOST, TEMPLATE))
    for number in range(3):
        store.add_example(recipe.id, example(database, clock, number))
        clock.advance(86_400)
    delete_expired(database, Settings.of(personal_data_retention_days=2.5))
    assert [one.page.url[-1] for one in store.examples(recipe.id)] == ["1", "2"]
    Retention(database).prune_surplus(0)
    Retention(database).prune_unkept()
    assert count(database, RecipeExample) == 0
    assert store.get(recipe.id) == recipe, "recipes contain no personal data and stay"


@pytest.mark.parametrize("kind", [PurgeKind.URL, PurgeKind.HOST])
def test_a_purge_deletes_the_examples_of_its_pages(
    database: Database, store: StoredRecipes, clock: ManualClock, kind: PurgeKind
) -> None:
    recipe = store.find_or_add(new_recipe(HOST if kind is PurgeKind.URL else f"eu.{HOST}", TEMPLATE))
    mine, other = example(database, clock, 1, host=f"www.{HOST}"), example(database, clock, 2, host=f"www.{HOST}")
    for one in (mine, other):
        store.add_example(recipe.id, one)
    purge = PurgeStore(database)
    counted = purge.purge(kind, mine.page.url if kind is PurgeKind.URL else HOST, who="alice", dry_run=True)
    done = purge.purge(kind, mine.page.url if kind is PurgeKind.URL else HOST, who="alice", dry_run=False)
    assert done.removed == counted.removed
    left = [other] if kind is PurgeKind.URL else []
    assert store.examples(recipe.id) == left
    assert len(store.of_host(recipe.host)) == len(left)
    store.add_example(recipe.id, mine)
    assert store.examples(recipe.id) == left, "the purged page must not return"


def test_a_purged_person_is_in_no_example(database: Database, store: StoredRecipes, clock: ManualClock) -> None:
    recipe = store.find_or_add(new_recipe(HOST, TEMPLATE))
    later_example = example(database, clock, 2)
    store.add_example(recipe.id, example(database, clock, 1))
    PurgeStore(database).purge(PurgeKind.PERSON, AGENT, who="alice", dry_run=False)
    assert count(database, RecipeExample) == 0
    store.add_example(recipe.id, later_example)
    assert count(database, RecipeExample) == 0, "the purged name must not return"
