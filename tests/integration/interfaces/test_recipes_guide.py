"""Run the commands of docs/recipes.md. A mistake in a recipe file is reported with its line."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from app.property.recipes.recipe import Anchor, Counts, RecipeState, new_recipe
from app.property.storage.properties.recipes import StoredRecipes
from app.services.runtime.stores import Stores

from .conftest import Bash, Propintel

GUIDE = (Path(__file__).parents[3] / "docs" / "recipes.md").read_text(encoding="utf-8")
SEEING, WRITING = re.findall(r"```bash\n(.*?)```", GUIDE, re.S)
(COUNTY,) = re.findall(r"```toml\n(.*?)```", GUIDE, re.S)
LEARNED = replace(
    new_recipe("example.com", frozenset({1, 2})),
    state=RecipeState.ACTIVE,
    fields={"YearBuilt": (Anchor("label", "dating from", "cell"),), "Roof": (Anchor("attribute", "id=roof"),)},
    suspended={"Roof": "a model read something else than the recipe"},
    learned_from=5,
    learned_at="2026-11-29T10:00:00+00:00",
    counts=Counts(pages=400, without_model=390, saved_tokens=1_200_000),
)


@pytest.fixture
def learned(stores: Stores) -> None:
    StoredRecipes(stores.database).put(LEARNED)


@pytest.mark.usefixtures("learned")
def test_the_commands_do_what_the_page_says(bash: Bash, called: Propintel) -> None:
    table = called("recipes", "list", "--format", "table").stdout
    for expected in ("example.com", "active", "400", "98%", "$0.48"):
        assert expected in table
    shown = called("recipes", "show", "example.com", "--format", "table").stdout
    for expected in ("from 5 pages", "in the cell beside 'dating from'", "a model read something else than the recipe"):
        assert expected in shown
    bash(SEEING)
    assert json.loads(called("recipes", "list").stdout) == []


def test_the_written_recipe_is_imported_and_exported(bash: Bash, called: Propintel, home: Path) -> None:
    (home / "county.toml").write_text(COUNTY, encoding="utf-8")
    bash(WRITING)
    (shown,) = json.loads(called("recipes", "show", "gis.example.gov").stdout)
    assert (shown["written"], shown["state"]) == (True, "active")
    assert shown["pages_glob"] == "/arcgis/rest/services/Parcels/*"
    for file in ("copy.toml", "all.json"):
        before = called("recipes", "list").stdout
        called("recipes", "forget", "gis.example.gov")
        assert called("recipes", "import", str(home / file)).returncode == 0
        assert called("recipes", "list").stdout == before


@pytest.mark.usefixtures("learned")
def test_a_learned_recipe_is_exported_and_imported_unchanged(called: Propintel, home: Path) -> None:
    exported = called("recipes", "export").stdout
    (home / "all.json").write_text(exported, encoding="utf-8")
    called("recipes", "forget", LEARNED.id)
    assert called("recipes", "import", "all.json").returncode == 0
    assert called("recipes", "export").stdout == exported


def test_mistakes_are_reported_with_their_line_and_nothing_is_stored(called: Propintel, home: Path) -> None:
    mistakes = {
        "line.toml": (COUNTY.replace("YearBuilt =", "YearBiult ="), r"line\.toml, line 7: YearBiult is not a field"),
        "format.toml": (COUNTY.replace("format = 1", "format = 9"), r"format\.toml, line 1: .*Set format = 1"),
        "none.toml": ("[fields", r"none\.toml: is not TOML"),
        "none.json": ("{", r"none\.json: is not JSON"),
        "other.json": ('[{"format": 1, "host": 7}]', r"other\.json, recipe 1: is not an exported recipe"),
        "future.json": ('[{"format": 2}]', r"future\.json, recipe 1: has another version of the format"),
    }
    for name, (text, expected) in mistakes.items():
        (home / name).write_text(text, encoding="utf-8")
        ran = called("recipes", "import", name)
        assert (ran.returncode, bool(re.search(expected, ran.stderr))) == (2, True), ran.stderr
    missing = called("recipes", "import", "nowhere.toml")
    assert (missing.returncode, "nowhere.toml: cannot be read" in missing.stderr) == (2, True)
    assert json.loads(called("recipes", "list").stdout) == []


def test_an_unknown_recipe_is_reported(called: Propintel) -> None:
    for command in ("show", "forget", "export"):
        ran = called("recipes", command, "nowhere.example")
        assert ran.returncode == 1
        assert "There is no recipe nowhere.example. `propintel recipes list`" in ran.stderr
    ran = called("recipes", "export", "--format", "toml")
    assert (ran.returncode, "one recipe, not 0" in ran.stderr) == (2, True)
