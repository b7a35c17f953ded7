"""Errors about reading pages, and about operators' decisions on which records are the same property."""

from app.errors import PropertyIntelligenceError


class IdentityDecisionError(PropertyIntelligenceError, code="identity_decision", facts="property problem"):
    """An operator's decision about a property's identity does not match the stored data."""

    sentence = "Property {property}: {problem}."
    remedy = "See `propintel properties show PROPERTY --explain` and `propintel properties decisions PROPERTY`."


class PageError(PropertyIntelligenceError, code="page_unusable", facts="url reason"):
    """The page contains no property."""

    sentence = "{url} contains no property: {reason}."


class PageBlockedError(PageError, code="page_blocked"):
    sentence = "{url} shows a block or login page instead of a property ({reason})."
    remedy = "Such pages are not bypassed. Use another source."


class PageGoneError(PageError, code="page_gone"):
    sentence = "{url} states that the property is no longer listed ({reason})."
    remedy = "Remove it from your list."


class NoSuchPropertyError(PageError, code="no_such_property"):
    """A source answered that it has no property at the requested address."""

    sentence = "{url} has no property for this address ({reason})."
    remedy = "Check the address."


class SearchPageError(PageError, code="search_page"):
    sentence = "{url} lists several properties, or search results ({reason})."
    remedy = "Enqueue a search by its own address (docs/search-pages.md), or the pages it links to."


class PageTooComplexError(PageError, code="page_too_complex"):
    """Reading the page needs more CPU time, memory, or HTML elements than allowed. The job is not retried."""

    sentence = "{url} is too complex to read: {reason}."
    remedy = (
        "Enqueue the page of a single property instead of a long list or a data file. If it is such a page, "
        "enqueue another site's page about the property."
    )


class NoPropertyDataError(PageError, code="no_property_data"):
    sentence = "{url} has no property data that could be read ({reason})."
    remedy = "Run `propintel extract --explain`; the page may need a browser or a model."
