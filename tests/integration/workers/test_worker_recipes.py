"""Model calls stop after a site's first pages, resume after a redesign, and stop again. No wrong value is stored."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from app.property.recipes.recipe import RecipeState
from app.property.storage.properties.recipes import StoredRecipes
from app.redis.embedded_valkey import connect
from tests.plugins.changing_site import ChangingSite
from tests.plugins.simulator_fixtures import KEYS

pytestmark = pytest.mark.worker
_STREETS = ("Alder", "Birch", "Clover", "Dovecote", "Elder", "Foxglove", "Granite", "Hazel")
_ROOFS = ("Slate", "Clay tile", "Metal", "Asphalt shingle", "Cedar shake")
_HEATING = ("Heat pump", "Forced air", "Baseboard", "Radiant floor")


def truth(number: int) -> dict[str, Any]:
    """Return the facts on a home's page. Every fifth page omits the roof."""
    stated: dict[str, Any] = {
        "StreetNumber": str(100 + 7 * number),
        "ListPrice": 200_000 + 5_300 * number,
        "YearBuilt": 1930 + 2 * number,
        "LivingArea": 1_000 + 37 * number,
        "Heating": [_HEATING[number % 4]],
    }
    return stated | ({"Roof": [_ROOFS[number % 5]]} if number % 5 else {})


def page(number: int, *, is_new: bool) -> str:
    """Return a home's page in the old or the new design. No reader knows the labels of its year and area."""
    stated = truth(number)
    street = f"{stated['StreetNumber']} {_STREETS[number % 8]} Street"
    near = 300_000 - 900 * number
    facts = [
        ("Asking", f"${stated['ListPrice']:,}"),
        ("Dating from", stated["YearBuilt"]),
        ("Heated area", f"{stated['LivingArea']:,} sq ft"),
        ("Heating:", stated["Heating"][0]),
    ]
    facts += [("Roofing:", stated["Roof"][0])] if "Roof" in stated else []
    if is_new:
        rows = "".join(f'<li class="trait"><b class="name">{k}</b><i class="data">{v}</i></li>' for k, v in facts)
        body = f'<main class="home"><header><h1>{street}, Amberly, OH 43001</h1></header><ul class="traits">{rows}</ul>'
    else:
        rows = "".join(f"<tr><td>{k}</td><td>{v}</td></tr>" for k, v in facts)
        body = f'<main><h1>{street}, Amberly, OH 43001</h1><p>House for sale</p><table id="facts">{rows}</table>'
    nearby = f'<aside class="nearby"><h2>Nearby homes</h2><p>9 Other Road</p><p>${near:,}</p><p>built 1911</p></aside>'
    return f'<html lang="en"><head><title>{street}</title></head><body>{body}{nearby}</main></body></html>'


class Site:
    """A site with pages of forty homes, the second half in a new design."""

    def __init__(self, changing: ChangingSite) -> None:
        self.address = changing.address
        for number in range(1, 41):
            changing.pages[f"/h/{number}"] = page(number, is_new=number > 20)

    def urls(self, numbers: Iterable[int]) -> list[str]:
        return [f"{self.address}/h/{number}" for number in numbers]


@pytest.fixture
def site(changing_site: ChangingSite) -> Site:
    return Site(changing_site)


@pytest.fixture
def learning_fleet(
    make_fleet: Callable[..., Any], openai_simulator: Callable[..., Any]
) -> Callable[..., tuple[Any, Any]]:
    def make(**variables: str) -> tuple[Any, Any]:
        simulator = openai_simulator([{"key": KEYS[0], "rpm": 60_000, "tpm": 100_000_000}])
        given = {"FETCH_MIN_DELAY_SECONDS": "0", "RECIPE_AUDIT_SHARE": "0", "JOB_LEASE_SECONDS": "3", **variables}
        return make_fleet(OPENAI_API_KEYS=KEYS[0], OPENAI_BASE_URL=simulator.base_url, **given), simulator

    return make


