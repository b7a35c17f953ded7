"""Pages that were fetched, and the properties they become."""

from __future__ import annotations

from typing import ClassVar

from app.errors import PropertyIntelligenceError


class IdentityDecisionError(PropertyIntelligenceError):
    """What somebody said of which pages are one property does not fit what is stored."""

    code = "identity_decision"
    fact_names: ClassVar[tuple[str, ...]] = ("property", "problem")
    sentence = "Property {property}: {problem}."
    remedy = "`propintel show PROPERTY --explain` shows its sources, `propintel decisions PROPERTY` what was decided."


class PageError(PropertyIntelligenceError):
    """The page was fetched but holds no property."""

    code = "page_unusable"
    fact_names: ClassVar[tuple[str, ...]] = ("url", "reason")
    sentence = "{url} holds no property: {reason}."


class PageBlockedError(PageError):
    code = "page_blocked"
    sentence = "{url} shows a block or login page instead of a property ({reason})."
    remedy = "It is not worked around; take the data from another source."


class PageGoneError(PageError):
    code = "page_gone"
    sentence = "{url} says that the property is no longer there ({reason})."
    remedy = "Remove it from your list."


class SearchPageError(PageError):
    code = "search_page"
    sentence = "{url} lists several properties ({reason})."
    remedy = "Enqueue a search by its own address (docs/search-pages.md), or the pages it links to."


class PageTooComplexError(PageError):
    """Reading the page would cost more CPU time, elements or memory than any page of a property does. It is not tried
    again."""

    code = "page_too_complex"
    sentence = "{url} is too complex to be read: {reason}."
    remedy = "A property page is simpler; check that the address is not a list of everything, or take another source."


class NoPropertyDataError(PageError):
    code = "no_property_data"
    sentence = "{url} has no property data that could be read ({reason})."
    remedy = "See `propintel extract --explain`; the page may need a browser or a model."
