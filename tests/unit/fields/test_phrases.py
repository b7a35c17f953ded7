"""Phrases in the language files have a notation of their own."""

from __future__ import annotations

import re

import pytest

from app.property.fields.languages import languages
from app.property.fields.phrases import alternatives, expression, pattern
from app.property.values.areas import SQUARE_METERS, find_unit, parse_area
from app.property.values.layouts import parse_layout
from app.property.values.numbers import find_numbers
from app.property.values.prices import is_per_area
from app.property.values.texts import has_legal_form, is_empty
from app.property.values.vocabulary import offer, property_kind, standard_status, yes_no

_SECTIONS = (
    *("behind_number", "behind_number_here", "before_number", "kinds", "status", "offers", "prices", "price_periods"),
    *("price_qualifiers", "other_subjects", "materials", "pages", "people", "addresses", "units", "units_here"),
)


@pytest.mark.parametrize(
    ("phrase", "matched", "unmatched"),
    [
        ("haus", "Haus am See", "Wohnhaus"),
        ("*haus", "Wohnhaus", "Hausboot"),
        ("haus*", "Hausboot", "Wohnhaus"),
        ("bed[s]", "4 Beds", "bedding"),
        ("sold (for|on)", "sold on Monday", "sold by us"),
        ("[miet]wohnungen", "12 Mietwohnungen", "Ferienwohnungen"),
        ("rodinn* dom", "rodinný dom", "rodinný byt"),
        ("^sold", "** SOLD", "not sold"),
        ("plot$", "a plot", "a plot of land"),
        ("zi.", "4 Zi.", "4 zip"),
        ("/[ ]mes", "950 € / mes", "950 € / mese"),
        ("土地", "売土地です", "土"),
        ("דירה", "הדירה", "דיר"),
        (r"re:br\b(?!\.)", "3 br", "3 br."),
    ],
)
def test_a_phrase_matches_itself_and_what_its_marks_allow(phrase: str, matched: str, unmatched: str) -> None:
    found = re.compile(expression(phrase), re.IGNORECASE)
    assert found.search(matched)
    assert not found.search(unmatched)


def test_words_after_a_number_need_no_space_before_them() -> None:
    found = re.compile(rf"\d(?:{expression('bd', whole=False)})")
    assert found.search("3bd")
    assert not found.search("3bdx")


def test_a_key_without_phrases_matches_nothing() -> None:
    assert re.search(alternatives("kinds", "Castle"), "castle in the air") is None


@pytest.mark.parametrize("code", tuple(languages()))
def test_every_phrase_compiles_alone(code: str) -> None:
    sections = languages()[code]
    for section in _SECTIONS:
        for key, phrases in sections.get(section, {}).items():
            assert phrases, (section, key)
            assert len(set(phrases)) == len(phrases), (section, key)
            for phrase in phrases:
                assert not re.compile(expression(phrase), re.IGNORECASE).match(""), (section, key, phrase)


def test_phrases_of_all_languages_apply_to_every_page() -> None:
    assert pattern("offers", "rent").search("zu vermieten")
    assert pattern("offers", "rent").search("for rent")


@pytest.mark.parametrize(
    ("text", "subtype"),
    [
        ("Doppelhaushälfte", "Semi Detached"),
        ("House", "Single Family Residence"),
        ("Vacant lot", "Unimproved Land"),
        ("rodinný dom", "Single Family Residence"),
        ("中古マンション", "Apartment"),
    ],
)
def test_kinds_are_recognized_by_the_words_of_their_language(text: str, subtype: str) -> None:
    found = property_kind(text)
    assert found is not None
    assert found.subtype == subtype


