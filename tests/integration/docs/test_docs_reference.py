"""Tests that docs/reference/ matches the code and that the architecture page is complete."""

import re

import pytest

from app.property.storage.tables import metadata
from docs.site.reference import FOLDER, PAGES
from tests.plugins.documented import ROOT

_ARCHITECTURE = (ROOT / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_the_reference_matches_the_code(name: str) -> None:
    """If this fails, run `make reference` and commit the result."""
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name]()


def test_no_page_is_obsolete() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(PAGES)


def _column(heading: str, number: int) -> list[str]:
    """Return the backticked words in column `number` (counted from 0) of the first table below a heading."""
    table = re.search(r"^\|(?:.*\|\n)+", _ARCHITECTURE[_ARCHITECTURE.index(f"## {heading}\n") :], re.M)
    assert table is not None
    rows = table[0].splitlines()[2:]
    return [word for row in rows for word in re.findall(r"`(\w+)`", row.split("|")[number + 1])]


def test_the_architecture_describes_the_loss_of_every_table() -> None:
    assert sorted(_column("Where state lives", 1)) == sorted(metadata.tables)


def test_the_architecture_names_every_process() -> None:
    procfile = (ROOT / "Procfile").read_text(encoding="utf-8").splitlines()
    assert sorted(_column("Processes", 0)) == sorted(line.partition(":")[0] for line in procfile)


def test_the_diagram_has_every_module_of_app() -> None:
    drawing = (ROOT / "docs" / "images" / "layers.svg").read_text(encoding="utf-8")
    modules = {path.stem for path in (ROOT / "app").glob("*.py")} - {"__init__"}
    folders = {path.name for path in (ROOT / "app").iterdir() if (path / "__init__.py").is_file()}
    assert {name for name in modules | folders if not re.search(rf"\b{name}\b", drawing)} == set()
