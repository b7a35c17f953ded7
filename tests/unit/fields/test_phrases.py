"""The notation of phrases in the language files."""

import re

import pytest

from app.property.fields.languages import languages
from app.property.fields.phrases import expression
from app.property.values.areas import SQUARE_METERS, parse_area
from app.property.values.texts import has_legal_form, is_empty
from app.property.values.vocabulary import offer, standard_status, yes_no

_SECTIONS = (
    *("behind_number", "behind_number_here", "before_number", "kinds", "status", "offers", "prices", "price_periods"),
    *("price_qualifiers", "other_subjects", "materials", "pages", "people", "addresses", "units", "units_here"),
)


@pytest.mark.parametrize(
    ("phrase", "matched", "unmatched"),
    [
        ("haus", "Haus am See", "Wohnhaus"),
        ("*haus", "Wohnhaus", "Hausboot"),
        ("bed[s]", "4 Beds", "bedding"),
        ("sold (for|on)", "sold on Monday", "sold by us"),
        ("rodinn* dom", "rodinný dom", "rodinný byt"),
        ("^sold", "** SOLD", "not sold"),
        ("plot$", "a plot", "a plot of land"),
        ("/[ ]mes", "950 € / mes", "950 € / mese"),
        ("דירה", "הדירה", "דיר"),
        (r"re:br\b(?!\.)", "3 br", "3 br."),
    ],
)
def test_a_phrase_matches_itself_and_what_its_marks_allow(phrase: str, matched: str, unmatched: str) -> None:
    found = re.compile(expression(phrase), re.IGNORECASE)
    assert found.search(matched)
    assert not found.search(unmatched)


@pytest.mark.parametrize("code", tuple(languages()))
def test_every_phrase_compiles_alone(code: str) -> None:
    sections = languages()[code]
    for section in _SECTIONS:
        for key, phrases in sections.get(section, {}).items():
            assert phrases, (section, key)
            assert len(set(phrases)) == len(phrases), (section, key)
            for phrase in phrases:
                assert not re.compile(expression(phrase), re.IGNORECASE).match(""), (section, key, phrase)


def test_a_toilet_is_not_to_let() -> None:
    assert offer("Ground floor: hall, toilet") is None
    assert standard_status("Guest toilet") is None


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        *(("Ja", True), ("ano", True), ("Sim", True), ("Kyllä", True), ("有", True), ("있음", True), ("Да", True)),
        *(("maybe", None), ("yes, heated", None)),
    ],
)
def test_yes_and_no_are_recognized_in_every_language(text: str, answer: bool | None) -> None:
    assert yes_no(text) is answer


@pytest.mark.parametrize("text", ["k.A.", "N/A", "keine Angabe", "brak danych", "saknas", "--", "see remarks", ""])
def test_a_placeholder_is_not_a_value(text: str) -> None:
    assert is_empty(text)
    assert not is_empty(f"{text} 3 rooms")


@pytest.mark.parametrize(
    "name",
    [
        *("Wagner GmbH & Co. KG", "Bytovka reality s.r.o.", "Koti Oy", "株式会社東京"),
        *("Lac Immobilier SA", "Гнездо ООД"),
    ],
)
def test_a_company_is_recognized_by_its_legal_form(name: str) -> None:
    assert has_legal_form(name)


@pytest.mark.parametrize("name", ["The Magic Spa", "Ana Lopez sa", "As", "Kodak"])
def test_case_matters_if_a_legal_form_is_also_a_word(name: str) -> None:
    assert not has_legal_form(name)


@pytest.mark.parametrize(
    ("text", "lang", "square_meters"),
    [
        ("11 ares 42 ca", "fr", 1142),
        ("30坪", "ja", 99.1736),
        ("3 a", "en", None),  # the word `a` is an article here
        ("11 ares 42 ca", None, 1142),  # without a language, the units of all languages count
    ],
)
def test_an_ambiguous_unit_counts_only_in_its_language(
    text: str, lang: str | None, square_meters: float | None
) -> None:
    area = parse_area(text, lang)
    assert area is not None
    assert (area.value if area.unit == SQUARE_METERS else None) == square_meters


@pytest.mark.parametrize("code", tuple(languages()))
def test_layout_patterns_have_a_group_for_the_count(code: str) -> None:
    layouts = languages()[code].get("layouts", {})
    for key in ("rooms", "bedrooms", "bathrooms"):
        assert all(re.compile(written).groups in (1, 2) for written in layouts.get(key, ()))
    assert all(re.compile(expression(phrase)) for phrases in layouts.get("names", ()) for phrase in phrases)


def test_the_rest_of_a_word_is_limited() -> None:
    assert re.search(expression("rodinn* dom"), f"rodinn{'ý' * 30} dom")
    assert not re.search(expression("rodinn* dom"), f"rodinn{'ý' * 31} dom")
