"""The words of each language: `languages/<ISO 639-1 code>.toml`. docs/languages.md describes the sections.

Files are read on first use and kept: all of them take some 10 ms. Close languages share a file (Czech and Slovak).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

#: what one file holds: lists of words by section and key
Sections = Mapping[str, Any]

_FOLDER = Path(__file__).with_name("languages")


@cache
def languages() -> Mapping[str, Sections]:
    """The sections of every file by the first of its language codes, in alphabetical order."""
    read = (tomllib.loads(file.read_text("utf-8")) for file in sorted(_FOLDER.glob("*.toml")))
    return MappingProxyType({sections["codes"][0]: sections for sections in read})


@cache
def _by_code() -> Mapping[str, Sections]:
    return {code: sections for sections in languages().values() for code in sections["codes"]}


def language(code: str | None) -> Sections:
    """The sections of the language with this code; empty for one that has no file."""
    return _by_code().get(code or "", {})
