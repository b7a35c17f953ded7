"""The life cycle of a recipe: it is learned, used, contradicted, outdated, and learned again."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.clock import ManualClock
from app.property.recipes.keeper import AuditRate
from app.property.recipes.recipe import Recipe, RecipeState
from app.property.recipes.template import ALIKE, TRIED, likeness
from tests.plugins.recipe_site import LABELS, REDESIGNED, Reader, facts, page, redesigned, rows


def _one_recipe(reader: Reader, host: str = "homes.example") -> Recipe:
    (recipe,) = reader.store.of_host(host)
    return recipe


def _wrong(record: dict[str, Any], truth: dict[str, Any]) -> list[str]:
    return [name for name in truth if record.get(name) != truth[name]]


def test_no_model_is_asked_after_the_first_pages() -> None:
    reader = Reader()
    read = reader.read_homes(range(20))
    assert len(reader.calls) == 4
    assert [_wrong(record, truth) for _, record, truth in read] == [[]] * 20
    evidence = read[-1][0].extraction.record.evidence["LivingArea"]
    assert (evidence.method, evidence.quote) == ("recipe", f"Covered size: {facts(19)['LivingArea']:,} sq ft")
    assert _one_recipe(reader).counts.without_model == 16


def test_a_missing_field_is_absent_and_no_neighbor_is_read() -> None:
    reader = Reader()
    lacking = {9: ("BedroomsTotal",), 11: ("YearBuilt", "LivingArea"), 12: ("BathroomsTotalInteger",)}
    read = reader.read_homes(range(14), lacks=lambda number: lacking.get(number, ()))
    assert len(reader.calls) == 4
    for number, names in lacking.items():
        record = read[number][1]
        assert not record.keys() & set(names)
        assert read[number][0].misses >= set(names)


def test_a_constant_value_is_learned_only_if_its_words_name_the_field() -> None:
    reader = Reader()
    for number in range(6):
        truth = facts(number)
        body = f"<dl><dt>Zone</dt><dd>Austin</dd><dt>Year built</dt><dd>{truth['YearBuilt']}</dd></dl>"
        reader.read(page(number, truth, body), {"City": ("Austin", f"{100 + number} Main St, Austin")})
    anchors = _one_recipe(reader).fields.get("City", ())
    assert all(one.kind == "reader" or one.reads == "_Address" for one in anchors)


def test_a_contradicting_model_suspends_the_field_which_is_then_asked_for_again() -> None:
    reader = Reader()
    reader.read_homes(range(6))
    reader.keeper._audits = AuditRate(share=1.0)
    truth = facts(50)
    body = rows(truth) + "<p>Its living area was measured as 555 sq ft.</p>"
    read, _ = reader.read(page(50, truth, body), {"LivingArea": (555, "living area was measured as 555 sq ft")})
    assert read.extraction.audited
    assert "a model read 555" in _one_recipe(reader).suspended["LivingArea"]
    reader.keeper._audits = AuditRate(share=0.0)
    reader.calls.clear()
    reader.read_homes(range(60, 61))
    assert "LivingArea" in reader.calls[0]
    assert "YearBuilt" not in reader.calls[0]


def test_a_redesign_brings_the_model_back_and_is_learned() -> None:
    reader = Reader()
    reader.read_homes(range(20))
    reader.calls.clear()
    read = reader.read_homes(range(20, 40), body=redesigned, labels=REDESIGNED)
    assert 4 <= len(reader.calls) <= 6
    assert [_wrong(record, truth) for _, record, truth in read] == [[]] * 20


def test_two_similar_templates_have_separate_recipes() -> None:
    around = "".join(f"<div class='part-{one}'><p class='text-{one}'>More of it</p></div>" for one in "abcdef")
    reader = Reader()
    for start in range(0, 24, 2):
        reader.read_homes(range(start, start + 1), body=lambda truth: rows(truth) + around)
        reader.read_homes(range(start + 1, start + 2), body=lambda truth: redesigned(truth) + around, labels=REDESIGNED)
    first, second = reader.store.of_host("homes.example")
    assert TRIED <= likeness(first.fingerprint, second.fingerprint) < ALIKE
    assert (first.unsure, second.unsure) == ((), ())
    assert 8 <= len(reader.calls) <= 10


def test_pages_that_lose_their_fields_suspend_the_recipe() -> None:
    reader = Reader()
    reader.read_homes(range(10))
    reader.calls.clear()
    reader.read_homes(range(10, 30), lacks=lambda _: tuple(LABELS))
    assert len(reader.calls) >= 4
    reader.calls.clear()
    reader.read_homes(range(30, 40), lacks=lambda _: tuple(LABELS))
    assert reader.calls == []


def test_an_unavailable_model_and_another_host_teach_nothing() -> None:
    reader = Reader()
    for number in range(8):
        reader.read(page(number, facts(number)), {}, answers=False)
    assert reader.store.of_host("homes.example") == []
    reader.read_homes(range(8))
    reader.calls.clear()
    reader.read_homes(range(8, 10), host="other.example")
    assert len(reader.calls) == 2


@pytest.mark.parametrize(("share", "pages", "least", "most"), [(0.0, 40, 0, 0), (0.1, 96, 3, 20), (1.0, 20, 20, 20)])
def test_audits_sample_their_share_of_pages(share: float, pages: int, least: int, most: int) -> None:
    reader = Reader(audits=AuditRate(share=share, young_share=share))
    reader.read_homes(range(4))
    reader.calls.clear()
    reader.read_homes(range(4, 4 + pages))
    assert least <= len(reader.calls) <= most


def test_a_suspended_recipe_is_learned_again_once_a_day() -> None:
    clock = ManualClock()
    reader = Reader(clock=clock)
    reader.read_homes(range(6))

    def suspend() -> None:
        recipe = _one_recipe(reader)
        reader.store.update(recipe.id, lambda one: replace(one, state=RecipeState.SUSPENDED, reason="for a test"))

    suspend()
    reader.read_homes(range(6, 12))
    assert _one_recipe(reader).state is RecipeState.ACTIVE
    suspend()
    reader.read_homes(range(12, 20))
    assert _one_recipe(reader).state is RecipeState.SUSPENDED
    clock.advance(timedelta(days=1).total_seconds())
    reader.read_homes(range(20, 26))
    assert _one_recipe(reader).state is RecipeState.ACTIVE
