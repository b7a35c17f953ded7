"""Pages with one layout share a template, and a page's template selects its recipe."""

from dataclasses import replace

from app.property.page import Page
from app.property.reading.document import Document
from app.property.recipes.recipe import RecipeState, new_recipe
from app.property.recipes.template import ALIKE, fingerprint, likeness
from app.property.recipes.using import fitting
from tests.plugins.recipe_site import as_page, facts, page, parcel, redesigned


def _print(one: Page) -> frozenset[int]:
    return fingerprint(Document(one))


def test_pages_of_one_layout_match_with_any_text() -> None:
    first = _print(page(1, facts(1)))
    assert likeness(first, _print(page(2, facts(2)))) == 1.0
    assert likeness(first, _print(page(3, {**facts(3), "ListPrice": None}))) >= ALIKE
    assert likeness(first, _print(page(1, facts(1), redesigned(facts(1))))) < ALIKE


def test_generated_class_names_are_ignored() -> None:
    def styled(name: str) -> Page:
        return as_page("https://homes.example/1", f"<main><p class='price {name}'>$1</p><b class='x'>2</b></main>")

    assert _print(styled("css-1x9kq2")) == _print(styled("css-8m2lpz"))
    assert _print(styled("big")) != _print(styled("small"))


def test_a_written_recipe_is_used_for_its_pages_before_a_learned_one() -> None:
    one = parcel(1, facts(1))
    learned = replace(new_recipe("gis.example.gov", _print(one)), state=RecipeState.ACTIVE)
    written = replace(learned, id="written", written=True, fingerprint=frozenset(), pages="/arcgis/*")
    assert fitting([learned, written], one, _print(one)) == [written]
    assert fitting([learned, replace(written, pages="/other/*")], one, _print(one)) == [learned]
    assert fitting([replace(learned, fingerprint=frozenset({1}))], one, _print(one)) == []
