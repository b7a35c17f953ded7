"""Stored recipes: one per template, no lost updates by concurrent workers, no partial writes."""

from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import update

from app.errors.recipes import RecipeNotFoundError
from app.property.page import CacheValidators, Page
from app.property.recipes.learning import Example
from app.property.recipes.recipe import MOST_EXAMPLES, MOST_OF_HOST, Anchor, Counts, RecipeState, new_recipe
from app.property.storage.expiry import delete_expired
from app.property.storage.properties.tables import RecipeExample, RecipeRow
from app.settings import Settings
from tests.contract.conftest import at_once, count
from tests.plugins.stores import Stores

HOST = "homes.example"
AGENT = "Ottilie Quackenbush"
TEMPLATE = frozenset(range(100))


def page(db: Stores, number: int, *, host: str = HOST, validators: CacheValidators = CacheValidators()) -> Page:  # noqa: B008
    url, text = f"https://{host}/h/{number}", f"<p>House {number}, call {AGENT}</p>"
    return Page(url, url, "text/html", text, text.encode(), db.clock.now(), validators)


def example(db: Stores, number: int, *, host: str = HOST) -> Example:
    found = page(db, number, host=host)
    db.pages.save_page(found)
    db.clock.advance(1)
    values = {"LivingArea": (90 + number, "m2"), "ListAgentFullName": (AGENT, None)}
    return Example(found, values, frozenset({"Roof"}), frozenset({"Roof", "Heating"}))


def test_a_stored_recipe_is_read_unchanged(db: Stores) -> None:
    recipe = replace(
        new_recipe(HOST, TEMPLATE),
        state=RecipeState.ACTIVE,
        fields={"YearBuilt": (Anchor("label", "Built", "cell", unit="m2"), Anchor("path", "/a/*[b=c]/d", "body"))},
        suspended={"YearBuilt": "a model says 1999"},
        never=("Roof",),
        recent=(1.0, 0.5),
        counts=Counts(pages=3, hits=2),
    )
    assert db.recipes.find_or_add(recipe) == recipe
    assert db.recipes.of_host(HOST) == [recipe]
    assert db.recipes.get(recipe.id) == recipe
    assert db.recipes.of_host("other.example") == []


def test_pages_of_one_template_have_one_recipe(db: Stores) -> None:
    first = db.recipes.find_or_add(new_recipe(HOST, TEMPLATE))
    near, far = frozenset(range(10, 110)), frozenset(range(60, 160))
    assert db.recipes.find_or_add(new_recipe(HOST, near)) == first
    assert db.recipes.find_or_add(new_recipe(HOST, far)).id != first.id
    assert db.recipes.find_or_add(new_recipe("other.example", TEMPLATE)).id != first.id
    assert db.recipes.find_or_add(new_recipe(HOST, TEMPLATE, "record")).id != first.id
    assert len(db.recipes.of_host(HOST)) == 3


def test_concurrent_workers_make_one_recipe_per_template_and_their_changes_add_up(db: Stores) -> None:
    """Pages of one template differ slightly, so no unique key can prevent duplicate recipes."""

    def work(number: int) -> str:
        recipe = db.recipes.find_or_add(new_recipe(HOST, TEMPLATE | {1000 + number}))
        for _ in range(5):
            db.recipes.update(recipe.id, lambda one: replace(one, counts=one.counts.plus(Counts(pages=1))))
        return recipe.id

    (recipe_id,) = set(at_once(*(partial(work, number) for number in range(4))))
    assert count(db, RecipeRow) == 1
    assert db.recipes.get(recipe_id).counts.pages == 20


def test_forgetting_a_recipe_deletes_its_examples(db: Stores) -> None:
    recipe = db.recipes.find_or_add(new_recipe(HOST, TEMPLATE))
    db.recipes.add_example(recipe.id, example(db, 1))
    assert db.recipes.forget(recipe.id)
    assert not db.recipes.forget(recipe.id)
    assert count(db, RecipeExample) == 0
    assert db.recipes.update(recipe.id, lambda one: one) is None
    db.recipes.add_example(recipe.id, example(db, 1))
    assert count(db, RecipeExample) == 0, "a forgotten recipe must not return"
    with pytest.raises(RecipeNotFoundError):
        db.recipes.get(recipe.id)


def test_a_recipe_in_another_format_is_learned_again(db: Stores) -> None:
    """A row in an unknown format is ignored, whatever its document contains."""
    recipe = db.recipes.find_or_add(new_recipe(HOST, TEMPLATE))
    db.execute(update(RecipeRow).values(format=0, document={"format": "of the future"}))
    assert db.recipes.of_host(HOST) == db.recipes.page().items == []
    assert db.recipes.update(recipe.id, lambda one: one) is None
    assert db.recipes.find_or_add(recipe) == recipe
    assert db.recipes.of_host(HOST) == [recipe]


