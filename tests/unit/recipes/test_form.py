"""Recipes are stored as JSON and written by people as TOML."""

import json
from typing import Any

import pytest

from app.errors import ConfigurationError
from app.property.recipes import form
from app.property.recipes.recipe import Anchor
from app.property.recipes.typed import READER
from app.property.recipes.using import read_with
from app.services.reports.recipe_view import where
from tests.plugins.recipe_site import Reader, facts, page, parcel

_WRITTEN = """
format = 1
host = "gis.example.gov"
pages = "/arcgis/*"

[fields]
ParcelNumber = [{ path = "/features/*/attributes/PIN" }]
YearBuilt = [{ path = "/features/*/attributes/EFFYR" }, { label = "Year Built:", relation = "colon" }]
LivingArea = [{ path = "/features/*/attributes/TLA", unit = "Square Feet" }]
"""


def test_a_learned_recipe_survives_json_unchanged_unless_the_format_differs() -> None:
    reader = Reader()
    reader.read_homes(range(8))
    (recipe,) = reader.store.of_host("homes.example")
    assert form.from_json(json.loads(json.dumps(form.as_json(recipe)))) == recipe
    assert form.from_json({**form.as_json(recipe), "format": 0}) is None


def test_a_written_recipe_reads_a_countys_layer_without_a_model() -> None:
    recipe = form.written(_WRITTEN, "county.toml")
    assert form.written(form.as_toml(recipe), "again.toml") == recipe
    assert recipe.fields["YearBuilt"][1] == Anchor("label", "year built", "colon")
    truth = facts(3)
    read = read_with(parcel(3, truth), [recipe])
    record = read.extraction.record.values
    assert (record["ParcelNumber"], record["YearBuilt"]) == ("12-0003-77", truth["YearBuilt"])
    assert (record["LivingArea"], record["LivingAreaUnits"]) == (truth["LivingArea"], "Square Feet")
    assert not set(read.extraction.asked()) & recipe.fields.keys()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("format = 1", "format = 9", "county.toml, line 2: the version of the format is missing or another one"),
        ("gis.example.gov", "GIS", "line 3: host must be a host name"),
        ("/arcgis/*", "arcgis", "line 4: pages must be a glob"),
        ("ParcelNumber", "Parcel", "line 7: Parcel is not a field that is read"),
        ("colon", "below", "line 8: relation 'below' must be one of cell, term, colon, next, previous"),
        ('unit = "Square Feet"', 'unit = "sqft"', "line 9: unit 'sqft' must be one of Square Feet"),
        ('path = "/features/*/attributes/PIN"', 'xpath = "//td"', "line 7: an anchor has one of label, attribute"),
        ('"/features/*/attributes/PIN"', '"features/PIN"', "line 7: a path begins with /"),
        ("[fields]", "[field]", "line 6: unknown key 'field'"),
        ('host = "', "host = ", "county.toml: is not TOML"),
    ],
)
def test_an_invalid_written_recipe_is_reported_with_its_line(old: str, new: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        form.written(_WRITTEN.replace(old, new, 1), "county.toml")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("field", "text", "stored"),
    [
        ("ListPrice", "$455,000", 455_000),
        ("ListPrice", "Est. payment $2,450", None),
        ("ListPrice", "was $475,000", None),
        ("LivingArea", "2,000 sq ft", 2_000),
        ("LivingArea", "Garage 450 sq ft", None),
        ("BedroomsTotal", "2 beds", 2),
        ("BedroomsTotal", "2 baths", None),
        ("YearBuilt", "Renovated 2015", None),
    ],
)
def test_a_text_at_the_known_spot_that_names_something_else_is_not_read(field: str, text: str, stored: Any) -> None:
    """A site may show another number at the same spot of the same template."""
    lines = f'format = 1\nhost = "homes.example"\n[fields]\n{field} = [{{ attribute = "div.spot" }}]\n'
    shown = page(1, facts(1), f"<h1>12 Oak St, Austin, TX 78701</h1><div class='spot'>{text}</div>")
    read = read_with(shown, [form.written(lines, "homes.toml")])
    found = [one.value for one in read.extraction.candidates if (one.field, one.reader) == (field, READER)]
    assert found == ([] if stored is None else [stored])


@pytest.mark.parametrize("relation", form.RELATIONS["label"])
def test_every_relation_to_a_label_can_be_written_and_is_shown_in_words(relation: str) -> None:
    lines = f'format = 1\nhost = "homes.example"\n[fields]\nRoof = [{{ label = "Cover", relation = "{relation}" }}]\n'
    (anchor,) = form.written(lines, "homes.toml").fields["Roof"]
    assert anchor == Anchor("label", "cover", relation)
    assert "'cover'" in where(anchor)
