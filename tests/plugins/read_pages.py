"""Make pages from markup, and read the values from pages."""

from datetime import UTC, datetime
from typing import Any

from app.property.page import Page
from app.property.reading.pipeline import extract


def page_of(html: str, url: str, content_type: str = "text/html") -> Page:
    """Return a page fetched from `url` on a fixed day, 1 March 2026."""
    return Page(url, url, content_type, html, html.encode("utf-8", "replace"), datetime(2026, 3, 1, tzinfo=UTC))


def values_of(html: str, url: str) -> dict[str, Any]:
    return extract(page_of(html, url)).record.values
