"""The language files, which people edit by hand, are valid."""

from collections import Counter

import pytest

from app.property.fields.languages import language, languages
from app.property.reading.terms import meaning, words_of
from app.property.record import FIELDS

#: Names in the language files that have labels but are not fields. `docs/languages.md` explains them.
_COMPOSITES = frozenset(
    {"_Ignore", "_Address", "_CityStateZip", "_Coordinates", "_BedsBaths", "_Layout", "_Typology", "_Walk"}
    | {"_Floor", "_Stories", "_Structure", "_ThreeQuarterBaths", "_Age", "_RentWarm", "_Sale", "_EstimateRange"}
)
_CODES = tuple(languages())


def _tables(code: str) -> list[dict[str, list[str]]]:
    sections = languages()[code]
    return [sections["labels"], *sections.get("unsure_labels", {}).values()]


@pytest.mark.parametrize("code", _CODES)
def test_every_label_names_a_field_or_a_composite(code: str) -> None:
    named = {field for table in _tables(code) for field in table}
    assert named <= FIELDS.keys() | _COMPOSITES


@pytest.mark.parametrize("code", _CODES)
def test_a_word_has_one_meaning_in_its_language(code: str) -> None:
    words = Counter(words_of(term) for table in _tables(code) for terms in table.values() for term in terms)
    assert [word for word, times in words.items() if times > 1 or not word] == []


def test_every_language_is_in_one_file() -> None:
    codes = Counter(code for sections in languages().values() for code in sections["codes"])
    assert max(codes.values()) == 1


def test_a_language_without_a_file_has_no_words() -> None:
    assert language("xx") == language(None) == {}
    assert meaning("Kaufpreis", "xx") is None


@pytest.mark.parametrize(
    ("label", "lang", "field"),
    [
        ("Kaufpreis", "de", "ListPrice"),
        ("Cena nehnuteľnosti", "sk", "ListPrice"),
        ("yearBuilt", "de", "YearBuilt"),  # JSON keys are English in every language
        ("間取り", "ja", "_Layout"),
        ("Wohnfläche", None, "LivingArea"),
    ],
)
def test_a_word_of_a_language_file_names_its_field(label: str, lang: str | None, field: str) -> None:
    found = meaning(label, lang)
    assert found is not None
    assert found.field == field