def scraped(fleet: Any, simulator: Any, site: Site, numbers: Iterable[int]) -> int:
    """Scrape homes and check their stored values; return the number of model calls."""
    before = sum(simulator.prompts().values())
    numbers = list(numbers)
    jobs = fleet.wait_for_state(fleet.send(*site.urls(numbers)), "done", seconds=120)
    for number, job in zip(numbers, jobs, strict=True):
        record, stated = fleet.stores.properties.get(job.property_id)["record"], truth(number)
        stored = {name: record[name] for name in (*truth(1), "Roof") if name in record}
        assert stored == {name: stated[name] for name in stored if name in stated}, f"home {number}"
        assert {"ListPrice", "YearBuilt", "LivingArea"} <= stored.keys(), f"home {number}"
    return int(sum(simulator.prompts().values()) - before)


def recipes(fleet: Any) -> list[Any]:
    return list(StoredRecipes(fleet.stores.database).of_host("127.0.0.1"))


def test_model_calls_stop_resume_after_a_redesign_and_stop_again(
    learning_fleet: Callable[..., Any], site: Site, until: Callable[..., None]
) -> None:
    fleet, simulator = learning_fleet()
    fleet.start_worker(concurrency=1)
    calls = [scraped(fleet, simulator, site, range(first, first + 10)) for first in (1, 11, 21, 31)]
    assert 4 <= calls[0] <= 6
    assert 4 <= calls[2] <= 6
    assert (calls[1], calls[3]) == (0, 0)
    pages_without = 40 - sum(calls)
    until(lambda: sum(recipe.counts.without_model for recipe in recipes(fleet)) == pages_without, 40)
    assert [recipe.state for recipe in recipes(fleet)] == [RecipeState.ACTIVE] * 2
    listed = json.loads(fleet.propintel("recipes", "list", "--format", "json").stdout)
    assert sum(recipe["saved_calls"] for recipe in listed) == pages_without
    (shown,) = json.loads(fleet.propintel("recipes", "show", listed[0]["id"], "--format", "json").stdout)
    assert {field["field"] for field in shown["fields"]} >= {"ListPrice", "YearBuilt", "LivingArea", "Roof"}
    newest = next(job for job in fleet.stores.jobs.page(limit=100).items if job.target.endswith("/h/40"))
    proof = fleet.stores.properties.get(newest.property_id)["evidence"]["YearBuilt"]
    assert proof["method"] == "recipe"
    assert proof["recipe"].startswith("recipe for 127.0.0.1, learned from ")


def test_workers_that_learn_a_template_at_the_same_time_create_one_recipe(
    learning_fleet: Callable[..., Any], site: Site
) -> None:
    """Four processes read the template's first pages at the same time."""
    fleet, simulator = learning_fleet()
    for _ in range(2):
        fleet.start_worker(concurrency=2)
    first = scraped(fleet, simulator, site, range(1, 17))
    assert len(recipes(fleet)) == 1
    assert first < 16
    assert scraped(fleet, simulator, site, range(17, 21)) == 0
    (recipe,) = recipes(fleet)
    assert recipe.state is RecipeState.ACTIVE


def test_recipes_survive_a_restart_and_an_emptied_redis(learning_fleet: Callable[..., Any], site: Site) -> None:
    fleet, simulator = learning_fleet()
    worker = fleet.start_worker(concurrency=1)
    assert scraped(fleet, simulator, site, range(1, 8)) > 0
    (before,) = recipes(fleet)
    fleet.supervisor.stop_child(worker)
    with connect(fleet.settings) as redis:
        redis.flushall()
    fleet.start_worker(concurrency=1)
    assert scraped(fleet, simulator, site, range(8, 21)) == 0
    (after,) = recipes(fleet)
    assert (after.id, after.learned_at, after.fields) == (before.id, before.learned_at, before.fields)
