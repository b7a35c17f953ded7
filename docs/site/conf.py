"""Sphinx's configuration for the documentation site (`make docs`), which is built from the Markdown that GitHub shows.

The menu comes from the lists of links in docs/README.md and in the READMEs of the decisions and the benchmarks. An
unlisted page, or a broken link or anchor, fails the build.
"""

from __future__ import annotations

import posixpath
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_ROOT = Path(__file__).parents[2]

project = "property-intelligence"
author = "property-intelligence"
version = release = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
extensions = ["myst_parser"]
include_patterns = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/**.md"]
root_doc = "docs/README"
myst_heading_anchors = 6
myst_enable_extensions: list[str] = []
suppress_warnings = [
    # some pages begin with a text instead of a heading, and ADRs quote headings
    "myst.header",
    # shortened examples contain "...", which is invalid JSON
    "misc.highlighting_failure",
]
html_theme = "furo"
html_title = project
html_extra_path = ["index.html"]
html_copy_source = html_show_sourcelink = False
html_theme_options = {"source_view_link": "", "top_of_page_buttons": []}

_MENUS = ("docs/README", "docs/decisions/README", "docs/benchmarks/README")
_HEADING = re.compile(r"^## (.+)$", re.M)
_LINK = re.compile(r"\]\(([^)#\s:]+\.md)\)")


def toctrees(docname: str, text: str) -> str:
    """Return a hidden table of contents for each `##` section that links to pages, in the order of the links."""
    folder = posixpath.dirname(docname)
    heads = [(0, "")] + [(found.end(), found[1]) for found in _HEADING.finditer(text)]
    ends = [start for start, _ in heads[1:]] + [len(text)]
    written = []
    for (start, caption), end in zip(heads, ends, strict=True):
        pages = dict.fromkeys(
            "/" + posixpath.normpath(posixpath.join(folder, link))[:-3] for link in _LINK.findall(text[start:end])
        )
        listed = [page for page in pages if page.strip("/") != docname]
        if caption and listed:
            written.append(f":caption: {caption}\n:hidden:\n:maxdepth: 1\n\n" + "\n".join(listed))
        elif listed:
            written.append(":hidden:\n:maxdepth: 1\n\n" + "\n".join(listed))
    return "".join(f"\n\n```{{toctree}}\n{body}\n```\n" for body in written)


def _add_menu(_app: Sphinx, docname: str, source: list[str]) -> None:
    if docname in _MENUS:
        source[0] += toctrees(docname, source[0])


def setup(app: Sphinx) -> None:
    app.connect("source-read", _add_menu)
