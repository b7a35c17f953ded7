"""Compute the version of the code that reads pages. A page read by another version is read again on the next visit."""

import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable


@cache
def edition() -> str:
    """Return a digest of the files of this code, in 16 hex digits. It covers code, comments, and word lists.

    Developers could forget to increase a version number. Unchanged pages would then never be read again.
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
