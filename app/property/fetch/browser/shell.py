"""Recognize pages that are empty without their scripts."""

import re

from app.property.fields.table import TYPICAL_FIELDS
from app.property.page import Page
from app.property.reading.document import Document
from app.property.reading.kind import classify
from app.property.reading.pipeline import extract
from app.property.record import PageKind

#: A page with less text than this may be empty. Empty pages may have a title, a notice about scripts, and footer links.
_SHELL_CHARS = 1000
#: Inline scripts shorter than this are ignored. They usually add no content, but count a visit or set a flag.
_DRAWS_CHARS = 300
#: A page with more facts than this is not empty. An empty page may have some facts in its title and Open Graph tags.
_TITLE_FACTS = 2
_DATA_TYPES = re.compile(r"application/(?:ld\+)?json|text/(?:template|x-)|importmap|speculationrules", re.IGNORECASE)


def is_shell(page: Page) -> bool:
    """Return whether a page is HTML with hardly any text or facts, and with scripts that could add them.

    Return False for a block page, because a browser would usually only get a captcha. Also return False if the page
    says that its listing is gone.
    """
    if "html" not in page.content_type:
        return False
    document = Document(page)
    if document.root is None or not _has_scripts(document):
        return False
    if sum(len(segment.text) for segment in document.segments) >= _SHELL_CHARS:
        return False
    if classify(document, {}).kind in (PageKind.BLOCKED, PageKind.GONE):
        return False
    return len(TYPICAL_FIELDS & set(extract(page).record.values)) <= _TITLE_FACTS


def _has_scripts(document: Document) -> bool:
    for script in document.root.iter("script"):
        if _DATA_TYPES.match(script.get("type") or ""):
            continue
        if script.get("src") or len(script.text or "") >= _DRAWS_CHARS:
            return True
    return False
