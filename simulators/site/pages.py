"""The bundled pages and their facts: files below `pages/`, listed in `pages/manifest.json`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "pages"
_TYPES = {".html": "text/html", ".json": "application/json", ".txt": "text/plain"}


@dataclass(frozen=True)
class BundledPage:
    """`facts` has the correct values of some RESO fields.

    The file is UTF-8. The server converts it to `charset`, which the Content-Type header names if `announce`.
    """

    slug: str
    file: str
    style: str
    facts: Mapping[str, Any]
    charset: str = "utf-8"
    announce: bool = True

    @property
    def path(self) -> str:
        return f"/listings/{self.slug}"

    @property
    def content_type(self) -> str:
        kind = _TYPES[Path(self.file).suffix]
        return f"{kind}; charset={self.charset}" if self.announce else kind

    def body(self) -> bytes:
        return (_FOLDER / self.file).read_text(encoding="utf-8").encode(self.charset)


@cache
def bundled_pages() -> Mapping[str, BundledPage]:
    """Return every bundled page by its slug, in the order of the manifest."""
    entries = json.loads((_FOLDER / "manifest.json").read_text(encoding="utf-8"))
    return {entry["slug"]: BundledPage(**entry) for entry in entries}
