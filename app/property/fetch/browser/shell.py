"""Is a page an empty shell, which its scripts would fill?"""

from __future__ import annotations

import re

from app.property.fields.table import TELLING
from app.property.page import Page
from app.property.reading.document import Document
from app.property.reading.kind import classify
from app.property.reading.pipeline import extract
from app.property.record import PageKind

#: what is left of a shell: a title, a notice that scripts are needed, the links of a footer
_SHELL_CHARS = 1000
#: an inline script of fewer characters counts a visit or sets a flag
_DRAWS_CHARS = 300
#: a title and the tags for shared links may tell the address and the price
_TITLE_FACTS = 2
_DATA_TYPES = re.compile(r"application/(?:ld\+)?json|text/(?:template|x-)|importmap|speculationrules", re.IGNORECASE)


def is_shell(page: Page) -> bool:
    """True for HTML with hardly any text, hardly a fact in its markup or embedded data, and scripts that would fill it.

    Not for a page that turns visitors away: with a browser it would ask for proof of a person, and it gets none.
    """
    if "html" not in page.content_type:
        return False
    document = Document(page)
    if document.root is None or not _has_scripts(document):
        return False
    if sum(len(segment.text) for segment in document.segments) >= _SHELL_CHARS:
        return False
    if classify(document, {})[0] in (PageKind.BLOCKED, PageKind.GONE):
        return False
    return len(TELLING & set(extract(page).record.values)) <= _TITLE_FACTS


def _has_scripts(document: Document) -> bool:
    for script in document.root.iter("script"):
        if _DATA_TYPES.match(script.get("type") or ""):
            continue
        if script.get("src") or len(script.text or "") >= _DRAWS_CHARS:
            return True
    return False
