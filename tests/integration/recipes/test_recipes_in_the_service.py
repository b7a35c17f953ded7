"""Model calls stop after a site's first pages, resume after a redesign, and stop again. No wrong value is stored."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from app.property.recipes.recipe import RecipeState
from app.property.storage.properties.recipes import StoredRecipes
from app.services.runtime.resources import Resources, open_resources
from app.settings import Settings
from tests.plugins.changing_site import ChangingSite
from tests.plugins.warm_start import WarmParent

_STREETS = ("Alder", "Birch", "Clover", "Dovecote", "Elder", "Foxglove", "Granite", "Hazel")
_ROOFS = ("Slate", "Clay tile", "Metal", "Asphalt shingle", "Cedar shake")
_HEATING = ("Heat pump", "Forced air", "Baseboard", "Radiant floor")


def truth(number: int) -> dict[str, Any]:
    stated: dict[str, Any] = {
        "StreetNumber": str(100 + 7 * number),
        "ListPrice": 200_000 + 5_300 * number,
        "YearBuilt": 1930 + 2 * number,
        "LivingArea": 1_000 + 37 * number,
        "Heating": [_HEATING[number % 4]],
    }
    return stated | ({"Roof": [_ROOFS[number % 5]]} if number % 5 else {})


def page(number: int) -> str:
    """From number 21 on, pages have a new design. The built-in readers do not know their year and area labels."""
    stated = truth(number)
    street = f"{stated['StreetNumber']} {_STREETS[number % 8]} Street"
    facts = [
        ("Asking", f"${stated['ListPrice']:,}"),
        ("Dating from", stated["YearBuilt"]),
        ("Heated area", f"{stated['LivingArea']:,} sq ft"),
        ("Heating:", stated["Heating"][0]),
    ]
    facts += [("Roofing:", stated["Roof"][0])] if "Roof" in stated else []
    if number > 20:
        rows = "".join(f'<li class="trait"><b class="name">{k}</b><i class="data">{v}</i></li>' for k, v in facts)
        body = f'<main class="home"><header><h1>{street}, Amberly, OH 43001</h1></header><ul class="traits">{rows}</ul>'
    else:
        rows = "".join(f"<tr><td>{k}</td><td>{v}</td></tr>" for k, v in facts)
        body = f'<main><h1>{street}, Amberly, OH 43001</h1><p>House for sale</p><table id="facts">{rows}</table>'
    near = f"<h2>Nearby homes</h2><p>9 Other Road</p><p>${300_000 - 900 * number:,}</p><p>built 1911</p>"
    text = f'{body}<aside class="nearby">{near}</aside></main></body></html>'
    return f'<html lang="en"><head><title>{street}</title></head><body>{text}'


def checked(service: Resources, root: str, numbers: Iterable[int]) -> list[Any]:
    found = []
    for number in numbers:
        found.append(service.scraper.scrape(f"{root}/h/{number}"))
        record, stated = found[-1].record, truth(number)
        stored = {name: record[name] for name in (*truth(1), "Roof") if name in record}
        assert stored == {name: stated[name] for name in stored if name in stated}, f"home {number}"
        assert {"ListPrice", "YearBuilt", "LivingArea"} <= stored.keys(), f"home {number}"
    return found


def test_model_calls_stop_resume_after_a_redesign_and_stop_again(
    tmp_path: Path, openai_simulator: Any, changing_site: ChangingSite, warm_parent: WarmParent
) -> None:
    """Another process uses the stored recipes, so it makes no model call either. `propintel recipes` lists them."""
    api, home = openai_simulator(), tmp_path / "home"
    changing_site.pages = {f"/h/{number}": page(number) for number in range(1, 41)}
    settings = Settings.of(
        propintel_home=home,
        fetch_allowed_private_networks="127.0.0.0/8",
        openai_api_key=SecretStr(api.keys[0]),
        openai_base_url=api.base_url,
        fetch_min_delay_seconds=0,
        recipe_audit_share=0,
    )
    calls = []
    for first in (1, 11, 21, 31):
        before = sum(api.prompts().values())
        with open_resources(settings) as service:
            outcomes = checked(service, changing_site.address, range(first, first + 10))
            recipes = list(StoredRecipes(service.database).of_host("127.0.0.1"))
        calls.append(sum(api.prompts().values()) - before)
    assert 4 <= calls[0] <= 6
    assert 4 <= calls[2] <= 6
    assert (calls[1], calls[3]) == (0, 0)
    assert [recipe.state for recipe in recipes] == [RecipeState.ACTIVE] * 2
    assert sum(recipe.counts.without_model for recipe in recipes) == 40 - sum(calls)
    proof = outcomes[-1].evidence["YearBuilt"]
    assert proof["method"] == "recipe"
    assert proof["recipe"].startswith("recipe for 127.0.0.1, learned from ")

    def propintel(*arguments: str) -> Any:
        env = {"PROPINTEL_HOME": str(home), "PROPINTEL_ENV_FILE": ""}
        return json.loads(warm_parent.run_propintel(*arguments, "--format", "json", env=env, cwd=tmp_path).stdout)

    listed = propintel("recipes", "list")
    assert sum(recipe["saved_calls"] for recipe in listed) == 40 - sum(calls)
    (shown,) = propintel("recipes", "show", listed[0]["id"])
    assert {field["field"] for field in shown["fields"]} >= {"ListPrice", "YearBuilt", "LivingArea", "Roof"}