def test_a_toilet_is_not_to_let() -> None:
    """A space in a phrase matches only a space. Otherwise `to let` would match inside a word."""
    assert offer("Ground floor: hall, toilet") is None
    assert standard_status("Guest toilet") is None


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        *(("Ja", True), ("ano", True), ("Sim", True), ("Kyllä", True), ("有", True), ("있음", True), ("Да", True)),
        *(("Nee", False), ("ne", False), ("não", False), ("Ei", False), ("なし", False), ("нет", False), ("1", True)),
        *(("maybe", None), ("yes, heated", None)),
    ],
)
def test_yes_and_no_are_recognized_in_every_language(text: str, answer: bool | None) -> None:
    assert yes_no(text) is answer


@pytest.mark.parametrize("code", tuple(languages()))
def test_words_for_counts_begin_with_one_and_have_their_forms(code: str) -> None:
    counts = languages()[code].get("numbers", {}).get("counts", [])
    assert all(isinstance(word, str) for forms in counts for word in forms)
    assert all(counts)


@pytest.mark.parametrize(
    ("text", "lang", "value"),
    [
        ("12 mil", "es", 12_000),
        ("12 mil", "cs", 12e6),
        ("3,2 млн", "ru", 3.2e6),
        ("2億", "ja", 2e8),
        ("4 crore", "en", 4e7),
    ],
)
def test_words_after_digits_multiply_the_number_as_their_language_defines(text: str, lang: str, value: float) -> None:
    assert [number.value for number in find_numbers(text, lang)] == [value]


@pytest.mark.parametrize("text", ["k.A.", "N/A", "keine Angabe", "brak danych", "saknas", "--", "see remarks", ""])
def test_a_placeholder_is_not_a_value(text: str) -> None:
    assert is_empty(text)
    assert not is_empty(f"{text} 3 rooms")


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("131 qm", "Square Meters"),
        ("9.8m2", "Square Meters"),
        ("1 410 pi²", "Square Feet"),
        ("3 hectáreas", "Hectares"),
    ],
)
def test_one_list_of_units_serves_areas_and_running_text(text: str, unit: str) -> None:
    assert find_unit(text) == unit
    assert re.fullmatch(rf"[\d .]+(?:{alternatives('units', unit, whole=False)})", text, re.IGNORECASE)


@pytest.mark.parametrize(
    "text", ["$410 /SF", "3 200 €/m²", "30 000 Kč za m²", "12 500 kr per kvm", "坪単価 210万円", "€/mq 2.300"]
)
def test_a_price_per_area_is_recognized_by_its_units(text: str) -> None:
    assert is_per_area(text)
    assert not is_per_area(text.replace("/", " ").replace("za", "").replace("per", "").replace("坪", ""))


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Wagner GmbH & Co. KG",
            "Bytovka reality s.r.o.",
            "Casa Bella S.p.A.",
            "Koti Oy",
            "Dom sp. z o.o.",
            "株式会社東京",
        ),
        *("Boligen A/S", "Lac Immobilier SA", "Emlak Ltd. Şti.", "Гнездо ООД"),
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
        ("5 a", "cs", 500),
        ("2 dönüm", "tr", 2000),
        ("30坪", "ja", 99.1736),
        ("3 a", "en", None),  # `a` is an article
        ("3 a", "qq", None),
        ("11 ares 42 ca", None, 1142),  # without a language, all units count
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


@pytest.mark.parametrize(
    ("text", "lang", "rooms"),
    [("Trilocale in centro", "it", 3), ("Двустаен апартамент", "bg", 2), ("3+kk", "sk", 3), ("3 izbový byt", "cs", 3)],
)
def test_a_layout_counts_rooms_by_its_language_s_convention(text: str, lang: str, rooms: int) -> None:
    layout = parse_layout(text, lang)
    assert layout is not None
    assert layout.rooms == rooms


def test_the_rest_of_a_word_is_limited() -> None:
    """A `*` matches at most 30 letters. Without a limit, each start of a phrase in a long word would be followed."""
    assert re.search(expression("rodinn* dom"), f"rodinn{'ý' * 30} dom")
    assert not re.search(expression("rodinn* dom"), f"rodinn{'ý' * 31} dom")