def test_the_least_recently_used_recipe_of_a_full_host_is_deleted(db: Stores) -> None:
    """Otherwise, a site whose pages all have different layouts could fill the database."""
    made = []
    for number in range(MOST_OF_HOST):
        made.append(db.recipes.find_or_add(new_recipe(HOST, frozenset({number}))))
        db.clock.advance(1)
    db.recipes.put(replace(new_recipe(HOST, frozenset()), written=True, pages="/h/*"))
    db.recipes.update(made[0].id, lambda one: one)
    db.recipes.find_or_add(new_recipe(HOST, TEMPLATE))
    assert count(db, RecipeRow) <= MOST_OF_HOST + 1
    kept = {one.id for one in db.recipes.of_host(HOST)}
    assert made[0].id in kept
    assert made[1].id not in kept


def test_examples_have_their_pages_and_are_listed_oldest_first(db: Stores) -> None:
    recipe = db.recipes.find_or_add(new_recipe(HOST, TEMPLATE))
    first, second = example(db, 1), example(db, 2)
    db.recipes.add_example(recipe.id, first)
    db.clock.advance(1)
    db.recipes.add_example(recipe.id, second)
    assert db.recipes.examples(recipe.id) == [first, second]
    db.clock.advance(1)
    db.recipes.add_example(recipe.id, replace(first, values={"LivingArea": (5, None)}))
    assert [one.values["LivingArea"] for one in db.recipes.examples(recipe.id)] == [(92, "m2"), (5, None)]
    db.recipes.forget_examples(recipe.id)
    assert db.recipes.examples(recipe.id) == []


def test_only_the_newest_examples_with_stored_pages_are_used(db: Stores) -> None:
    recipe = db.recipes.find_or_add(new_recipe(HOST, TEMPLATE))
    for number in range(MOST_EXAMPLES + 3):
        db.recipes.add_example(recipe.id, example(db, number))
    # an example whose page is not stored
    db.recipes.add_example(recipe.id, Example(page(db, 99), {}, frozenset(), frozenset()))
    kept = [one.page.url.rpartition("/")[2] for one in db.recipes.examples(recipe.id)]
    assert kept == [str(number) for number in range(4, MOST_EXAMPLES + 3)]


def test_a_page_with_no_store_is_no_example(db: Stores) -> None:
    recipe = db.recipes.find_or_add(new_recipe(HOST, TEMPLATE))
    secret = page(db, 1, validators=CacheValidators(no_store=True))
    db.recipes.add_example(recipe.id, Example(secret, {}, frozenset(), frozenset()))
    assert count(db, RecipeExample) == 0


def test_examples_are_pruned_with_their_pages(db: Stores) -> None:
    """Examples may name people, so they also have the age limit of personal data."""
    recipe = db.recipes.find_or_add(new_recipe(HOST, TEMPLATE))
    for number in range(3):
        db.recipes.add_example(recipe.id, example(db, number))
        db.clock.advance(86_400)
    delete_expired(db, Settings.of(personal_data_retention_days=2.5))
    assert [one.page.url[-1] for one in db.recipes.examples(recipe.id)] == ["1", "2"]
    db.retention.prune_surplus(0)
    db.retention.prune_unkept()
    assert count(db, RecipeExample) == 0
    assert db.recipes.get(recipe.id) == recipe, "recipes contain no personal data and stay"


@pytest.mark.parametrize("kind", ["url", "host"])
def test_a_purge_deletes_the_examples_of_its_pages(db: Stores, kind: str) -> None:
    recipe = db.recipes.find_or_add(new_recipe(HOST if kind == "url" else f"eu.{HOST}", TEMPLATE))
    mine, other = example(db, 1, host=f"www.{HOST}"), example(db, 2, host=f"www.{HOST}")
    for one in (mine, other):
        db.recipes.add_example(recipe.id, one)
    name = mine.page.url if kind == "url" else HOST
    counted = db.purge(kind, name, dry_run=True)
    assert db.purge(kind, name) == counted
    left = [other] if kind == "url" else []
    assert db.recipes.examples(recipe.id) == left
    assert len(db.recipes.of_host(recipe.host)) == len(left)
    db.recipes.add_example(recipe.id, mine)
    assert db.recipes.examples(recipe.id) == left, "the purged page must not return"


def test_a_purged_person_is_in_no_example(db: Stores) -> None:
    recipe = db.recipes.find_or_add(new_recipe(HOST, TEMPLATE))
    later_example = example(db, 2)
    db.recipes.add_example(recipe.id, example(db, 1))
    db.purge("person", AGENT)
    assert count(db, RecipeExample) == 0
    db.recipes.add_example(recipe.id, later_example)
    assert count(db, RecipeExample) == 0, "the purged name must not return"
