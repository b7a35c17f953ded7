"""Measure the lines of code that read pages, and the number of files that name a field."""

import re
from pathlib import Path

from app.property.record import FIELDS

_ROOT = Path(__file__).parents[2]
_READING = ("reading", "fields", "values")
_PRODUCT = ("app", "cli", "tasks", "web", "worker")
_KINDS = (".html", ".js", ".lua", ".py", ".toml")
#: Folders that are not counted, because a new field changes no migration and no vendored file.
_FROZEN = {"migrations", "vendor"}


def lines_of_reading(root: Path = _ROOT) -> int:
    files = (file for name in _READING for file in (root / "app" / "property" / name).rglob("*.py"))
    return sum(len(file.read_text("utf-8").splitlines()) for file in files)


def files_naming_a_field(root: Path = _ROOT) -> float:
    """Return the mean number of the product's files that name a field. All language files count as one file."""
    named = re.compile(rf"\b(?:{'|'.join(FIELDS)})\b")
    found: dict[Path, set[str]] = {}
    for folder in _PRODUCT:
        for file in (root / folder).rglob("*"):
            if file.suffix in _KINDS and not _FROZEN & set(file.parts):
                counted = file.parent if file.parent.name == "languages" else file
                found.setdefault(counted, set()).update(named.findall(file.read_text("utf-8")))
    return sum(map(len, found.values())) / len(FIELDS)
