"""A recipe learns an anchor only if enough pages of a template support it."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from app.property.page import Page
from app.property.recipes.learning import Example, learn
from app.property.recipes.recipe import Anchor, Recipe, RecipeState, new_recipe
from app.property.recipes.using import read_with
from tests.plugins.recipe_site import as_page, facts, page, parcel, rows

_EMPTY = new_recipe("homes.example", frozenset({1}))


def _example(one: Page, absent: Sequence[str] = (), **values: Any) -> Example:
    pairs = {name: value if isinstance(value, tuple) else (value, None) for name, value in values.items()}
    return Example(one, pairs, frozenset(absent), frozenset(absent))


def _html(number: int, body: str) -> Page:
    return as_page(f"https://homes.example/{number}", f"<html lang='en'><body><main>{body}</main></body></html>")


def _anchors(examples: Sequence[Example], field: str) -> tuple[Anchor, ...]:
    return tuple(one for one in learn(_EMPTY, examples).fields.get(field, ()) if one.kind != "reader")


def _areas(many: int, wrong: Sequence[int] = ()) -> list[Example]:
    """Return examples of homes with the area below an unknown label. The area is wrong for the pages in `wrong`."""
    known = [facts(number) for number in range(many)]
    return [
        _example(page(n, one, rows(one)), LivingArea=(one["LivingArea"] + (7 if n in wrong else 0), "Square Feet"))
        for n, one in enumerate(known)
    ]


def test_three_pages_are_not_enough() -> None:
    assert _anchors(_areas(3), "LivingArea") == ()
    assert _anchors(_areas(4), "LivingArea")[0] == Anchor("label", "covered size", "cell")


def test_one_wrong_answer_blocks_learning_on_few_pages_but_not_on_many() -> None:
    assert _anchors(_areas(5, wrong=[2]), "LivingArea") == ()
    assert _anchors(_areas(9, wrong=[2]), "LivingArea")[0].name == "covered size"
    assert _anchors(_areas(10, wrong=[2, 3]), "LivingArea") == ()


def test_an_anchor_that_finds_a_value_on_a_page_without_the_field_is_rejected() -> None:
    examples = _areas(6)
    without = _example(page(20, facts(20), rows(facts(20))), absent=["LivingArea"])
    assert _anchors([*examples, without], "LivingArea") == ()


_FACTS = "".join(f"<p class='fact'>{one}</p>" for one in ("A{n}", "brick", "gas", "oak", "{value}"))


@pytest.mark.parametrize(
    ("field", "values", "body", "learned"),
    [
        # it is unclear whether `Units` belongs to the value before or after it
        ("BedroomsTotal", range(2, 7), "<p>Plinth</p><p>{value}</p><p>Units</p><p>{other}</p><p>Loft</p>", ()),
        # the value and its label share a block
        ("BedroomsTotal", range(2, 7), "<li><b>{value}</b><i>Chambers</i></li><li><b>{other}</b><i>Units</i></li>",
         (Anchor("label", "chambers", "previous"),)),
        # all values have the same class, but only one is a year
        ("YearBuilt", range(1950, 1956), _FACTS, (Anchor("label", "oak", "next"),)),
        # a count that is the same on all pages is no evidence
        ("BedroomsTotal", [2] * 8, "<dl><dt>Plinth</dt><dd>{value}</dd></dl><p>{n}</p>", ()),
        # an agent's name cannot become a label of the office
        ("ListOfficeName", [f"Office {name} Realty" for name in "ABCDE"], "<dl><dt>Jane Doe</dt><dd>{value}</dd></dl>",
         ()),
    ],
)  # fmt: skip
def test_only_anchors_that_certainly_belong_to_the_field_are_learned(
    field: str, values: Sequence[Any], body: str, learned: tuple[Anchor, ...]
) -> None:
    known = {"ListAgentFullName": "Jane Doe"} if "Jane" in body else {}
    examples = [
        _example(_html(n, body.format(n=n, value=value, other=9 - n)), **known, **{field: value})
        for n, value in enumerate(values)
    ]
    assert _anchors(examples, field) == learned


def _told(number: int, end: str = "") -> str:
    return f"<p>The home of today has {2 + number} chambers, covered size {1210 + 37 * number} sq ft{end}.</p>"


def test_values_in_sentences_are_found_by_the_words_beside_them() -> None:
    examples = [
        _example(_html(n, _told(n)), BedroomsTotal=2 + n, LivingArea=(1210 + 37 * n, "Square Feet")) for n in range(5)
    ]
    assert _anchors(examples, "BedroomsTotal") == (Anchor("label", "chambers", "before"),)
    assert Anchor("label", "covered size", "after") in _anchors(examples, "LivingArea")
    recipe = _for(learn(_EMPTY, examples), examples[0].page)
    values = read_with(_html(9, _told(9)), [recipe]).extraction.record.values
    assert (values["BedroomsTotal"], values["LivingArea"]) == (11, 1543)


def test_a_continued_sentence_after_the_label_is_not_a_value() -> None:
    examples = [
        _example(
            _html(n, _told(n, f", roof {roof}")),
            BedroomsTotal=2 + n,
            LivingArea=(1210 + 37 * n, "Square Feet"),
            Roof=[roof],
        )
        for n, roof in enumerate(("Slate", "Metal", "Slate", "Clay tile", "Metal"))
    ]
    recipe = _for(learn(_EMPTY, examples), examples[0].page)
    read = read_with(_html(9, _told(9, ", roof of metal and glass")), [recipe])
    assert {"BedroomsTotal", "LivingArea"} <= read.hits
    assert "Roof" in read.misses


def test_one_wrong_count_is_tolerated_if_the_label_names_the_field() -> None:
    def beds(label: str) -> list[Example]:
        pages = [_html(n, f"<dl><dt>{label}</dt><dd>{1 + n % 4}</dd></dl><p>{n}</p>") for n in range(7)]
        return [_example(page, BedroomsTotal=1 + n % 4 + (n == 2)) for n, page in enumerate(pages)]

    assert Anchor("label", "bedrooms", "term") in _anchors(beds("Bedrooms"), "BedroomsTotal")
    assert _anchors(beds("Chambers"), "BedroomsTotal") == ()


def test_another_homes_price_is_distinguished_by_its_block() -> None:
    """The home's price and the prices of sold homes have the same class."""
    examples = [
        _example(
            _html(
                n,
                f"<section class='head'><em class='amount'>${300 + n},000</em></section>"
                f"<section class='strip'><em class='amount'>${500 - n},000</em></section>",
            ),
            ListPrice=(300 + n) * 1000,
        )
        for n in range(5)
    ]
    assert Anchor("attribute", "em.amount", within=".head") in _anchors(examples, "ListPrice")
    assert all(one.within != "" or one.name != "em.amount" for one in _anchors(examples, "ListPrice"))


