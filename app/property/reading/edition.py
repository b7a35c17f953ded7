"""Compute the version of the code that reads pages. A page read by another version is read again on the next visit."""

import hashlib
from functools import cache
from pathlib import Path


@cache
def edition() -> str:
    """Return a digest, in 16 hex digits, of the files that decide how a page is read. It covers code, comments, and
    word lists.

    A version number is not used, because developers could forget to increase it, and unchanged pages would then never
    be read with the new code.
    """
    digest = hashlib.sha256()
    for part in ("reading", "values", "fields"):
        for file in sorted(Path(__file__).parents[1].joinpath(part).rglob("*")):
            if file.is_file() and file.suffix != ".pyc":
                digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
