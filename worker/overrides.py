"""Compare the internals of libraries that `overrides.toml` lists with the installed versions.

`python -m worker.overrides` prints each entry that no longer matches, with the current fingerprint.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import io
import sys
import textwrap
import tokenize
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from importlib.metadata import version
from pathlib import Path
from typing import Any

_LIST = Path(__file__).with_name("overrides.toml")
#: The packages whose name differs from the name of their module, by that module.
_PACKAGES = {"redbeat": "celery-redbeat"}


@dataclass(frozen=True, slots=True)
class Override:
    """An internal of a library that `file` overrides or relies on: `module:name`, or a whole `module`."""

    target: str
    file: str
    why: str
    fingerprint: str

    @property
    def package(self) -> str:
        """The distribution that contains `target`."""
        top = self.target.partition(".")[0]
        return _PACKAGES.get(top, top)


def overrides() -> list[Override]:
    """Return all entries of `overrides.toml`."""
    files = tomllib.loads(_LIST.read_text(encoding="utf-8"))["overrides"]
    return [Override(target, file, **entry) for file, entries in files.items() for target, entry in entries.items()]


def checked_versions() -> dict[str, str]:
    """Return the version of each package that the entries were last checked against."""
    return dict(tomllib.loads(_LIST.read_text(encoding="utf-8"))["checked"])


def complaints() -> Iterator[str]:
    """Yield a line with a remedy for each entry that does not match the installed library."""
    checked = checked_versions()
    for one in overrides():
        if (current := current_fingerprint(one.target)) != one.fingerprint:
            yield (
                f"{one.target} is {f'now {current}' if current else 'gone'} in {one.package} {version(one.package)};"
                f" it was {one.fingerprint} in {checked[one.package]}. Check {one.file} ({one.why}), then update"
                f" worker/{_LIST.name}."
            )


def current_fingerprint(target: str) -> str | None:
    """Return the fingerprint of `target` in the installed library; None if it does not exist."""
    module, _, name = target.partition(":")
    try:
        found: Any = reduce(getattr, name.split(".") if name else [], importlib.import_module(module))
    except (ImportError, AttributeError):
        return None
    return fingerprint(inspect.getsource(inspect.unwrap(found) if callable(found) else found))


def fingerprint(source: str) -> str:
    """Return a hash of the code without its comments and layout. It is the same in all versions of Python."""
    left_out = (tokenize.COMMENT, tokenize.NL)
    layout = (tokenize.INDENT, tokenize.DEDENT, tokenize.NEWLINE)
    words = (
        tokenize.tok_name[token.type] if token.type in layout else token.string
        for token in tokenize.generate_tokens(io.StringIO(textwrap.dedent(source)).readline)
        if token.type not in left_out
    )
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:12]


if __name__ == "__main__":
    found = list(complaints())
    sys.stdout.writelines(f"{line}\n" for line in found)
    sys.exit(1 if found else 0)