def test_a_countys_layer_teaches_its_key_and_its_implied_unit() -> None:
    known = [facts(number) for number in range(5)]
    examples = [
        _example(parcel(n, one), LivingArea=(one["LivingArea"], "Square Feet"), YearBuilt=one["YearBuilt"])
        for n, one in enumerate(known)
    ]
    learned = learn(new_recipe("gis.example.gov", frozenset({1})), examples)
    assert learned.fields["YearBuilt"][0] == Anchor("path", "/features/*/attributes/EFFYR", "body")
    assert learned.fields["LivingArea"][0] == Anchor("path", "/features/*/attributes/TLA", "body", unit="Square Feet")
    read = read_with(parcel(77, facts(77)), [_for(learned, parcel(77, facts(77)))])
    assert read.extraction.record.values["YearBuilt"] == facts(77)["YearBuilt"]
    assert read.extraction.record.evidence["LivingArea"].locator == "/features/0/attributes/TLA"


def _for(recipe: Recipe, one: Page) -> Recipe:
    return replace(recipe, fingerprint=read_with(one, ()).fingerprint, state=RecipeState.ACTIVE)


def test_list_members_are_distinguished_by_their_texts() -> None:
    def body(n: int) -> Page:
        facts_ = [{"caption": "TLA", "value": 900 + 11 * n}, {"caption": "BSMT", "value": 700 - 3 * n}]
        shuffled = facts_ if n % 2 else facts_[::-1]
        return as_page(f"https://gis.example.gov/{n}", json.dumps({"facts": shuffled}), "application/json")

    examples = [_example(body(n), LivingArea=(900 + 11 * n, "Square Feet")) for n in range(6)]
    assert [one.name for one in _anchors(examples, "LivingArea")] == ["/facts/*[caption=TLA]/value"]


def test_a_field_that_the_model_never_answers_is_not_asked_for_again() -> None:
    examples = [
        _example(page(n, facts(n)), absent=["Roof"], LivingArea=(facts(n)["LivingArea"], "Square Feet"))
        for n in range(5)
    ]
    assert learn(_EMPTY, examples).never == ("Roof",)
    having = _example(page(9, facts(9)), Roof=["Slate"], LivingArea=(facts(9)["LivingArea"], "Square Feet"))
    assert learn(_EMPTY, [*examples[:3], having]).never == ()


def test_a_page_that_changed_its_label_leaves_the_field_unsure() -> None:
    odd = [_example(page(n, facts(n), "<p>no table</p>"), LivingArea=(1234, "Square Feet")) for n in (8, 9)]
    assert learn(_EMPTY, [*_areas(5), *odd]).unsure == ("LivingArea",)
    assert learn(_EMPTY, [*_areas(6), odd[0]]).unsure == ()


def test_anchors_in_use_stay_while_pages_do_not_ask_for_their_fields() -> None:
    first = learn(_EMPTY, _areas(5))
    later = [_example(page(n, facts(n)), YearBuilt=facts(n)["YearBuilt"]) for n in range(10, 16)]
    both = learn(first, later)
    assert both.fields["LivingArea"] == first.fields["LivingArea"]
    assert both.fields["YearBuilt"]
    redesigned = [
        _example(page(n, one, f"<p>Size: {one['LivingArea']} sq ft</p>"), LivingArea=(one["LivingArea"], "Square Feet"))
        for n, one in ((n, facts(n)) for n in range(20, 25))
    ]
    assert all(one.name != "covered size" for one in learn(both, redesigned).fields["LivingArea"])
