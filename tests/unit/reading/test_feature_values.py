"""Materials of roofs, and the year of the roof that stands beside them or follows from its age."""

from typing import Any

import pytest

from app.property.reading.model.claims import Claim
from app.property.reading.model.value_check import check_value
from app.property.reading.pipeline import extract
from app.property.record import Method, PropertyRecord
from tests.plugins.read_pages import page_of


def _record(label: str, value: str, lang: str = "en") -> PropertyRecord:
    body = f"<h1>12 Elm St, Ames, IA 50010</h1><p>3 beds</p><dl><dt>{label}</dt><dd>{value}</dd></dl>"
    html = f"<html lang='{lang}'><head><title>12 Elm St, Ames, IA 50010</title></head><body>{body}</body></html>"
    return extract(page_of(html, "https://site.example/p/900120")).record


@pytest.mark.parametrize(
    ("lang", "label", "value", "materials", "year"),
    [
        ("en", "Roof", "3-tab asphalt, installed 2004", ["3-tab asphalt"], 2004),
        ("en", "Roof", "replaced 2011", None, 2011),
        ("en", "Roof", "Clay tile, original (2003)", ["Clay tile"], 2003),
        ("en", "Roof", "Metal - 2015", ["Metal"], 2015),
        ("en", "Roof", "2015 metal", ["metal"], 2015),
        ("en", "Roof", "Composition (installed 06/2012)", ["Composition"], 2012),
        ("en", "Roof", "Asphalt shingle/2019", ["Asphalt shingle"], 2019),
        ("en", "Roof", "Shingle, 1998, replaced 2015", ["Shingle"], 2015),
        ("en", "Roof", "New in 2020", None, 2020),
        ("en", "Roof", "2014", None, 2014),
        ("en", "Roof year", "2011 (15 years old)", None, 2011),
        ("en", "Roof age", "15 years (2011)", None, 2011),
        ("de", "Dach", "Ziegel, erneuert 2015", ["Ziegel"], 2015),
        ("fr", "Toiture", "tuiles, refaite en 2012", ["tuiles"], 2012),
        # years of other works, and classes of shingles, are no years of the roof
        ("en", "Roof", "Slate, repaired 2018", ["Slate"], None),
        ("en", "Roof", "Tile, inspected 2021", ["Tile"], None),
        ("en", "Roof", "Composition shingle, warranty until 2040", ["Composition shingle"], None),
        ("en", "Roof", "Asphalt shingle; kitchen remodeled 2020", ["Asphalt shingle"], None),
        ("en", "Roof", "30-year dimensional shingle", ["30-year dimensional shingle"], None),
        ("en", "Roof", "Comp shingle 30 yr", ["Comp shingle 30 yr"], None),
        # sentences are no materials
        ("en", "Roof", "The roof was replaced in 2019 and the kitchen was remodeled", None, 2019),
        ("en", "Roof", "The roof was replaced in 2019, and the kitchen was remodeled", None, 2019),
        # shapes are no materials, except those of RESO's lookup
        ("en", "Roof type", "Hip", None, None),
        ("en", "Roof type", "Gable/Hip", None, None),
        ("en", "Roof type", "Gambrel roof", None, None),
        ("en", "Roof type", "Hip, asphalt shingle", ["asphalt shingle"], None),
        ("en", "Roof type", "Flat, Rubber", ["Flat", "Rubber"], None),
        ("en", "Roof type", "Mansard", ["Mansard"], None),
        ("de", "Dach", "Walmdach, Ziegel", ["Ziegel"], None),
        ("fi", "Katto", "Harjakatto", None, None),
    ],
)
def test_a_roof_is_a_material_and_a_year(
    lang: str, label: str, value: str, materials: list[str] | None, year: int | None
) -> None:
    values = _record(label, value, lang).values
    assert (values.get("Roof"), values.get("X_RoofYear")) == (materials, year)


@pytest.mark.parametrize(
    ("lang", "label", "age", "year"),
    [
        ("en", "Roof age", "18 years", 2008),
        ("en", "Roof age", "18", 2008),
        ("en", "Age of roof", "12 yrs old", 2014),
        ("en", "Roof age", "18 years (as of 2024)", 2006),
        ("en", "Roof", "Metal, 5 years old", 2021),
        ("de", "Dachalter", "12 Jahre", 2014),
        ("fr", "Âge de la toiture", "12 ans", 2014),
    ],
)
def test_the_year_of_a_roof_follows_from_its_age(lang: str, label: str, age: str, year: int) -> None:
    """The age counts from the stated year, else from the day of the fetch, and the year is marked as derived."""
    proof = _record(label, age, lang).evidence["X_RoofYear"]
    assert (proof.value, proof.method) == (year, Method.DERIVED)
    assert age in proof.quote
    assert proof.confidence <= 0.7


@pytest.mark.parametrize("age", ["5-10 years", "10+ years", "over 20 years", "less than 5 years", "New", "0 years"])
def test_an_age_without_a_number_of_years_gives_no_year(age: str) -> None:
    assert "X_RoofYear" not in _record("Roof age", age).values


@pytest.mark.parametrize(
    ("claimed", "quote", "stored"),
    [
        (["Hip"], "Roof type: Hip", None),
        (["installed 2004"], "Roof: 3-tab asphalt, installed 2004", None),
        (["Metal (2015)"], "Roof: Metal (2015)", ["Metal"]),
        (["Asphalt shingle"], "Roof: Asphalt shingle", ["Asphalt shingle"]),
    ],
)
def test_a_models_materials_are_read_like_the_pages(claimed: list[str], quote: str, stored: Any) -> None:
    checked = check_value(Claim("Roof", claimed, quote, quote, "en", "US"))
    assert (checked.value if checked else None) == stored
