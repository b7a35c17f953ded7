"""Which readers these are: a record that others made is read again when its page is visited."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable


@cache
def edition() -> str:
    """A digest of the code and words by which pages are read, 16 hex digits; the same in all processes of a release.

    By hand it would be forgotten: a mended reader would never reach the pages that do not change.
    """
    digest = hashlib.sha256()
    for part in ("reading", "values", "fields"):
        for file in _files(files("app.property").joinpath(part)):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _files(folder: Traversable) -> list[Traversable]:
    found: list[Traversable] = []
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.is_dir() and entry.name != "__pycache__":
            found += _files(entry)
        elif entry.is_file() and not entry.name.endswith(".pyc"):
            found.append(entry)
    return found
