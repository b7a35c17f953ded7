"""Load the words of each language from `languages/<ISO 639-1 code>.toml` (sections: docs/languages.md).

All files are loaded on first use (10 ms) and cached. Similar languages, such as Czech and Slovak, share a file.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

#: The content of a language file: mostly word lists by section and key.
Sections = Mapping[str, Any]

_FOLDER = Path(__file__).with_name("languages")


@cache
def languages() -> Mapping[str, Sections]:
    """Map the first language code of each language file to the file's sections."""
    read = (tomllib.loads(file.read_text("utf-8")) for file in sorted(_FOLDER.glob("*.toml")))
    return MappingProxyType({sections["codes"][0]: sections for sections in read})


@cache
def _by_code() -> Mapping[str, Sections]:
    return {code: sections for sections in languages().values() for code in sections["codes"]}


def language(code: str | None) -> Sections:
    return _by_code().get(code or "", {})
