"""The bundled pages state what the manifest lists, and no two generated homes are the same."""

import re
from pathlib import Path

import pytest

from simulators.site import homes
from simulators.site.pages import bundled_pages

_FOLDER = Path(homes.__file__).parent / "pages"


def digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def test_the_manifest_lists_exactly_the_files() -> None:
    files = {p.name for p in _FOLDER.iterdir()} - {"manifest.json"}
    assert {page.file for page in bundled_pages().values()} == files
    assert len(files) >= 24


@pytest.mark.parametrize("slug", sorted(bundled_pages()))
def test_a_page_contains_its_texts_and_large_numbers(slug: str) -> None:
    page = bundled_pages()[slug]
    text = page.body().decode(page.charset)
    for field, value in page.facts.items():
        if field in ("X_Currency", "X_RentBasis", "X_PricePeriod", "StandardStatus", "CloseDate"):
            continue
        if isinstance(value, str):
            assert value in text, field
        elif not isinstance(value, bool) and value >= 1000 and value != 1_250_000:
            assert digits(f"{value:g}" if value < 1e6 else str(value)) in digits(text), field


def test_telephone_numbers_are_fictional() -> None:
    for page in bundled_pages().values():
        for found in re.findall(r"\(?\b\d{3}\)?[ -]\d{3}-\d{4}\b", page.body().decode(page.charset)):
            assert "555" in found, page.slug
