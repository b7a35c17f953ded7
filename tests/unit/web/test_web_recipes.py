"""The routes that list recipes with their savings, show them, and delete them."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from app.property.recipes.recipe import Anchor, Counts, Recipe, RecipeState, new_recipe
from app.property.storage.properties.recipes import StoredRecipes

Bearer = Callable[..., dict[str, str]]
ROOT = "/api/v1/recipes"
LEARNED = replace(
    new_recipe("homes.example", frozenset({1, 2})),
    state=RecipeState.SUSPENDED,
    reason="the last 8 pages have 20% of the usual fields",
    fields={"YearBuilt": (Anchor("label", "dating from", "cell", within="#facts"),)},
    suspended={"YearBuilt": "a model read 1950 where the recipe read 1911"},
    learned_from=5,
    learned_at="2026-11-29T10:00:00+00:00",
    counts=Counts(pages=10, without_model=9, saved_tokens=1_000_000),
)
WRITTEN = Recipe("abcdef012345", "gis.example", written=True, state=RecipeState.ACTIVE, pages="/layer/*")


@pytest.fixture
def client(make_client: Callable[..., TestClient]) -> TestClient:
    made = make_client(openai_model="gpt-4.1-mini")
    store = StoredRecipes(made.app.state.context.stores.database)  # type: ignore[attr-defined]
    for one in (LEARNED, WRITTEN):
        store.put(one)
    return made


def test_recipes_are_listed_in_pages_and_shown(client: TestClient, bearer: Bearer) -> None:
    first = client.get(ROOT, headers=bearer(role="reader"), params={"limit": 1}).json()["data"]
    rest = client.get(ROOT, headers=bearer(), params={"cursor": first["next_cursor"]}).json()["data"]
    assert {one["id"] for one in first["recipes"] + rest["recipes"]} == {LEARNED.id, WRITTEN.id}
    (shown,) = client.get(ROOT, headers=bearer(), params={"host": "www.Homes.example"}).json()["data"]["recipes"]
    assert client.get(f"{ROOT}/{LEARNED.id}", headers=bearer()).json()["data"] == shown
    assert (shown["saved_calls"], shown["saved_usd"], shown["reason"]) == (9, 0.4, LEARNED.reason)
    (field,) = shown["fields"]
    assert field["anchors"][0]["where"] == "in the cell beside 'dating from' within #facts"
    assert field["suspended"] == "a model read 1950 where the recipe read 1911"


def test_without_a_model_price_no_dollars_are_shown(make_client: Callable[..., TestClient], bearer: Bearer) -> None:
    client = make_client(openai_model="a-model-of-our-own")
    StoredRecipes(client.app.state.context.stores.database).put(LEARNED)  # type: ignore[attr-defined]
    assert client.get(f"{ROOT}/{LEARNED.id}", headers=bearer()).json()["data"]["saved_usd"] is None


def test_a_recipe_can_be_forgotten(client: TestClient, bearer: Bearer) -> None:
    place = f"{ROOT}/{LEARNED.id}"
    gone = client.delete(place, headers=bearer(role="manager")).json()["data"]
    assert gone == {"id": LEARNED.id}
    again = client.delete(place, headers=bearer(role="manager"))
    assert (again.status_code, again.json()["error"]["code"]) == (404, "recipe_not_found")
    assert "propintel recipes list" in again.json()["error"]["message"]
    assert client.get(place, headers=bearer()).status_code == 404
